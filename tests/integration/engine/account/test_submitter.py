from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import msgspec
import pytest

from tests.build import change, completed, later, replace
from tests.harness.desk import (
    ACCOUNT,
    LIMITS,
    PICTURE,
    Desk,
    acknowledged,
    create,
    described,
    desk,
    opened,
    said,
    told,
    until,
)
from waystation.actions import Accepted, Outcome, Press, Refused, Unknown
from waystation.engine.account import submitter
from waystation.engine.account.queue import Waiting
from waystation.errors import (
    Unreachable,
)
from waystation.gateway_events import CaughtUp, Disconnected, MessageSeen, SeenAs
from waystation.jobs import Failed, Job, JobStatus, MessageRole, Source
from waystation.midjourney.conversation import Conversation
from waystation.midjourney.matching.evidence import upload_stem
from waystation.midjourney.steps import NOTHING
from waystation.wire.message import Component, Embed

PACED = replace(LIMITS, pacing_s=2.5, pacing_jitter_s=1.0)


def pending(count: int = 1) -> list[asyncio.Future[None]]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


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
    async with desk(tmp_path) as here:
        await here.start()
        here.owner._held().lease.ends = here.clock.monotonic()
        job = await here.submit()
        await until(lambda: here.discord.transports[0].closed)
        assert await here.kinds(job.jobid) == []
        await here.pass_until(lambda: len(here.discord.performed) == 1)


# ── turns (R15, R16, R28) ──


