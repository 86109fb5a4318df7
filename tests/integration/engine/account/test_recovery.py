from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.build import replace
from tests.fakes import START, id_at
from tests.harness.desk import (
    ACCOUNT,
    LIMITS,
    Desk,
    acknowledged,
    answer,
    create,
    desk,
    info,
    opened,
    said,
    told,
    until,
)
from waystation.engine.account.recovery import HISTORY_PAGE, HISTORY_PAGES
from waystation.errors import LocalProtocolError, NotAuthorised, RequestRefused, Unreachable
from waystation.gateway_events import CaughtUp, Disconnected, MessageSeen, SeenAs
from waystation.jobs import Job, JobId, JobStatus, Lost
from waystation.midjourney.conversation import Conversation, Step
from waystation.wire.message import Message


def noise(count: int, begin_s: float) -> list[Message]:
    """Messages of others, a millisecond apart."""
    return [said(id_at(begin_s + number / 1000), channel="1") for number in range(count)]


async def lose_session(here: Desk) -> None:
    """Let Discord forget the session, and wait until the gap is bridged."""
    here.discord.say(
        Disconnected("gone"), CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2"))
    )

    def bridged() -> bool:
        session = here.owner._held().session.now
        return here.owner.caught_up and session == opened(1, "session-2")

    await until(bridged)


