from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.build import change, completed, later, replace
from tests.harness.desk import (
    ACCOUNT,
    LIMITS,
    PICTURE,
    Desk,
    acknowledged,
    desk,
    opened,
    said,
    told,
    until,
)
from waystation import sentences
from waystation.actions import Accepted, Outcome, Press, Refused
from waystation.engine.account.queue import Waiting
from waystation.errors import NotConnected, Unreachable, Withheld
from waystation.gateway_events import CaughtUp, Disconnected, MessageSeen, SeenAs
from waystation.jobs import Failed, Job, JobStatus, MessageRole, Source
from waystation.midjourney.conversation import Conversation
from waystation.midjourney.matching.evidence import upload_stem
from waystation.midjourney.steps import NOTHING
from waystation.ports import Standing
from waystation.wire.message import Embed

# ── at most once (R12) ──


async def test_the_nonce_is_committed_before_the_request_leaves(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        here.discord.outcomes.append(answered)
        job = await here.send()
        assert job.status is JobStatus.SUBMITTED
        (submission,) = here.discord.performed
        assert submission.nonce == job.nonce
        assert (submission.channel, submission.guild_id) == (ACCOUNT.channel, ACCOUNT.guild_id)
        answered.set_result(Accepted())


async def test_a_nonce_that_cannot_be_committed_is_not_sent_and_another_one_is_later(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.failing.failing = {"commit"}
        job = await here.submit()
        await until(lambda: here.discord.transports[0].closed)
        assert here.discord.performed == []
        here.failing.failing = False
        await here.pass_until(lambda: len(here.discord.performed) == 1)
        assert await here.kinds(job.jobid) == ["Submitted"]


async def test_nothing_is_sent_where_no_nonce_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12, I4: whatever the conversation's reason."""
    monkeypatch.setattr(Conversation, "submitted", lambda *args: NOTHING)
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        await until(lambda: not here.owner._submitter.queued)
        await here.quiet()
        assert here.discord.performed == []
        assert await here.kinds(job.jobid) == []


async def test_a_hold_that_breaks_while_the_request_is_out_sends_nothing_again(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(asyncio.get_running_loop().create_future())
        job = await here.send()
        here.failing.failing = {"commit"}
        here.discord.say(told(job))
        await until(lambda: here.discord.transports[0].closed)
        here.failing.failing = False
        await here.pass_until(lambda: here.owner.caught_up)
        await until(lambda: not here.owner._submitter.queued)
        await here.quiet()
        assert len(here.discord.performed) == 1
        assert (await here.kinds(job.jobid)).count("Submitted") == 1


async def test_a_lease_that_has_run_out_is_noticed_before_anything_is_recorded(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, replace(LIMITS, lease_s=30)) as here:
        await here.start()
        run = here.node.current
        assert run is not None
        run.ends = here.clock.monotonic()
        job = await here.submit()
        await until(lambda: here.discord.transports[0].closed)
        assert await here.kinds(job.jobid) == []
        await here.pass_until(lambda: len(here.discord.performed) == 1)


# ── masks ──

REGION = Press("900", 0, "MJ::Inpaint::1::0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0::SOLO")


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(404, '{"code": 10008}', "invalid"),
        Refused(403, "{}", "blocked"),
        Unreachable("down"),
    ],
    ids=["target gone", "refused", "unreachable"],
)
async def test_a_press_that_is_refused_drops_its_mask(
    tmp_path: Path, outcome: Refused | Unreachable
) -> None:
    """G: a mask is kept until the bot asks for it, and no longer than its job runs."""
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(outcome)
        job = await here.add()
        here.owner.submit(Waiting(job, (PICTURE,), REGION, Source(REGION.message_id)))
        assert here.owner._submitter._queue.masks == {job.jobid: PICTURE.data}
        await here.becomes(job.jobid, JobStatus.FAILED)
        await until(lambda: not here.owner._submitter._queue.masks)
        assert len(here.discord.performed) == 1


# ── what a pressed message says (R21) ──

RETRY = Press("900", 0, "MJ::Picread::Retry")


async def test_a_pressed_message_says_what_the_newest_job_on_it_shows(tmp_path: Path) -> None:
    """R21: the conversation has forgotten it, and the pressed job shows what was said before."""
    async with desk(tmp_path) as here:
        pressed, newer = [await here.add() for _ in range(2)]
        for seconds, job, words in ((1, pressed, "old"), (2, newer, "new")):
            said_then = replace(completed(job), job=_saying(completed(job).job, words, seconds))
            await here.store.commit(change(said_then, epoch=0))
        await here.start()
        job = await here.add()
        here.owner.submit(Waiting(job, (), RETRY, Source("900", None, RETRY.custom_id)))
        await until(lambda: len(here.discord.performed) == 1)
        job = await here.job(job.jobid)
        here.discord.say(told(job), *(_says(words, sequence) for sequence, words in ECHOES))
        done = await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert done.embeds[0].description == _words("newest")


ECHOES = ((3, "new"), (4, "newest"))


def _words(words: str) -> str:
    return f"1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP} {words}"


def _saying(job: Job, words: str, seconds: int) -> Job:
    messages = {"900": MessageRole.RESULT if words == "old" else MessageRole.TARGET}
    embeds = (Embed(type="rich", description=_words(words)),)
    return replace(job, embeds=embeds, updated_at=later(seconds), messages=messages)


def _says(words: str, sequence: int) -> MessageSeen:
    embeds = (Embed(type="rich", description=_words(words)),)
    message = said("900", interaction_id="600", embeds=embeds)
    return MessageSeen(SeenAs.UPDATED, message, sequence)


# ── outdated commands (R13) ──

OUTDATED = Refused(400, "This command is outdated", "outdated")


async def test_an_outdated_command_is_asked_again_once_with_another_nonce(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(OUTDATED)
        job = await here.send(count=2)
        assert here.discord.refreshes == 1
        first, second = (submission.nonce for submission in here.discord.performed)
        assert first != second == job.nonce
        # while the index is read again it is not in flight, so that others can pass
        assert await here.kinds(job.jobid) == ["Submitted", "Silent", "Submitted"]
        assert here.owner.in_flight == job.jobid
        # its picture was uploaded again under the new name
        assert here.discord.uploads[1].filename.startswith(upload_stem(second))


async def test_a_job_that_waits_to_be_asked_again_ends_with_its_hindrance(tmp_path: Path) -> None:
    async with desk(tmp_path, replace(LIMITS, pacing_s=100)) as here:
        await here.start()
        here.discord.outcomes.append(OUTDATED)
        job = await here.send()
        await until(lambda: here.discord.refreshes == 1)
        await here.pass_time(60)
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error, failed.ghost) == (
            502,
            "Not sent within 60 seconds: an account sends one job after the other",
            False,
        )
        assert len(here.discord.performed) == 1


async def test_a_command_that_stays_outdated_is_not_asked_a_third_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.extend([OUTDATED, OUTDATED])
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.code == 502
        assert len(here.discord.performed) == 2


async def test_an_index_that_cannot_be_read_ends_the_job(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(OUTDATED)
        here.discord.refreshed.append(Unreachable("no answer from Discord"))
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (502, "no answer from Discord")
        assert len(here.discord.performed) == 1


async def test_an_ask_that_the_gateway_has_shown_is_not_asked_again_whatever_http_says(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        here.discord.outcomes.append(answered)
        job = await here.send()
        here.discord.say(told(job), acknowledged(job))
        await here.becomes(job.jobid, JobStatus.STARTED)
        answered.set_result(OUTDATED)
        await until(lambda: not here.owner._submitter.queued)
        await here.quiet()
        assert len(here.discord.performed) == 1
        assert (await here.job(job.jobid)).status is JobStatus.STARTED


# ── a request that could not leave (R13) ──

GONE = NotConnected("The account is not connected to Discord's gateway")
LOST = "The account's connection to Discord was lost while the job waited"


async def _waits(here: Desk, job: Job) -> Job:
    """Wait until a job's request could not leave, and return it as stored."""

    async def has_noted_it() -> bool:
        return "Unsent" in await here.kinds(job.jobid)

    await until(has_noted_it)
    await here.quiet()
    return await here.job(job.jobid)


async def _unsent(here: Desk, verb: str = "describe") -> Job:
    """Ask for a job whose request cannot leave, and wait until that is noted."""
    here.discord.outcomes.append(GONE)
    job = await here.submit(verb)
    await _waits(here, job)
    return job


async def _asked(here: Desk) -> tuple[Job, asyncio.Future[Outcome]]:
    """Send a job, and return it with what its request will end with."""
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    here.discord.outcomes.append(answered)
    return await here.send(), answered


def _resumed(sequence: int = 2) -> CaughtUp:
    return CaughtUp(True, ACCOUNT.discord_user_id, opened(sequence))


async def test_a_request_waits_for_the_connection_that_broke_before_it_and_keeps_its_nonce(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(GONE)
        job = await here.submit()
        waiting = await _waits(here, job)
        assert (waiting.status, waiting.slot) == (JobStatus.CREATED, True)
        # the news of it comes later, and so does the connection
        here.discord.say(Disconnected("gone"))
        await here.quiet()
        assert len(here.discord.performed) == 1
        here.discord.say(_resumed())
        await until(lambda: len(here.discord.performed) == 2)
        sent = await here.job(job.jobid)
        assert {one.nonce for one in here.discord.performed} == {waiting.nonce, sent.nonce}
        assert await here.kinds(job.jobid) == ["Submitted", "Unsent", "Submitted"]
        # nothing is uploaded twice, and its first answer is waited for from now on
        assert len(here.discord.uploads) == 1
        assert sent.deadline_at == here.clock.now() + LIMITS.conversation.first_answer
        here.discord.say(told(sent), acknowledged(sent))
        await here.becomes(job.jobid, JobStatus.STARTED)


async def test_a_request_that_could_not_leave_waits_no_longer_than_its_turn_may_take(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await here.bind()
        await here.pass_time(10)
        job, answered = await _asked(here)
        await here.pass_time(1)
        answered.set_exception(GONE)
        await _waits(here, job)
        await here.pass_time(58)
        await here.quiet()
        assert not (await here.job(job.jobid)).final
        await here.pass_time(1)
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error, failed.ghost) == (502, LOST, False)
        assert failed.error_details == sentences.NOTHING_SENT
        here.discord.say(_resumed())
        await until(lambda: here.owner.caught_up)
        await here.quiet()
        assert len(here.discord.performed) == 2


async def test_a_lost_session_takes_no_reply_of_a_request_that_could_not_leave(
    tmp_path: Path,
) -> None:
    """R29 is about jobs that were asked."""
    async with desk(tmp_path) as here:
        await here.start()
        job = await _unsent(here, "info")
        here.discord.say(CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2")))
        await until(lambda: len(here.discord.performed) == 2)
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED


async def test_a_cancel_ends_a_request_that_could_not_leave_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await _unsent(here)
        await here.owner.cancel(job.jobid)
        cancelled = await here.job(job.jobid)
        # Midjourney cannot be running it
        assert (cancelled.status, cancelled.ghost) == (JobStatus.CANCELLED, False)
        here.discord.say(_resumed())
        await until(lambda: here.owner.caught_up)
        await here.quiet()
        assert len(here.discord.performed) == 1


async def test_a_halt_ends_a_request_that_could_not_leave(tmp_path: Path) -> None:
    """R34."""
    async with desk(tmp_path) as here:
        await here.start()
        other = await here.bind()
        job = await _unsent(here)
        halted = Failed(596, "Pending mod message", "look")
        await here.owner.step(
            lambda conversation, now: conversation.ended(other.jobid, halted, now, "look")
        )
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error_details) == (596, "look")
        assert len(here.discord.performed) == 2


async def test_a_halt_that_only_the_store_knows_stops_a_request_that_could_not_leave(
    tmp_path: Path,
) -> None:
    """R34: each try is committed, and the commit looks."""
    async with desk(tmp_path) as here:
        await here.start()
        job = await _unsent(here)
        await here.halt_in_store()
        here.discord.say(_resumed())
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.code == 596
        assert len(here.discord.performed) == 1


async def test_the_job_behind_a_request_that_could_not_leave_goes_right_after_it(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await _unsent(here)
        info = await here.submit("info")
        here.discord.say(_resumed())
        await until(lambda: len(here.discord.performed) == 2)
        here.discord.say(told(await here.job(first.jobid)))
        await until(lambda: len(here.discord.performed) == 3)
        sent = [await here.job(one.jobid) for one in (first, info)]
        assert [one.nonce for one in here.discord.performed[1:]] == [one.nonce for one in sent]


async def test_a_request_that_could_not_leave_makes_nobody_pause(tmp_path: Path) -> None:
    """R16: the pause stands between two requests that Discord gets."""
    async with desk(tmp_path, replace(LIMITS, pacing_s=100)) as here:
        await here.start()
        job = await _unsent(here)
        here.discord.say(_resumed())
        await until(lambda: len(here.discord.performed) == 2)
        here.discord.say(told(await here.job(job.jobid)))
        await here.submit("info")
        await here.clock.elapse(99)
        await here.quiet()
        assert len(here.discord.performed) == 2


async def test_an_outdated_command_is_asked_again_after_a_request_that_could_not_leave(
    tmp_path: Path,
) -> None:
    """R13: once, whatever came between."""
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.extend([GONE, OUTDATED, GONE, OUTDATED])
        job = await here.submit()
        await _waits(here, job)
        here.discord.say(_resumed())
        await until(lambda: len(here.discord.performed) == 3)
        await until(lambda: not here.owner.caught_up)
        here.discord.say(_resumed())
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        first, second, third, fourth = (one.nonce for one in here.discord.performed)
        assert first == second != third == fourth
        assert "outdated" in (failed.error_details or "")


async def test_a_request_waits_for_discords_own_wait_that_began_a_moment_before(
    tmp_path: Path,
) -> None:
    """R16: as if it had begun before the nonce was committed."""
    async with desk(tmp_path) as here:
        await here.start()
        job, answered = await _asked(here)
        here.discord.standing = Standing(20.0, "{}")
        answered.set_exception(Withheld("Discord asked to wait 20 s", 20.0, "{}"))
        waiting = await _waits(here, job)
        assert waiting.status is JobStatus.CREATED
        here.discord.standing = None
        await here.pass_time(20)
        await until(lambda: len(here.discord.performed) == 2)
        assert here.discord.performed[1].nonce == waiting.nonce


async def test_discords_own_wait_beyond_the_turn_refuses_a_request_that_could_not_leave(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        said_by_discord = '{"retry_after": 200}'
        job, answered = await _asked(here)
        here.discord.standing = Standing(200.0, said_by_discord)
        answered.set_exception(Withheld("wait", 200.0, said_by_discord))
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (429, sentences.RATE_LIMITED.text)
        assert len(here.discord.performed) == 1


async def test_a_wait_that_holds_no_interactions_back_ends_its_request(tmp_path: Path) -> None:
    """A limit of the command index alone, which no turn waits for."""
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(Withheld("Discord asked to wait 40 s", 40.0, "{}"))
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (502, "Discord asked to wait 40 s")


async def test_a_hold_that_breaks_before_a_request_leaves_sends_it_in_the_next_hold(
    tmp_path: Path,
) -> None:
    """This process knows that nothing left, whatever could be written down."""
    async with desk(tmp_path) as here:
        await here.start()
        job, answered = await _asked(here)
        here.failing.failing = {"commit"}
        answered.set_exception(GONE)
        await until(lambda: here.discord.transports[0].closed)
        here.failing.failing = False
        await here.pass_until(lambda: len(here.discord.performed) == 2)
        assert {one.nonce for one in here.discord.performed} == {job.nonce}
        assert await here.kinds(job.jobid) == ["Submitted", "Silent", "Submitted"]


async def test_a_process_that_ends_meanwhile_leaves_all_that_the_next_one_needs(
    tmp_path: Path,
) -> None:
    """ADR 20: the row says that nothing has left, and the pictures are still there."""
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(GONE)
        job = await here.accept()
        here.owner.submit(Waiting(job, (PICTURE,)))
        waiting = await _waits(here, job)
        await here.restart()
        await until(lambda: len(here.discord.performed) == 2)
        sent = await here.job(job.jobid)
        assert sent.status is JobStatus.SUBMITTED
        # another process cannot know the names under which the pictures were uploaded
        assert sent.nonce != waiting.nonce
        assert len(here.discord.uploads) == 2
