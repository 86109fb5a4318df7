from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.build import replace
from tests.fakes import START, FakeClock
from tests.harness.play import new_job
from waystation.engine.feed import Feed
from waystation.engine.nodes.hearing import Hearing, news_of
from waystation.errors import StoreError
from waystation.jobs import Job, JobId, JobStatus, Nonce
from waystation.ports import Jobs

JOBID = JobId("job:20260102030405000-user:7-channel:1-bot:midjourney")
CREATED = replace(new_job(JOBID), user_id=7)
DONE = replace(CREATED, status=JobStatus.SUBMITTED, version=2, nonce=Nonce("7"), submitted_at=START)


class Rows:
    """A store with one job that another node has written."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.fails = False
        self.error: Exception = StoreError("The disk is full.")

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        self.reads.append(jobid)
        if self.fails:
            raise self.error
        return DONE if jobid == JOBID else None


class Ear:
    """A node that hears, or does not."""

    def __init__(self, *, hears: bool) -> None:
        self.clock, self.rows, self.feed = FakeClock(), Rows(), Feed()
        self.hearing = Hearing(cast(Jobs, self.rows), self.feed, self.clock, lambda: hears)
        self.running = asyncio.create_task(self.hearing.run())

    def wait(self, waited: Job = CREATED) -> asyncio.Task[Job | None]:
        """Let somebody wait for a job."""
        return asyncio.create_task(
            self.feed.wait(waited, lambda seen: seen.status is JobStatus.SUBMITTED, 3600)
        )


@asynccontextmanager
async def ear(*, hears: bool = True) -> AsyncIterator[Ear]:
    here = Ear(hears=hears)
    try:
        yield here
    finally:
        here.running.cancel()
        await asyncio.gather(here.running, return_exceptions=True)


async def test_a_waiter_gets_the_job_that_another_node_has_committed() -> None:
    async with ear() as here:
        waiting = here.wait()
        await here.clock.elapse(0)
        here.hearing.heard(["job:other", JOBID, "command:1"])
        assert await asyncio.wait_for(waiting, 30) == DONE
        assert here.rows.reads == [JOBID]


async def test_a_job_for_which_nobody_waits_is_not_read() -> None:
    async with ear() as here:
        here.hearing.heard([JOBID])
        await here.clock.elapse(4)
        assert here.rows.reads == []


async def test_readers_of_a_job_and_of_its_user_look_again() -> None:
    async with ear() as here:
        with (
            here.feed.watching(JOBID) as of_job,
            here.feed.watching(7) as of_user,
            here.feed.watching(8) as of_another,
        ):
            here.hearing.heard([JOBID])
            async with asyncio.timeout(30):
                await asyncio.gather(of_job.wait(), of_user.wait())
            assert not of_another._event.is_set()
            here.hearing.heard(None)
            assert of_another._event.is_set()


async def test_waiters_look_by_themselves_where_nothing_is_told() -> None:
    for hears, after_s in ((False, 1), (True, 5)):
        async with ear(hears=hears) as here:
            waiting = here.wait()
            await here.clock.elapse(after_s - 0.1)
            assert not waiting.done()
            await here.clock.elapse(0.2)
            assert await asyncio.wait_for(waiting, 30) == DONE


@pytest.mark.parametrize("error", [None, ValueError("a bug")], ids=["the store", "our own"])
async def test_a_look_that_fails_is_repeated(error: Exception | None) -> None:
    async with ear(hears=False) as here:
        here.rows.error = error or here.rows.error
        here.rows.fails = True
        waiting = here.wait()
        with capture_logs() as logs:
            await here.clock.elapse(1.1)
        assert [line["event"] for line in logs] == ["hearing.look_failed"]
        here.rows.fails = False
        await here.clock.elapse(1.1)
        assert await asyncio.wait_for(waiting, 30) == DONE


async def test_commits_of_this_process_are_told_to_others() -> None:
    told: list[Job] = []
    feed = Feed(told.append)
    feed.deliver(DONE)
    assert told == []
    feed.publish(DONE)
    assert told == [DONE]


def test_the_news_of_a_job_name_it_its_account_while_it_is_unasked_and_the_queue() -> None:
    account = f"account:{CREATED.account_id}"
    assert list(news_of(CREATED)) == [JOBID, account]
    # R13: its request could not leave
    assert list(news_of(replace(CREATED, nonce=Nonce("7")))) == [JOBID, account]
    assert list(news_of(DONE)) == [JOBID]
    assert list(news_of(replace(CREATED, account_id=""))) == [JOBID, "queue"]
    assert list(news_of(replace(DONE, status=JobStatus.FAILED))) == [JOBID, "queue"]
    # the account's node lets go of what was ended before it was asked
    cancelled = replace(CREATED, status=JobStatus.CANCELLED)
    assert list(news_of(cancelled)) == [JOBID, account, "queue"]


async def test_the_queue_is_looked_at_when_a_job_waits_elsewhere_or_anything_may_have() -> None:
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1

    clock = FakeClock()
    hearing = Hearing(cast(Jobs, Rows()), Feed(), clock, lambda: True, look)
    for ids in ([JOBID], [JOBID, "queue"], None):
        hearing.heard(ids)
    assert looks == 2
