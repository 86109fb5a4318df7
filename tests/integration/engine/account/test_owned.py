from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import START
from tests.harness.desk import (
    ACCOUNT,
    PICTURE,
    acknowledged,
    create,
    described,
    desk,
    opened,
    said,
    told,
    until,
)
from tests.harness.leases import claim
from waystation.actions import Refused
from waystation.callbacks import Callback
from waystation.engine.account.queue import Waiting
from waystation.engine.ending import end_waiting
from waystation.engine.outbox.claims import Claim
from waystation.errors import LeaseLost, VersionConflict
from waystation.gateway_events import MessageSeen
from waystation.jobs import Cancelled, CancelRequested, Failed, JobStatus
from waystation.midjourney.conversation import Conversation
from waystation.secret import Secret
from waystation.wire.message import Embed
from waystation.wire.snowflake import snowflake_at


def _id_now(now: datetime, number: int = 0) -> str:
    return str(snowflake_at(now, number))


async def test_nothing_can_be_asked_of_an_account_that_is_not_held(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.add()
        assert here.owner.jobs == ()
        assert here.owner.current(job.jobid) is None
        assert not here.owner.caught_up
        assert here.owner.in_flight is None
        with pytest.raises(LeaseLost):
            await here.owner.cancel(job.jobid)
        with pytest.raises(LeaseLost):
            await here.owner.fail(job.jobid, Failed(502, "because"))


async def test_an_account_is_silent_from_its_making_until_it_is_heard(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        made_at = here.clock.now()
        here.clock.advance(5)
        assert here.owner.silent_since == made_at
        await here.start()
        assert here.owner.silent_since is None
        here.clock.advance(5)
        here.owner.disconnected()
        assert here.owner.silent_since == here.clock.now()


async def test_a_row_that_another_owner_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        # the lease ran out unnoticed and somebody else took it
        await here.store._write(lambda database: database.run("end_nodes"))
        await claim(here.store, ACCOUNT.account_id, "other")
        here.discord.say(told(job))
        await until(lambda: here.discord.transports[0].closed)
        assert await here.kinds(job.jobid) == ["Submitted"]


async def test_an_event_that_could_not_be_stored_comes_again_and_counts_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job))
        await until(lambda: here.owner.jobs[0].bound)
        here.failing.failing = True
        here.discord.say(acknowledged(job))
        # the hold is broken, its connection left
        await until(lambda: here.discord.transports[0].closed)
        assert here.owner.state == "waiting"
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        assert await here.session() == opened(2)
        here.failing.failing = False
        await here.pass_until(lambda: len(here.discord.transports) == 2)
        assert here.discord.now.session == opened(2, newest="700")
        here.discord.say(acknowledged(job), acknowledged(job), described(job), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        kinds = await here.kinds(job.jobid)
        assert kinds == ["Submitted", "InteractionSeen", "Acknowledged", "Completed"]


async def test_a_describe_is_five_commits(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        commits: list[int] = []
        writer = here.store._connections.writer.connection
        writer.set_commit_hook(lambda: bool(commits.append(1)))
        job = await here.bind()
        here.discord.say(acknowledged(job))
        await here.becomes(job.jobid, JobStatus.STARTED)
        here.discord.say(described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        kinds = await here.kinds(job.jobid)
        assert kinds == ["Submitted", "InteractionSeen", "Acknowledged", "Completed"]
        # accepted; asked; its interaction, its first message, its result
        assert len(commits) == 5


async def test_a_job_refused_for_a_halt_ends_with_it_in_one_write(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(Refused(401, "401: Unauthorized", "unauthorized"))
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.code == 596
        stored = await here.store.get_account(ACCOUNT.account_id)
        assert stored is not None and stored.halt is not None


async def test_nothing_is_judged_where_nothing_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    for name in ("expire", "unheard"):
        real = getattr(Conversation, name)

        def counted(self: Conversation, *args: Any, _real: Any = real, **kwargs: Any) -> Any:
            judged.append(_real.__name__)
            return _real(self, *args, **kwargs)

        monkeypatch.setattr(Conversation, name, counted)
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        here.discord.say(acknowledged(job))
        await here.becomes(job.jobid, JobStatus.STARTED)
        await here.quiet()
        assert judged == []
        await here.pass_time(31)
        await until(lambda: judged == ["expire", "unheard"])


# ── what is committed with a step ──


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


class _Claims:
    """`Claims` that note what they are given, or have stopped."""

    def __init__(self, until: datetime | None) -> None:
        self.until = until
        self.taken: list[Callback] = []

    def claiming(self) -> Claim:
        return Claim(self.until, 7.0)

    def take(self, claimed: Sequence[Callback], claim: Claim) -> None:
        assert claim.send_before == 7.0
        self.taken += claimed


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_step_claims_its_callbacks_and_hands_them_on(tmp_path: Path, stopped: bool) -> None:
    async with desk(tmp_path) as here:
        end = here.clock.now() + timedelta(hours=1)
        here.claims = claims = _Claims(None if stopped else end)
        await here.start()
        here.discord.outcomes.append(Refused(400, "{}", "no", None))
        job = await here.add()
        here.owner.submit(Waiting(job, (PICTURE,)))
        await here.becomes(job.jobid, JobStatus.FAILED)
        (owed,) = await here.store.find_callbacks(job.jobid)
        assert owed.next_attempt_at == (owed.created_at if stopped else end)
        assert claims.taken == ([] if stopped else [owed])
        assert here.nudges == (1 if stopped else 0)


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


async def test_a_job_that_another_node_ended_before_it_was_asked_breaks_no_hold(
    tmp_path: Path,
) -> None:
    """R26."""
    async with desk(tmp_path) as here:
        await here.start()
        upload = asyncio.get_running_loop().create_future()
        here.discord.upload_ends.append(upload)
        ended = await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        now = here.clock.now()
        cancel = (CancelRequested(), Cancelled(ghost=False))
        assert await end_waiting(here.store.queue, here.ids, ended, now, *cancel)
        upload.set_result(None)
        await until(lambda: here.owner.current(ended.jobid) is None)
        next_one = await here.send("info")
        assert [one.closed for one in here.discord.transports] == [False]
        assert [one.nonce for one in here.discord.performed] == [next_one.nonce]
        # a conflict for which no job was ended stays one
        await here.store._write(
            lambda database: database.connection.execute("update jobs set version = version + 7")
        )
        with pytest.raises(VersionConflict):
            await here.owner.fail(next_one.jobid, Failed(502, "no time"))