async def test_a_describe_completes_from_history(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.history = [answer(job, id_at(1))]
        await lose_session(here)
        assert (await here.job(job.jobid)).status is JobStatus.COMPLETED


async def test_history_is_read_to_its_end_for_what_still_runs(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.history = [*noise(2 * HISTORY_PAGE, 1), answer(job, id_at(10))]
        await lose_session(here)
        assert (await here.job(job.jobid)).status is JobStatus.COMPLETED
        assert len(here.discord.reads) == 3


async def test_an_endless_history_is_given_up(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.history = noise(HISTORY_PAGE * (HISTORY_PAGES + 1), 1)
        await lose_session(here)
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        assert len(here.discord.reads) == HISTORY_PAGES


async def test_an_old_ghost_does_not_hide_what_still_runs(tmp_path: Path) -> None:
    async with desk(tmp_path, replace(LIMITS, lease_s=10**6)) as here:
        await here.start()
        ghost = await here.send()
        await here.pass_time(60)
        await here.becomes(ghost.jobid, JobStatus.FAILED)
        await here.pass_time(36_000)
        here.discord.say(create(said(id_at(36_050), channel="1")))
        await until(lambda: here.owner.newest_seen == id_at(36_050))
        job = await here.send()
        here.discord.reads.clear()
        here.discord.history = [
            answer(ghost, id_at(61), interaction_id="701"),
            *noise(HISTORY_PAGES * HISTORY_PAGE, 100),
            answer(job, id_at(36_100)),
        ]
        await lose_session(here)
        assert (await here.job(job.jobid)).status is JobStatus.COMPLETED
        # and the ghost has its late result all the same
        await until(lambda: here.owner.unread_ghosts == [])
        late = (await here.job(ghost.jobid)).late
        assert late is not None and late.message_id == id_at(61)
        assert (await here.job(ghost.jobid)).status is JobStatus.FAILED


async def test_nothing_is_read_when_nobody_waits_for_anything(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await lose_session(here)
        assert here.discord.reads == []


async def test_an_info_that_was_asked_before_the_gap_ends_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send("info")
        await lose_session(here)
        lost = await here.job(job.jobid)
        assert (lost.status, lost.code, lost.error) == (JobStatus.FAILED, 502, "reply lost")
        assert len(here.discord.performed) == 1
        assert here.discord.reads == []


async def test_a_message_of_history_that_cannot_be_applied_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, poison = Conversation.receive, id_at(1)

    def receive(self: Conversation, event: object, now: object) -> object:
        message = getattr(event, "message", None)
        if message is not None and message.id == poison:
            raise LocalProtocolError("a bug")
        return real(self, event, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Conversation, "receive", receive)
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.history = [said(poison, channel="1"), answer(job, id_at(2))]
        with capture_logs() as logs:
            await lose_session(here)
        assert "gateway.event_not_applied" in [line["event"] for line in logs]
        assert (await here.job(job.jobid)).status is JobStatus.COMPLETED


async def test_a_halted_account_reads_history_once_and_does_not_insist(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await here.send()
        await here.owner.step(
            lambda conversation, now: conversation.ended(
                JobId("job:none"), Lost("gone"), now, "halted"
            )
        )
        here.discord.history_ends.extend([Unreachable("down")] * 9)
        await lose_session(here)
        assert len(here.discord.reads) == 1


async def test_a_result_that_two_jobs_claim_is_looked_up_and_never_guessed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        here.discord.say(told(first, "701", 2), acknowledged(first, "801", 3, "701"))
        await here.becomes(first.jobid, JobStatus.STARTED)
        second = await here.send()
        # the answer to the first under the interaction of the second
        here.discord.say(told(second, "702", 4))
        await until(lambda: here.owner.in_flight is None)
        second = await here.job(second.jobid)
        torn = answer(second, "801", interaction_id="702")
        here.discord.say(MessageSeen(SeenAs.UPDATED, torn, 5))
        await here.pass_until(lambda: len(here.discord.reads) == 1)
        assert {job.status for job in here.owner.jobs} == {JobStatus.STARTED, JobStatus.SUBMITTED}
        here.discord.say(MessageSeen(SeenAs.UPDATED, torn, 6))
        ended = await here.becomes(first.jobid, JobStatus.FAILED)
        assert ended.error == "Result could not be told apart"
        await here.becomes(second.jobid, JobStatus.FAILED)
        assert len(await here.store.unrecognised()) == 1


# ── look-backs beside everything else (R28) ──


async def wanted(here: Desk, *jobids: JobId) -> None:
    """Let a step ask for a look-back."""
    await here.owner.step(lambda conversation, now: Step(look_back=frozenset(jobids)))


@pytest.mark.parametrize(
    "error", [NotAuthorised("dead"), RequestRefused(403, ""), RequestRefused(404, "")]
)
async def test_a_definite_refusal_ends_a_look_back(tmp_path: Path, error: Exception) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        # an ask that shows nothing is looked up soon, and again when its time is over
        await here.pass_until(lambda: len(here.discord.reads) == 1)
        here.discord.history_ends.append(error)
        with capture_logs() as logs:
            await here.pass_time(60)
            lost = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (lost.code, len(here.discord.reads)) == (502, 2)
        [refused] = [line for line in logs if line["event"] == "owner.history_refused"]
        assert refused["account"] == ACCOUNT.account_id


async def test_a_look_back_that_fails_is_given_up_with_the_grace(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.history_ends.extend([Unreachable("down")] * 1000)
        with capture_logs() as logs:
            await here.pass_time(61)
            await here.pass_until(lambda: here.owner.jobs[0].final, step_s=5)
        unread = [line for line in logs if line["event"] == "owner.history_unread"]
        assert unread and {line.get("account") for line in unread} == {ACCOUNT.account_id}
        finished_at = (await here.job(job.jobid)).finished_at
        assert finished_at is not None
        # five seconds after the ask it was looked up for the first time
        assert finished_at - START <= timedelta(seconds=60 + 600 + 60)


async def test_while_a_look_back_hangs_others_are_asked_heard_and_completed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.bind()
        here.discord.history_ends.append(asyncio.get_running_loop().create_future())
        await wanted(here, first.jobid)
        await here.pass_until(lambda: len(here.discord.reads) == 1)
        other = await here.send("info")
        here.discord.say(told(other, "701", 3), info(other, "801", 4, "701"))
        await here.becomes(other.jobid, JobStatus.COMPLETED)


async def test_a_job_that_is_due_is_not_judged_while_its_history_is_read(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        here.discord.history_ends.append(read)
        await here.pass_time(61)
        await until(lambda: len(here.discord.reads) == 1)
        await here.quiet()
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        here.discord.history = [answer(job, id_at(1))]
        read.set_result(None)
        await here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_look_backs_that_follow_one_another_are_merged_and_paced(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        for _ in range(50):
            await wanted(here, job.jobid)
            await here.clock.elapse(1)
        assert 3 <= len(here.discord.reads) <= 6


# ── silence (R51) ──


async def test_a_started_job_of_which_nothing_is_heard_completes_from_history(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job), acknowledged(job))
        await here.becomes(job.jobid, JobStatus.STARTED)
        here.discord.history = [answer(job, "800")]
        with capture_logs() as logs:
            await here.pass_time(59)
            await here.quiet()
            assert here.discord.reads == []
            await here.pass_time(1)
            await here.pass_until(lambda: len(here.discord.reads) == 1)
            await here.becomes(job.jobid, JobStatus.COMPLETED)
        said_so = [line["jobid"] for line in logs if line["event"] == "job.unheard"]
        assert said_so == [job.jobid]


async def test_silence_is_looked_up_ever_more_rarely_for_all_together_and_told_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        here.discord.say(told(first), acknowledged(first))
        await here.becomes(first.jobid, JobStatus.STARTED)
        await here.pass_time(10)
        second = await here.send()
        here.discord.say(told(second, "701", 4), acknowledged(second, "801", 5, "701"))
        await here.becomes(second.jobid, JobStatus.STARTED)
        read_at: list[int] = []
        with capture_logs() as logs:
            for second_of in range(10, 17 * 60):
                await here.clock.elapse(1)
                if len(here.discord.reads) > len(read_at):
                    read_at.append(second_of)
        minutes = [round(at / 60) for at in read_at]
        assert minutes == [1, 2, 4, 8, 16]
        said_so = [line["jobid"] for line in logs if line["event"] == "job.unheard"]
        assert sorted(said_so) == [first.jobid, second.jobid]


# ── ghosts after a gap ──


async def haunted(here: Desk) -> Job:
    """Start, and leave a ghost whose late result history may have."""
    await here.start()
    ghost = await here.send()
    await here.pass_time(61)
    await here.becomes(ghost.jobid, JobStatus.FAILED)
    await here.quiet()
    here.discord.reads.clear()
    return ghost


async def test_nobody_waits_for_a_ghost_whose_history_cannot_be_read(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        ghost = await haunted(here)
        here.discord.history_ends.extend([Unreachable("down")] * 3)
        await lose_session(here)
        job = await here.send("info")
        here.discord.say(told(job, "701", 3), info(job, "801", 4, "701"))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert here.discord.history_ends
        # and the ghost has its late result when it can be read
        here.discord.history = [answer(ghost, id_at(1))]
        await here.pass_until(lambda: here.owner.unread_ghosts == [])
        await here.quiet()
        late = (await here.job(ghost.jobid)).late
        assert late is not None and late.message_id == id_at(1)


async def test_a_look_back_is_made_while_one_for_ghosts_hangs(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await haunted(here)
        here.discord.history_ends.append(asyncio.get_running_loop().create_future())
        await lose_session(here)
        await until(lambda: len(here.discord.reads) == 1)
        job = await here.bind()
        here.discord.history = [answer(job, id_at(70))]
        await wanted(here, job.jobid)
        await here.pass_until(lambda: len(here.discord.reads) == 2)
        await here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_the_next_process_reads_the_messages_that_a_ghost_has_missed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        ghost = await haunted(here)
        here.discord.history_ends.append(asyncio.get_running_loop().create_future())
        await lose_session(here)
        await until(lambda: len(here.discord.reads) == 1)
        here.discord.history = [answer(ghost, id_at(1))]
        await here.restart()

        async def is_late() -> bool:
            return (await here.job(ghost.jobid)).late is not None

        await until(is_late)


async def test_a_reading_that_began_before_a_gap_says_nothing_of_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        here.discord.history_ends.extend([read, *[Unreachable("down")] * 3])
        await wanted(here, job.jobid)
        await here.pass_until(lambda: len(here.discord.reads) == 1)
        here.discord.say(
            Disconnected("gone"), CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2"))
        )
        await until(lambda: here.owner.wanted.gap)
        read.set_result(None)
        await until(lambda: len(here.discord.reads) == 2)
        conversation = here.owner._held().conversation
        assert conversation._state.unread.hides_from(job)
        await here.pass_until(lambda: here.owner.caught_up)
        assert not conversation._state.unread.hides_from(job)


# ── what was asked before we listened (R23) ──


def last_said(seconds: float) -> CaughtUp:
    """A session that is ready and knows of a message of that moment."""
    return CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2", str(id_at(seconds))))


async def test_history_is_read_half_an_hour_back_when_a_picture_is_asked_for(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(Disconnected("gone"), last_said(-1))
        await until(lambda: here.owner.newest_seen == id_at(-1) and here.owner.caught_up)
        await here.send("info")
        await here.quiet()
        assert here.discord.reads == []
        for _ in range(2):
            await here.imagine("a red fox")
            await here.pass_until(lambda: here.owner.in_flight is None)
        await here.quiet()
        assert here.discord.reads[0] == id_at(-1801)
        assert here.discord.reads.count(id_at(-1801)) == 1
        assert here.owner.unread_past is None


async def test_nobody_waits_for_that_reading(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.history_ends.append(asyncio.get_running_loop().create_future())
        here.discord.say(Disconnected("gone"), last_said(-1))
        await until(lambda: here.owner.newest_seen == id_at(-1) and here.owner.caught_up)
        fox = await here.imagine("a red fox")
        await here.becomes(fox.jobid, JobStatus.SUBMITTED)
        await until(lambda: len(here.discord.reads) == 1)
        await until(lambda: len(here.discord.performed) == 1)
        await here.pass_until(lambda: here.owner.in_flight is None)
        await here.send("info")


@pytest.mark.parametrize("error", [RequestRefused(403, ""), RequestRefused(404, "")])
async def test_a_definite_refusal_ends_that_reading(tmp_path: Path, error: Exception) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.history_ends.append(error)
        here.discord.say(Disconnected("gone"), last_said(-1))
        await until(lambda: here.owner.newest_seen == id_at(-1) and here.owner.caught_up)
        await here.imagine("a red fox")
        await until(lambda: len(here.discord.reads) == 1)
        await until(lambda: not here.owner._held().conversation._state.reads_past)
        assert here.owner.unread_past is None
