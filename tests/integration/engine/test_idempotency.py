"""A request that is repeated under a key makes one job (R11)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.build import replace
from tests.harness.desk import acknowledged, info, told, until
from tests.harness.house import DESCRIBE, INFO, House, house
from waystation.actions import Refused
from waystation.engine.idempotency import KeyUsed, request_key
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import InvalidRequest, NotAnsweredYet, PreconditionFailed, Unavailable
from waystation.jobs import Job, JobStatus
from waystation.ports import RequestKey
from waystation.store.transactions import keys

KEY = "5b3a-key"


async def once(here: House, request: JobRequest = DESCRIBE, key: str = KEY) -> tuple[Job, bool]:
    return await here.service.submit_once(await here.user(), request, key)


async def begun(here: House) -> asyncio.Task[tuple[Job, bool]]:
    """Send a request and wait until its job was performed."""
    await here.live()
    asked = asyncio.create_task(once(here))
    await here.performed()
    return asked


async def started(here: House) -> Job:
    """Send a request and let the bot begin, so that it is answered."""
    asked = await begun(here)
    (job,) = await here.performed()
    here.here.discord.say(told(job), acknowledged(job))
    answer, replayed = await asked
    assert not replayed
    return answer


async def test_a_repeated_request_is_answered_with_the_job_of_the_first(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        job = await started(here)
        again, replayed = await once(here)
        assert (again.jobid, again.message_id, replayed) == (job.jobid, "800", True)
        assert len(here.here.discord.performed) == 1
        # no picture is fetched for it
        assert len(here.fetcher.urls) == 1


async def test_a_repeated_request_is_told_to_wait_while_the_first_is_not_answered(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        asked = await begun(here)
        for passed_s, wait_s in ((0, 5), (61.5, 4)):
            here.here.clock.advance(passed_s)
            with pytest.raises(NotAnsweredYet) as refused:
                await once(here)
            assert (refused.value.status_hint, refused.value.retry_after_s) == (409, wait_s)
        asked.cancel()


async def test_a_repeated_request_is_answered_once_the_time_of_the_first_is_over(
    tmp_path: Path,
) -> None:
    """After a crash nobody waits for the first; the job alone tells how long it could have."""
    async with house(tmp_path) as here:
        job = await here.here.accept()
        key = await request_key(KEY, DESCRIBE)
        await here.here.store._write(_take, key, job)
        with pytest.raises(NotAnsweredYet):
            await once(here)
        here.here.clock.advance(65)
        again, replayed = await once(here)
        assert (again.jobid, again.status, replayed) == (job.jobid, JobStatus.CREATED, True)


def _take(database: Any, key: RequestKey, job: Job) -> None:
    keys.take(database, job.user_id, key, job.jobid, job.created_at)


async def test_a_first_message_that_says_nothing_is_waited_for_by_both(tmp_path: Path) -> None:
    async with house(tmp_path, first_edit_s=60) as here:
        asked = await begun(here)
        (job,) = await here.performed()
        here.here.discord.say(told(job), acknowledged(job))
        await here.here.becomes(job.jobid, JobStatus.STARTED)
        with pytest.raises(NotAnsweredYet):
            await once(here)
        asked.cancel()


@pytest.mark.parametrize(
    "other",
    [
        replace(DESCRIBE, reply_ref="another"),
        replace(DESCRIBE, params={"describeUrl": "https://example.org/2.png"}),
        replace(DESCRIBE, params={}, files={"describeUrl": FilePart("a.png", b"a")}),
    ],
    ids=["field", "param", "file"],
)
async def test_a_key_stands_for_no_other_request(tmp_path: Path, other: JobRequest) -> None:
    async with house(tmp_path) as here:
        await started(here)
        with pytest.raises(
            InvalidRequest, match="This Idempotency-Key was used for another request"
        ):
            await once(here, other)


async def test_a_file_counts_by_its_bytes_and_not_by_its_name() -> None:
    def request(data: bytes, name: str) -> JobRequest:
        return JobRequest("describe", files={"describeUrl": FilePart(name, data)})

    first = await request_key(KEY, request(b"one", "a.png"))
    assert await request_key(KEY, request(b"one", "b.png")) == first
    assert await request_key(KEY, request(b"two", "a.png")) != first


async def test_the_order_of_fields_does_not_count() -> None:
    one = JobRequest("imagine", params={"prompt": "a fox", "mode": "fast"})
    other = JobRequest("imagine", params={"mode": "fast", "prompt": "a fox"})
    assert await request_key(KEY, one) == await request_key(KEY, other)


async def test_the_same_key_on_another_route_is_another_one(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await started(here)
        asked = asyncio.create_task(once(here, INFO))
        await until(lambda: len(here.here.discord.performed) == 2)
        asked.cancel()


async def test_two_requests_at_once_make_one_job(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        both = await asyncio.gather(
            *(_until_told(once(here)) for _ in range(2)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in both) == ["NotAnsweredYet", "TimeoutError"]
        assert len(await here.here.store.running_jobs(1)) == 1


async def _until_told(asked: Any) -> Any:
    async with asyncio.timeout(1):
        return await asked


async def test_a_refusal_before_there_is_a_job_does_not_use_the_key_up(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.fetcher.ends = PreconditionFailed("GET … failed")
        with pytest.raises(PreconditionFailed):
            await once(here)
        here.fetcher.ends = None
        asked = asyncio.create_task(once(here))
        await here.performed()
        asked.cancel()


async def test_a_job_that_discord_refused_with_429_does_not_use_the_key_up(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.outcomes.append(Refused(429, "{}", "rate_limited", 0.1))
        refused, replayed = await once(here)
        assert (refused.code, replayed) == (429, False)
        here.here.clock.advance(1)
        asked = asyncio.create_task(once(here))
        await until(lambda: len(here.here.discord.performed) == 2)
        asked.cancel()


async def test_a_replay_tells_the_end_that_the_post_would_tell_now(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = asyncio.create_task(once(here, INFO))
        (job,) = await here.performed()
        here.here.discord.say(told(job), info(job))
        assert (await asked)[0].status is JobStatus.COMPLETED
        again, replayed = await once(here, INFO)
        assert (again.status, replayed) == (JobStatus.COMPLETED, True)


@pytest.mark.parametrize("conflicts", [1, 2])
async def test_a_key_whose_job_is_purged_between_conflict_and_look_is_tried_once_more(
    tmp_path: Path, conflicts: int
) -> None:
    async with house(tmp_path) as here:
        job = await here.here.accept()
        left = conflicts

        async def submit() -> Job:
            nonlocal left
            if left:
                left -= 1
                raise KeyUsed
            return job

        key = await request_key(KEY, DESCRIBE)
        making = here.service._idempotency.once(await here.user(), key, submit)
        if conflicts == 2:
            with pytest.raises(Unavailable):
                await making
        else:
            assert await making == (job, False)
