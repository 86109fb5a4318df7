from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness.desk import (
    acknowledged,
    desk,
    told,
    until,
)
from waystation import sentences
from waystation.actions import Refused
from waystation.jobs import JobStatus


def pending(count: int = 1) -> list[asyncio.Future[None]]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


async def test_a_request_before_which_time_ran_out_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        (upload,) = pending()
        here.discord.upload_ends.append(upload)
        job = await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        await here.pass_time(60)
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.error == "The picture was not uploaded to Discord within 60 seconds"


async def test_a_look_alike_waits_alone_and_ends_with_the_true_reason(tmp_path: Path) -> None:
    """R15: the same prompt waits for the first to show its uuid; another prompt and an info run."""
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.imagine("a cat")
        await until(lambda: len(here.discord.performed) == 1)
        asked = await here.job(first.jobid)
        here.discord.say(told(asked), acknowledged(asked))
        await here.becomes(first.jobid, JobStatus.STARTED)
        twin = await here.imagine("A  cat --ar 3:2")
        dog = await here.imagine("a completely different dog")
        await until(lambda: len(here.discord.performed) == 2)
        assert here.discord.performed[1].nonce == (await here.job(dog.jobid)).nonce
        here.discord.say(told(await here.job(dog.jobid), "701"))
        await here.send("info")
        await here.pass_time(119)
        assert (await here.job(twin.jobid)).status is JobStatus.CREATED
        await here.pass_time(1)
        failed = await here.becomes(twin.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error, failed.error_details) == (
            502,
            "Not sent within 2 minutes: an identical job has not shown which result is its own",
            sentences.NOTHING_SENT,
        )
        assert len(here.discord.performed) == 3


async def test_a_look_alike_of_an_unanswered_ask_is_asked_when_that_one_has_ended(
    tmp_path: Path,
) -> None:
    """R15: a turn may take longer than the first answer of the job before."""
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.imagine("a cat")
        await until(lambda: len(here.discord.performed) == 1)
        here.discord.say(told(await here.job(first.jobid)))
        await until(lambda: here.owner.in_flight is None)
        twin = await here.imagine("a cat")
        await here.pass_time(60)
        lost = await here.becomes(first.jobid, JobStatus.FAILED)
        assert lost.error == "Midjourney bot did not reply within 60 seconds"
        await until(lambda: len(here.discord.performed) == 2)
        assert here.discord.performed[1].nonce == (await here.job(twin.jobid)).nonce


async def test_discords_wait_ends_no_job_whose_turn_may_come_after_it(tmp_path: Path) -> None:
    """R15, R16: a job that a look-alike held up may still be sent in its time."""
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.imagine("a cat")
        await until(lambda: len(here.discord.performed) == 1)
        asked = await here.job(first.jobid)
        here.discord.say(told(asked), acknowledged(asked))
        await here.becomes(first.jobid, JobStatus.STARTED)
        twin = await here.imagine("a cat")
        await here.quiet()
        here.discord.outcomes.append(Refused(429, "{}", "rate_limited", 70.0))
        refused = await here.submit()
        await here.becomes(refused.jobid, JobStatus.FAILED)
        await here.quiet()
        assert (await here.job(twin.jobid)).status is JobStatus.CREATED