async def test_nothing_is_sent_before_discord_is_heard(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.discord.greets = False
        here.run()
        await until(lambda: bool(here.discord.transports))
        await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        await here.quiet()
        assert here.discord.performed == []
        here.discord.greet()
        await until(lambda: len(here.discord.performed) == 1)


async def test_a_connection_lost_during_the_upload_means_waiting_for_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        (upload,) = pending()
        here.discord.upload_ends.append(upload)
        job = await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        here.discord.say(Disconnected("gone"))
        await until(lambda: not here.owner.caught_up)
        upload.set_result(None)
        await here.quiet()
        assert here.discord.performed == []
        assert (await here.job(job.jobid)).status is JobStatus.CREATED
        here.discord.say(CaughtUp(True, ACCOUNT.discord_user_id, opened(2)))
        await until(lambda: len(here.discord.performed) == 1)


async def test_one_unbound_job_keeps_the_others_waiting(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        second = await here.submit()
        await until(lambda: len(here.discord.uploads) == 2)
        await here.clock.elapse(1)
        await here.quiet()
        assert len(here.discord.performed) == 1
        here.discord.say(told(first))
        await until(lambda: len(here.discord.performed) == 2)
        assert (await here.job(second.jobid)).status is JobStatus.SUBMITTED


async def test_an_unclear_ask_holds_up_others_for_five_seconds_only(tmp_path: Path) -> None:
    """R15: the first alone ends 502; whatever became of it, the others are asked."""
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(Unknown("a time-out"))
        first = await here.send()
        second, info = await here.submit(), await here.submit("info")
        await until(lambda: len(here.discord.uploads) == 2)
        await here.clock.elapse(4.9)
        await here.quiet()
        assert len(here.discord.performed) == 1
        await here.clock.elapse(0.2)
        await until(lambda: len(here.discord.performed) == 2)
        here.discord.say(told(await here.job(second.jobid), "701"))
        await until(lambda: len(here.discord.performed) == 3)
        here.discord.say(told(await here.job(info.jobid), "702"))
        await until(lambda: here.owner.in_flight is None)
        assert (await here.job(first.jobid)).status is JobStatus.SUBMITTED
        # and it still gets its result
        here.discord.say(acknowledged(first, "801", interaction_id="703"))
        await here.becomes(first.jobid, JobStatus.STARTED)


async def test_an_accepted_ask_of_which_nothing_is_seen_is_unclear_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        await here.submit()
        await until(lambda: len(here.discord.uploads) == 2)
        await here.pass_time(5)
        await until(lambda: len(here.discord.performed) == 2)
        assert await here.kinds(first.jobid) == ["Submitted", "Silent"]
        # R15: one look back meanwhile
        await here.pass_until(lambda: len(here.discord.reads) == 1)


async def test_a_request_that_hangs_holds_up_others_for_five_seconds_only(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(asyncio.get_running_loop().create_future())
        await here.send()
        await here.submit("info")
        await here.pass_time(5)
        await until(lambda: len(here.discord.performed) == 2)


async def test_whoever_is_ready_first_is_asked_first(tmp_path: Path) -> None:
    """An upload that hangs holds up its own job alone."""
    async with desk(tmp_path) as here:
        await here.start()
        (upload,) = pending()
        here.discord.upload_ends.append(upload)
        slow, quick = await here.submit(), await here.submit()
        info = await here.submit("info")
        await until(lambda: len(here.discord.performed) == 1)
        assert here.discord.performed[0].nonce == (await here.job(quick.jobid)).nonce
        here.discord.say(told(await here.job(quick.jobid)))
        await until(lambda: len(here.discord.performed) == 2)
        assert here.discord.performed[1].nonce == (await here.job(info.jobid)).nonce
        here.discord.say(told(await here.job(info.jobid), "701"))
        upload.set_result(None)
        await until(lambda: len(here.discord.performed) == 3)
        assert here.discord.performed[2].nonce == (await here.job(slow.jobid)).nonce


# ── one job's fault (R15) ──


LIMITED = '{"message": "limited", "retry_after": 119.2}'


@pytest.mark.parametrize(("fraction", "wait_s"), [(0.0, 1.5), (0.5, 2.5), (0.999, 3.498)])
async def test_two_submissions_are_a_pause_with_jitter_apart(
    tmp_path: Path, fraction: float, wait_s: float
) -> None:
    async with desk(tmp_path, PACED) as here:
        here.ids.next_fraction = fraction
        await here.start()
        await here.bind()
        await here.submit()
        await until(lambda: len(here.discord.uploads) == 2)
        await here.clock.elapse(wait_s - 0.01)
        await here.quiet()
        assert len(here.discord.performed) == 1
        await here.clock.elapse(0.02)
        await until(lambda: len(here.discord.performed) == 2)


@pytest.mark.parametrize("limits", [PACED, LIMITS])
async def test_discords_retry_after_holds_to_the_full(tmp_path: Path, limits: object) -> None:
    async with desk(tmp_path, limits) as here:  # type: ignore[arg-type]
        here.ids.next_fraction = 0.0
        await here.start()
        here.discord.outcomes.append(Refused(429, "{}", "rate_limited", 20.0))
        refused = await here.submit()
        await here.becomes(refused.jobid, JobStatus.FAILED)
        await here.submit()
        await until(lambda: len(here.discord.uploads) == 2)
        await here.clock.elapse(19.9)
        await here.quiet()
        assert len(here.discord.performed) == 1
        await here.clock.elapse(0.2)
        await until(lambda: len(here.discord.performed) == 2)


@pytest.mark.parametrize("where", ["perform", "upload", "action"])
async def test_an_unexpected_exception_fails_its_job_alone(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        fault = ValueError("a bug")
        if where == "perform":
            here.discord.outcomes.append(fault)
        elif where == "upload":
            here.discord.upload_ends.append(fault)
        else:
            monkeypatch.setattr(submitter, "plan", Mock(side_effect=fault))
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (
            502,
            "A fault of Waystation itself stopped the job; its log says which",
        )
        # what may have been sent may still be answered (R12)
        assert failed.ghost is (where == "perform")
        monkeypatch.undo()
        await here.send("info")
        assert len(here.discord.transports) == 1


async def test_a_job_that_ends_while_it_waits_is_not_sent_and_holds_up_nobody(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        second = await here.submit()
        third = await here.submit()
        await until(lambda: len(here.discord.uploads) == 2)
        await here.owner.cancel(second.jobid)
        here.discord.say(told(first))
        await until(lambda: len(here.discord.performed) == 2)
        third = await here.job(third.jobid)
        assert here.discord.performed[1].nonce == third.nonce
        assert (await here.job(second.jobid)).status is JobStatus.CANCELLED


async def test_a_job_that_ends_during_its_upload_stops_the_upload(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        (upload,) = pending()
        here.discord.upload_ends.append(upload)
        second = await here.submit()
        await until(lambda: len(here.discord.uploads) == 2)
        await here.owner.cancel(second.jobid)
        await until(upload.cancelled)
        here.discord.say(told(first))
        await until(lambda: not here.owner._submitter.queued)
        await here.quiet()
        assert len(here.discord.performed) == 1


async def test_a_cancel_between_the_turn_and_the_upload_sends_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        (upload,) = pending()
        here.discord.upload_ends.append(upload)
        job = await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        await here.owner.cancel(job.jobid)
        upload.set_result(None)
        await until(lambda: not here.owner._submitter.queued)
        await here.quiet()
        assert here.discord.performed == []
        assert await here.kinds(job.jobid) == ["CancelRequested", "Cancelled"]


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


# ── cancels (R16) ──

CANCEL = "MJ::CancelJob::ByJobid::0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f"


async def _drawing(here: Desk, number: int) -> Job:
    """Let an imagine show its Cancel Job."""
    job = await here.imagine(f"fox number {number}")
    await until(lambda: len(here.discord.performed) == number + 1)
    job = await here.job(job.jobid)
    button = Component(type=2, label="Cancel Job", custom_id=f"{CANCEL}{number}")
    content = f"**fox number {number}** - <@{ACCOUNT.discord_user_id}> (0%) (fast)"
    message = said(f"80{number}", nonce=job.nonce, interaction_id=f"70{number}", content=content)
    rows = (Component(type=1, components=(button,)),)
    message = msgspec.structs.replace(message, components=rows)
    here.discord.say(told(job, f"70{number}"), create(message))
    return await here.becomes(job.jobid, JobStatus.STARTED)


async def test_two_presses_of_cancel_job_are_a_pause_apart(tmp_path: Path) -> None:
    async with desk(tmp_path, PACED) as here:
        here.ids.next_fraction = 0.5
        await here.start()
        jobs = []
        for number in range(2):
            jobs.append(await _drawing(here, number))
            await here.clock.elapse(2.5)
        cancels = [asyncio.create_task(here.owner.cancel(job.jobid)) for job in jobs]
        await until(lambda: len(here.discord.performed) == 3)
        await here.clock.elapse(2.4)
        await here.quiet()
        assert len(here.discord.performed) == 3
        await here.clock.elapse(0.2)
        await until(lambda: len(here.discord.performed) == 4)
        pressed = [one.action for one in here.discord.performed[2:]]
        assert pressed == [Press(f"80{number}", 0, f"{CANCEL}{number}") for number in range(2)]
        for job in jobs:
            await here.owner.fail(job.jobid, Failed(502, "over"))
        await asyncio.gather(*cancels)


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


# ── ends ──


async def test_where_nothing_is_to_be_asked_no_wait_is_looked_up(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        await here.quiet()
        here.discord.looks = 0
        here.discord.say(acknowledged(job), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        await here.quiet()
        assert here.discord.looks == 0
