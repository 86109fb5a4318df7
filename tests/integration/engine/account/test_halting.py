"""The end of a step for its account: halted or sidelined, with a mail to its user."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.build import replace
from tests.harness.desk import ACCOUNT, desk
from waystation.engine.account.halting import halt_of, log_change, trouble_of
from waystation.midjourney.steps import HaltSign
from waystation.ports import TroubleChange
from waystation.sidelining import Cause

USER = replace(ACCOUNT, user_id=99)
"""The account of a user that is gone."""


async def test_a_halt_knows_the_token_it_is_about_and_whom_to_tell(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        now = here.clock.now()
        halt = await halt_of(here.adapters, ACCOUNT, b"sealed", HaltSign("look", now), now)
        assert (halt.text, halt.sealed_token, halt.mail.created_at) == ("look", b"sealed", now)
        user = await here.store.get_user(ACCOUNT.user_id)
        assert user is not None and halt.mail.to == user.email
        gone = await halt_of(here.adapters, USER, b"sealed", HaltSign("look", now), now)
        assert gone.mail.to == ""


async def test_the_third_refusal_of_one_cause_sidelines_with_one_mail(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        now, account, changes = here.clock.now(), ACCOUNT, list[TroubleChange]()
        cause = Cause(404, "10003", "Unknown Channel")
        for _ in range(3):
            change = await trouble_of(here.adapters, account, cause, now)
            assert change is not None
            changes.append(change)
            account = replace(account, trouble=change.after)
        assert [change.mail is not None for change in changes] == [False, False, True]
        back = await trouble_of(here.adapters, account, None, now)
        assert back is not None and back.after is not None
        assert (back.after.cause, back.after.until, back.mail) == (None, None, None)
        assert await trouble_of(here.adapters, ACCOUNT, None, now) is None
        with capture_logs() as logs:
            log_change(account, None, changes[-1])
            log_change(replace(account, trouble=back.after), None, back)
            log_change(account, None, back)  # somebody else has changed it since
            log_change(account, None, None)
        assert [line["event"] for line in logs] == ["account.sidelined", "account.back"]
