from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.build import replace
from tests.harness.desk import acknowledged, described, told, until
from tests.harness.house import DESCRIBE, house
from waystation.errors import NotFound
from waystation.jobs import JobStatus


async def test_a_read_that_waits_ends_with_the_job_its_time_or_the_service(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        await here.service.submit(await here.user(), DESCRIBE, 0)
        (job,) = await here.performed()
        user = await here.user()
        await here.service.reads.wait_for_end(user, job.jobid, 0)
        asked = asyncio.create_task(here.service.reads.wait_for_end(user, job.jobid, 60))
        here.here.discord.say(told(job), acknowledged(job), described(job))
        await asked
        assert (await here.here.job(job.jobid)).final
        await here.service.reads.wait_for_end(user, job.jobid, 60)
        with pytest.raises(NotFound):
            await here.service.reads.wait_for_end(replace(user, user_id=2), job.jobid, 60)


async def test_a_shutdown_ends_waits_for_an_end_with_what_is_known(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = asyncio.create_task(here.service.submit(await here.user(), DESCRIBE, 60))
        (job,) = await here.performed()
        reading = asyncio.create_task(
            here.service.reads.wait_for_end(await here.user(), job.jobid, 60)
        )
        await until(lambda: len(here.here.feed._waiting.get(job.jobid, ())) == 2)
        await here.service.drain()
        await reading
        assert (await asked).status is JobStatus.SUBMITTED
