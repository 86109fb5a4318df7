from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness.desk import (
    desk,
    told,
    until,
)
from waystation import sentences
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
        here.discord.say(told(await here.job(first.jobid)))
        await until(lambda: here.owner.in_flight is None)
        twin = await here.imagine("A  cat --ar 3:2")
        dog = await here.imagine("a completely different dog")
        await until(lambda: len(here.discord.performed) == 2)
        assert here.discord.performed[1].nonce == (await here.job(dog.jobid)).nonce
        here.discord.say(told(await here.job(dog.jobid), "701"))
        await here.send("info")
        await here.pass_time(60)
        failed = await here.becomes(twin.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error, failed.error_details) == (
            502,
            "Not sent within 60 seconds: an identical job has not shown which result is its own",
            sentences.NOTHING_SENT,
        )
        assert len(here.discord.performed) == 3
