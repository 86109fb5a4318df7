"""Slots: how many jobs of an account run at the same time, and which ones wait."""

from __future__ import annotations

import asyncio

from waystation.simulator.bot import wording
from waystation.simulator.bot.job import Job
from waystation.simulator.bot.timeline import Timeline, queued
from waystation.simulator.bot.titles import BY_NAME, refuse
from waystation.simulator.bot.works import Medium
from waystation.simulator.discord.world import Account, Standing

__all__ = ["Slots"]

_HOURS_PER_DESCRIBE = 0.002
_HOURS_PER_DRAWING = 0.005
_TURBO = 2.0
"""A turbo job uses twice the hours."""
_IMAGES = {Medium.GRID: 4, Medium.UPSCALED: 1, Medium.VIDEO: 4}


class Slots:
    """Lets jobs in, queues them, and lets the next one in when one is over."""

    def __init__(self) -> None:
        self._freed: dict[int, asyncio.Event] = {}

    def enter(self, job: Job, timeline: Timeline) -> Timeline:
        """Take a slot or a place in the queue; return the timeline that follows from it."""
        if job.ask.account is None:
            return timeline
        standing = job.ask.account.standing
        if standing.has_slot and not standing.waiting:
            standing.running.add(job.number)
            return timeline
        if not standing.has_room:
            return refuse(timeline, BY_NAME["queue_full"])
        standing.waiting.append(job.number)
        return queued(timeline, wording.job_queued)

    async def wait(self, job: Job) -> None:
        """Wait in the account's queue until a slot is free."""
        freed = self._freed[job.number] = asyncio.Event()
        if job.ask.account is not None:
            self.admit(job.ask.account)
        try:
            await freed.wait()
        finally:
            del self._freed[job.number]

    def admit(self, account: Account) -> None:
        """Start waiting jobs while there are free slots; called whenever one may be free."""
        standing = account.standing
        while standing.waiting and standing.has_slot:
            number = standing.waiting[0]
            if number not in self._freed:
                return
            standing.waiting.popleft()
            standing.running.add(number)
            self._freed[number].set()

    def release(self, job: Job) -> None:
        """Leave the slot or the queue, and count what the job has cost."""
        account = job.ask.account
        if account is None:
            return
        standing = account.standing
        if job.number in standing.waiting:
            standing.waiting.remove(job.number)
        if job.number in standing.running:
            standing.running.discard(job.number)
            _count(job, standing)
        self.admit(account)


def _count(job: Job, standing: Standing) -> None:
    hours = _HOURS_PER_DESCRIBE if job.work is None else _HOURS_PER_DRAWING
    images = 0 if job.result is None or job.work is None else _IMAGES.get(job.work.medium, 0)
    if job.mode == "Relaxed":
        standing.relaxed_images += images
        standing.relaxed_hours += hours
        return
    standing.images += images
    standing.fast_hours_used += hours * (_TURBO if job.mode == "Turbo" else 1.0)
