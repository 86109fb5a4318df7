from __future__ import annotations

import asyncio

import pytest

from tests.build import replace
from tests.fakes import FakeClock
from tests.harness.play import new_job
from waystation.engine.feed import Alarm, Bell, Feed, race
from waystation.jobs import Job, JobId

JOB = new_job("job:1")


def anything(job: Job) -> bool:
    return True


def nothing(job: Job) -> bool:
    return False


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_ring_wakes_all_who_wait_and_nobody_who_comes_later() -> None:
    bell = Bell()
    early = [asyncio.ensure_future(bell.wait()) for _ in range(2)]
    await turn()
    bell.ring()
    late = asyncio.ensure_future(bell.wait())
    await turn()
    assert [task.done() for task in early] == [True, True]
    assert not late.done()
    late.cancel()


async def test_a_wait_counts_from_its_call_also_when_its_task_has_not_begun() -> None:
    bell = Bell()
    waiting = asyncio.ensure_future(bell.wait())
    bell.ring()
    await asyncio.wait_for(waiting, 30)


async def test_an_alarm_rings_its_bell_after_its_time() -> None:
    bell, clock = Bell(), FakeClock()
    alarm = Alarm(bell, clock)
    alarm.within(5)
    waiting = asyncio.ensure_future(bell.wait())
    await clock.elapse(4)
    assert not waiting.done()
    await clock.elapse(1)
    assert waiting.done()


async def test_an_alarm_sleeps_on_and_is_set_anew_only_for_an_earlier_moment() -> None:
    bell, clock = Bell(), FakeClock()
    alarm = Alarm(bell, clock)
    for _ in range(3):
        alarm.within(5)
        bell.ring()
    await clock.elapse(1)
    alarm.within(5)
    assert clock.sleepers == 1
    waiting = asyncio.ensure_future(bell.wait())
    alarm.within(1)
    await clock.elapse(1)
    assert waiting.done(), "the earlier moment counts"
    alarm.within(3)
    alarm.stop()
    await clock.elapse(10)
    assert clock.sleepers == 0


async def test_a_race_ends_with_the_first_and_cancels_the_others() -> None:
    bell, other = Bell(), Bell()
    waits = [asyncio.ensure_future(bell.wait()), asyncio.ensure_future(other.wait())]
    racing = asyncio.ensure_future(race(*waits))
    await turn()
    other.ring()
    await asyncio.wait_for(racing, 30)
    await turn()
    assert waits[0].cancelled()
    assert waits[1].done()


async def test_a_race_raises_what_its_first_raised() -> None:
    async def broken() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        await race(asyncio.ensure_future(broken()), asyncio.ensure_future(Bell().wait()))


async def test_a_cancelled_race_cancels_its_waits() -> None:
    wait = asyncio.ensure_future(Bell().wait())
    racing = asyncio.ensure_future(race(wait))
    await turn()
    racing.cancel()
    await asyncio.wait({racing})
    await turn()
    assert wait.cancelled()


async def test_a_job_that_fits_already_is_returned_at_once() -> None:
    assert await Feed().wait(JOB, anything, 5) is JOB


async def test_a_waiter_gets_the_first_published_job_that_fits() -> None:
    feed = Feed()
    seen = []

    def third(job: Job) -> bool:
        seen.append(job)
        return len(seen) > 2

    waiting = asyncio.ensure_future(feed.wait(JOB, third, 5))
    await turn()
    feed.publish(new_job("job:2"))
    feed.publish(JOB)
    assert not waiting.done()
    feed.publish(JOB)
    feed.publish(JOB)
    assert await waiting is JOB
    assert seen == [JOB, JOB, JOB]


async def test_a_waiter_that_waits_too_long_gets_nothing_and_leaves_nothing_behind() -> None:
    feed = Feed()
    assert await feed.wait(JOB, nothing, 0) is None
    assert feed._waiting == {}


async def test_two_waiters_of_one_job_leave_one_after_the_other() -> None:
    feed = Feed()
    first = asyncio.ensure_future(feed.wait(JOB, nothing, 5))
    second = asyncio.ensure_future(feed.wait(JOB, nothing, 5))
    await turn()
    first.cancel()
    await asyncio.wait({first})
    assert len(feed._waiting[JOB.jobid]) == 1
    feed.release()
    assert await second is None
    assert feed._waiting == {}


async def test_a_wish_after_the_release_does_not_wait() -> None:
    feed = Feed()
    feed.release()
    assert await asyncio.wait_for(feed.wait(JOB, nothing, 3600), 30) is None


async def test_a_release_leaves_a_waiter_that_has_its_job_alone() -> None:
    feed = Feed()
    waiting = asyncio.ensure_future(feed.wait(JOB, lambda job: job.version == 7, 5))
    await turn()
    changed = replace(JOB, version=7)
    feed.publish(changed)
    feed.release()
    assert await waiting is changed


async def test_a_watch_of_a_user_is_woken_for_each_of_their_jobs_and_for_no_other() -> None:
    feed = Feed()
    with feed.watching(JOB.user_id) as watch, feed.watching(JOB.user_id + 1) as other:
        feed.publish(JOB)
        await asyncio.wait_for(watch.wait(), 30)
        watch.rest()
        feed.publish(replace(JOB, jobid=JobId("job:2")))
        await asyncio.wait_for(watch.wait(), 30)
        assert not other._event.is_set()
        feed.release()
        assert watch.released and other.released
    assert feed._watching == {}
