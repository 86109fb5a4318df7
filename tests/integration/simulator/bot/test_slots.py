from __future__ import annotations

import asyncio

from tests.integration.simulator.scene import Setting
from waystation.simulator.bot.job import Job
from waystation.simulator.bot.slots import Slots
from waystation.simulator.bot.timeline import Kind, Timeline, acknowledge, finish, opening
from waystation.simulator.discord.messages import Draft
from waystation.wire.message import MessageFlag

LINE: Timeline = (
    *opening(),
    acknowledge(MessageFlag.LOADING),
    finish(lambda job, scene: Draft(), after_s=1.0),
)


def _jobs(setting: Setting, count: int) -> list[Job]:
    jobs = [setting.job() for _ in range(count)]
    for number, job in enumerate(jobs, start=1):
        job.number = number
    return jobs


async def test_the_first_enter_the_next_wait_and_the_last_are_refused() -> None:
    setting, slots = Setting(), Slots()
    standing = setting.account.standing
    standing.concurrency, standing.queue_limit = 1, 1
    one, two, three = _jobs(setting, 3)
    assert slots.enter(one, LINE) == LINE
    waiting = slots.enter(two, LINE)
    assert Kind.SLOT in [step.kind for step in waiting]
    assert slots.enter(three, LINE)[-1].nonce
    assert (standing.running, list(standing.waiting)) == ({1}, [2])
    place = asyncio.create_task(slots.wait(two))
    await asyncio.sleep(0)
    slots.release(one)
    await place
    assert standing.running == {2}
    slots.release(two)
    assert standing.running == set()


async def test_nobody_overtakes_a_job_that_is_about_to_wait() -> None:
    """The slot is free before the first in the queue has said that it waits."""
    setting, slots = Setting(), Slots()
    standing = setting.account.standing
    standing.concurrency = 1
    one, two, three = _jobs(setting, 3)
    slots.enter(one, LINE)
    slots.enter(two, LINE)
    slots.release(one)
    assert Kind.SLOT in [step.kind for step in slots.enter(three, LINE)]
    assert list(standing.waiting) == [2, 3]
    places = [asyncio.create_task(slots.wait(job)) for job in (three, two)]
    await asyncio.sleep(0)
    assert standing.running == {2}
    slots.release(two)
    await asyncio.gather(*places)
    assert standing.running == {3}


async def test_a_leaving_waiter_lets_the_next_one_in() -> None:
    setting, slots = Setting(), Slots()
    standing = setting.account.standing
    standing.concurrency = 1
    one, two, three = _jobs(setting, 3)
    for job in (one, two, three):
        slots.enter(job, LINE)
    place = asyncio.create_task(slots.wait(three))
    await asyncio.sleep(0)
    slots.release(one)
    slots.release(two)
    await place
    assert standing.running == {3}


async def test_a_waiter_who_gives_up_leaves_the_queue() -> None:
    setting, slots = Setting(), Slots()
    setting.account.standing.concurrency = 0
    (job,) = _jobs(setting, 1)
    slots.enter(job, LINE)
    place = asyncio.create_task(slots.wait(job))
    await asyncio.sleep(0)
    place.cancel()
    await asyncio.gather(place, return_exceptions=True)
    slots.release(job)
    assert not setting.account.standing.waiting


def test_a_passer_by_needs_no_slot() -> None:
    setting, slots = Setting(), Slots()
    job = setting.job(account=None, user=setting.world.foreigner)
    assert slots.enter(job, LINE) == LINE
    slots.release(job)
    assert setting.account.standing.running == set()


def test_turbo_uses_twice_the_hours_and_relaxed_none() -> None:
    used = {}
    for mode in ("Fast", "Turbo", "Relaxed"):
        setting, slots = Setting(), Slots()
        (job,) = _jobs(setting, 1)
        before = setting.account.standing.fast_hours_used
        job.mode = mode
        slots.enter(job, LINE)
        slots.release(job)
        used[mode] = round(setting.account.standing.fast_hours_used - before, 6)
    assert used["Turbo"] == 2 * used["Fast"] > 0 == used["Relaxed"]
