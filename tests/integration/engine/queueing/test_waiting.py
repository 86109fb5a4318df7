from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.build import replace
from tests.harness.desk import ACCOUNT, until
from tests.harness.house import DESCRIBE, INFO, house
from tests.limits import SERVICE
from waystation.engine.choice import Chosen
from waystation.engine.queueing.waiting import cancels_an_hour, queue_full
from waystation.errors import Halted, InvalidRequest, Throttled
from waystation.ports import QueueFull, Standing
from waystation.quotas import UserQuotas

QUEUED = replace(DESCRIBE, queue=True, max_jobs=1)


async def test_a_user_s_default_lets_jobs_wait_unless_a_request_says_no(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        waiting = here.service._waiting
        assert waiting.draft(user, DESCRIBE, SERVICE.queue) is None
        asked = waiting.draft(user, QUEUED, SERVICE.queue)
        assert asked is not None
        assert (asked.priority, asked.most) == (3, 1000)
        assert asked.until == here.here.clock.now() + SERVICE.queue.wait
        by_default = replace(user, queues=True)
        assert waiting.draft(by_default, DESCRIBE, SERVICE.queue) == asked
        assert waiting.draft(by_default, replace(DESCRIBE, queue=False), SERVICE.queue) is None


async def test_a_user_s_own_limit_of_waiting_jobs_counts(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = replace(await here.user(), quotas=UserQuotas(waiting_jobs=7))
        asked = here.service._waiting.draft(user, QUEUED, SERVICE.queue)
        assert asked is not None
        assert asked.most == 7


async def test_a_priority_is_at_most_what_the_user_may_have(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        waiting = here.service._waiting
        with pytest.raises(InvalidRequest, match="priority must be 1 to 3"):
            await here.service.submit(user, replace(QUEUED, priority=4))
        lowest = waiting.draft(replace(user, queue_priority=2), QUEUED, SERVICE.queue)
        assert lowest is not None
        assert lowest.priority == 2
        urgent = replace(QUEUED, priority=5)
        highest = waiting.draft(replace(user, queue_priority=5), urgent, SERVICE.queue)
        assert highest is not None
        assert highest.priority == 5


async def test_too_many_waiting_jobs_of_a_user_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        here.service._limits = replace(SERVICE, queue=replace(SERVICE.queue, per_user=1))
        assert (await (await here.ask(QUEUED))).waiting
        with pytest.raises(Throttled) as caught:
            await (await here.ask(QUEUED))
        assert caught.value.message == "At most 1 of your jobs may wait, and 1 wait already"
        assert caught.value.retry_after_s == 30
        # as long as the jobs before, where something runs
        now = here.here.clock.now()
        in_a_while = QueueFull(1, now + timedelta(seconds=41))
        assert queue_full(1, in_a_while, now).retry_after_s == 41
        assert queue_full(1, QueueFull(1, now), now).retry_after_s == 5


async def test_a_job_without_a_slot_waits_for_its_account(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await (await here.ask(replace(INFO, queue=True)))
        assert (job.waiting, job.channel) == (True, ACCOUNT.channel)
        here.here.discord.standing = None
        await here.service.dispatcher.round()
        await until(lambda: len(here.here.discord.performed) == 1)


async def test_a_halted_account_refuses_jobs_of_the_queue_too(tmp_path: Path) -> None:
    """R7: a person must act, and the caller should learn it at once."""
    async with house(tmp_path) as here:
        await here.live()
        await here.here.halt_in_store()
        with pytest.raises(Halted):
            await here.service.submit(await here.user(), QUEUED)


async def test_the_word_of_the_store_counts_where_a_job_waits_no_more(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await (await here.ask(QUEUED))
        first = await here.service.cancel(await here.user(), job.jobid)
        assert await here.service._waiting.cancel(job) == first


OFTEN = "2 or more of your waiting jobs were cancelled within an hour; wait"


async def test_a_user_who_cancels_waiting_jobs_without_end_has_no_queue_for_a_while(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        waiting = here.service._waiting
        assert waiting._cancelled._limit == cancels_an_hour(1000) == 2000
        waiting._cancelled._limit = waiting._cancelled._own.limit = 2
        here.here.discord.standing = Standing(120.0, "")
        for _ in range(2):
            job = await (await here.ask(QUEUED))
            assert (await here.service.cancel(user, job.jobid)).status == "cancelled"
        with pytest.raises(Throttled, match=OFTEN) as caught:
            await (await here.ask(QUEUED))
        assert caught.value.retry_after_s == 3600
        assert caught.value.quota is not None
        assert caught.value.quota.policy == "cancelled-waiting-jobs"
        # where an account has room, there is no need of the queue
        here.here.discord.standing = None
        draft = waiting.draft(user, QUEUED, SERVICE.queue)
        assert await waiting.admitted(user, Chosen([ACCOUNT], draft)) == Chosen([ACCOUNT])
        another = replace(user, user_id=2)
        assert await waiting.admitted(another, Chosen([], draft)) == Chosen([], draft)
        here.here.discord.standing = Standing(120.0, "")
        here.here.clock.advance(3661)
        assert (await (await here.ask(QUEUED))).waiting
