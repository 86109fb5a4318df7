from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.build import replace
from tests.fakes import START
from tests.harness.desk import (
    ACCOUNT,
    create,
    desk,
    said,
    until,
)
from waystation.actions import Refused
from waystation.engine.account.commits import job_change
from waystation.gateway_events import MessageSeen
from waystation.jobs import Failed, JobStatus
from waystation.midjourney.steps import Changed
from waystation.secret import Secret
from waystation.wire.message import Embed
from waystation.wire.snowflake import snowflake_at


def _id_now(now: datetime, number: int = 0) -> str:
    return str(snowflake_at(now, number))


def _pending(message_id: str, sequence: int = 5) -> MessageSeen:
    embed = Embed(type="rich", title="Pending mod message", description="Please read it.")
    return create(said(message_id, embeds=(embed,)), sequence)


async def test_a_halt_writes_one_mail_and_reports_itself(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(_pending(_id_now(START)), _pending(_id_now(START, 1), 6))
        await until(lambda: here.owner.account.halt is not None)
        assert here.owner.account.halt == "Please read it."
        mails = await here.store.claim_mails(here.clock.now(), here.clock.now(), 9)
        assert [mail.to for mail in mails] == ["owner@example.org"]
        assert ACCOUNT.channel in mails[0].body
        assert here.nudges >= 1
        assert here.owner.state == "connected"


async def test_a_refusal_with_429_makes_no_callback(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(Refused(429, "{}", "rate_limited", 3.0))
        job = await here.submit()
        await here.becomes(job.jobid, JobStatus.FAILED)
        assert await here.store.find_callbacks(job.jobid) == []


async def test_a_message_that_nobody_understands_is_kept_without_secrets(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        secret = Secret("a-very-secret-token")
        here.discord.say(create(said("801", content=f"unheard of: {secret.reveal()}"), 5))

        async def kept() -> bool:
            return len(await here.store.unrecognised()) == 1

        await until(kept)
        (seen,) = await here.store.unrecognised()
        assert b"unheard of" in seen.payload
        assert secret.reveal().encode() not in seen.payload


async def test_an_id_is_drawn_for_a_callback_that_is_owed(tmp_path: Path) -> None:
    drawn: list[str] = []

    def new_id() -> str:
        drawn.append("callback")
        return drawn[-1]

    async with desk(tmp_path) as here:
        job = await here.add()
        for reply_url in (None, "https://example.org/hook"):
            ended = replace(job, status=JobStatus.FAILED, code=502, reply_url=reply_url)
            change = job_change(job, Changed(ended, (Failed(502, "no"),)), new_id, START)
            assert len(change.callbacks) == len(drawn) == (reply_url is not None)
