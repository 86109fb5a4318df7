from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from tests.build import replace
from tests.harness.desk import (
    ACCOUNT,
    LIMITS,
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
from waystation.actions import Press, Refused, Unknown
from waystation.engine.account import asking
from waystation.gateway_events import CaughtUp, Disconnected
from waystation.jobs import Failed, Job, JobStatus
from waystation.wire.message import Component

PACED = replace(LIMITS, pacing_s=2.5, pacing_jitter_s=1.0)


def pending(count: int = 1) -> list[asyncio.Future[None]]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


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
            monkeypatch.setattr(asking, "plan", Mock(side_effect=fault))
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


async def test_a_ring_while_an_ask_is_in_flight_costs_no_new_task(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await here.submit()
        await until(lambda: len(here.discord.performed) == 1)
        await here.quiet()
        made = 0

        def counted(loop: Any, work: Any, **more: Any) -> asyncio.Task[Any]:
            nonlocal made
            made += 1
            return asyncio.Task(work, loop=loop, **more)

        loop = asyncio.get_running_loop()
        loop.set_task_factory(counted)
        for _ in range(5):
            here.owner.moved.ring()
            for _ in range(5):
                await asyncio.sleep(0)
        loop.set_task_factory(None)
        assert made == 0
