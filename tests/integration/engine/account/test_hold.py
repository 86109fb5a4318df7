from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from tests.build import replace, setup
from tests.fakes import FakeSealer
from tests.harness.desk import (
    ACCOUNT,
    acknowledged,
    described,
    desk,
    told,
)
from waystation.jobs import JobStatus


async def test_an_account_that_is_gone_cannot_be_owned(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.failing.failing = False
        await here.store.remove_account(ACCOUNT.account_id, here.clock.now())
        with capture_logs() as logs:
            await here.store.erase_account(ACCOUNT.account_id)
            here.run()
            await here.quiet()
        assert logs
        assert here.owner.state == "waiting"


async def test_a_job_that_was_submitted_before_the_restart_is_never_sent_again(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        await here.restart()
        assert len(here.discord.transports) == 2
        here.discord.say(told(job), acknowledged(job), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert len(here.discord.performed) == 1


async def test_a_new_token_reconnects_with_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        sealed = FakeSealer().seal("accounts", ACCOUNT.account_id, b"another token")
        changed = replace(here.owner.account, sealed_token=sealed)
        await here.store.put_account(setup(changed))
        await here.owner.revive(changed)
        assert here.discord.transports[0].closed
        await here.pass_until(lambda: len(here.discord.transports) == 2)
        assert here.discord.now.token == "another token"
