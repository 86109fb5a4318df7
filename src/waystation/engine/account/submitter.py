"""Submitter: give one account's accepted jobs their turns.

How it works: every job's pictures are uploaded at once (uploading.py); whoever of the queue is
ready first is asked first (asking.py). Ready means: the conversation is caught up, the pictures are
there, nothing is in flight in the channel, pacing and Discord's own wait are over (R16), and no job
that looks alike is in the way (R15). The request leaves in a task of its own.

What goes wrong with one job ends that job; only the store and the lease end the hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Coroutine, Sequence
from datetime import timedelta
from typing import Any

import structlog

from waystation import sentences
from waystation.engine.account.asking import Asking, Request
from waystation.engine.account.owned import Owned
from waystation.engine.account.queue import Queue, Waiting
from waystation.engine.account.turns import Hindrance, Turns
from waystation.engine.account.uploading import Uploading
from waystation.engine.account.verdicts import Verdicts
from waystation.engine.account.waits import Waits
from waystation.engine.feed import Alarm
from waystation.errors import StoreError
from waystation.jobs import Failed, Job, JobEvent, JobId, JobStatus
from waystation.ports import Standing

__all__ = ["Submitter"]

log = structlog.get_logger("waystation.submitter")


class Submitter:
    """One account's accepted jobs that were not asked yet."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._queue = Queue()
        self._turns = Turns()
        self._waits = Waits(owned, self._turns)
        self._verdicts = Verdicts(owned, self._turns)
        self._uploading = Uploading(owned, self._turns, self._waits, self._verdicts)
        self._asking = Asking(owned, self._queue, self._turns, self._waits, self._verdicts)
        self._resting = False
        self._sending: set[asyncio.Task[None]] = set()

    def enqueue(self, waiting: Waiting, span_s: float | None = None) -> None:
        """Add a job; `Owner.moved` must be rung after. A job that waits already stays as it is.

        Args: span_s: how long it may wait for its turn; None: as long as one that comes now
        """
        first_answer_s = self._owned.limits.conversation.first_answer.total_seconds()
        self._queue.add(waiting, self._now() + (first_answer_s if span_s is None else span_s))

    async def rest(self) -> None:
        """Take no more turns, and return when what is being sent has left: the service stops."""
        self._resting = True
        while self._sending:
            await asyncio.wait(tuple(self._sending))

    def answer_modal(self, jobid: JobId) -> None:
        """Take a job whose modal is committed and not answered; `Owner.moved` is rung after."""
        self._queue.modals.add(jobid)

    async def look(self, unsent: Collection[JobId]) -> None:
        """Let go of jobs that another node has ended before they were asked.

        Args: unsent: the account's jobs that were not asked yet, by the rows
        Raises: StoreError
        """
        owned = self._owned
        for jobid in self._queue.jobids:
            if jobid in unsent or owned.transport_now is None:
                continue
            stored = await owned.adapters.store.get_job(jobid, None)
            if stored is not None and stored.final and owned.transport_now is not None:
                await self._let_go(stored)

    async def _let_go(self, ended: Job) -> None:
        await self._owned.step(lambda conversation, now: conversation.over(ended))
        self._owned.moved.ring()

    @property
    def queued(self) -> Sequence[JobId]:
        """The jobs for which this process still has what they need."""
        return self._queue.jobids

    def standing(self, *, uploads: bool = False) -> Standing | None:
        """Return what Discord has asked to wait, or the breaker; None: nothing holds back (R16).

        Args: uploads: whether something must be uploaded first
        """
        return self._waits.standing(uploads=uploads)

    def unsent(self, jobid: JobId) -> JobEvent | None:
        """Return the end of a job whose time is over, with what it waits for.

        None: nothing of it is still to be sent.
        """
        job = self._owned.current(jobid)
        return None if job is None else self._waits.end_of_unsent(job, self._queue.get(jobid))

    async def may_press(self, longest_s: float) -> bool:
        """Wait until Cancel Job may be pressed; False when that would take too long (R16)."""
        until = self._now() + longest_s
        while (wait_s := self._waits.pause_s(self.standing())) > 0:
            if self._now() + wait_s > until:
                return False
            await self._owned.adapters.clock.sleep(wait_s)
        self._turns.asked(self._now(), self._waits.pacing_s(), unbound=False)
        return True

    # ── the loop ──

    async def run(self) -> None:
        """Submit until cancelled."""
        clock = self._owned.adapters.clock
        for _, place in self._queue:
            place.uploading = None
        alarm = Alarm(self._owned.moved, clock)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    # before the look, so that no ring during it is missed
                    moved = self._owned.moved.wait()
                    try:
                        while await self._took_turn(group):
                            pass
                        if (wait_s := self._wake_s()) is not None:
                            alarm.within(wait_s)
                        await moved
                    finally:
                        moved.close()
        finally:
            alarm.stop()

    async def _took_turn(self, group: asyncio.TaskGroup) -> bool:
        """Let the first that is ready have its turn; False when nobody is."""
        queue = self._queue
        queue.let_go(self._owned.current)
        await self._mark_silent()
        if not queue or self._resting:
            return False
        await self._turn_away()
        for jobid, place in queue:
            if place.uploads is None and place.uploading is None:
                place.uploading = self._begin(jobid, self._uploading.upload(place), group)
        if self._waits.hindrance(self.standing()) is not None:
            return False
        for jobid in sorted(queue.modals):
            queue.modals.discard(jobid)
            await self._alone(jobid, self._ask(jobid, self._asking.answer(jobid), group))
            return True
        for jobid, place in queue:
            if self._waits.own_hindrance(place) is None:
                await self._alone(jobid, self._ask(jobid, self._asking.ask(place), group))
                return True
        return False

    def _wake_s(self) -> float | None:
        """Return when to look again although nothing moves."""
        waits: list[float] = []
        if self._owned.in_flight is not None:
            waits.append(self._turns.in_flight_s(self._now()))
        if self._queue:
            waits.append(self._waits.pause_s(self.standing()))
        return min((wait_s for wait_s in waits if wait_s > 0), default=None)

    async def _mark_silent(self) -> None:
        """Let others pass an ask that has shown nothing in time (R15)."""
        jobid = self._owned.in_flight
        if jobid is None or not self._owned.caught_up:
            return
        if self._turns.in_flight_s(self._now()) <= 0:
            await self._owned.step(lambda conversation, now: conversation.silent(jobid, now))

    async def _turn_away(self) -> None:
        """End at once what cannot be asked in its time (R16, R34)."""
        queue, verdicts = self._queue, self._verdicts
        if not self._owned.account.usable:
            # no turn comes before a person has acted, and the connection may be gone
            for jobid in (*queue.jobids, *queue.modals):
                await verdicts.halted(jobid)
            return
        standing = self.standing()
        if standing is None:
            return
        ends_at = self._now() + standing.wait_s
        hindrance = Hindrance.of(standing)
        for jobid, place in queue:
            if ends_at > place.until + self._waits.more_s(jobid):
                end = self._waits.end_of(self._owned.current(jobid), hindrance, standing)
                await verdicts.unsent(jobid, end)
        wait, now = timedelta(seconds=standing.wait_s), self._owned.adapters.clock.now()
        for jobid in sorted(queue.modals):
            job = self._owned.current(jobid)
            if job is not None and job.deadline_at is not None and now + wait > job.deadline_at:
                end = self._waits.end_of(job, hindrance, standing, opened=True)
                await verdicts.end(jobid, end)

    async def _ask(
        self, jobid: JobId, asking: Awaitable[Request | None], group: asyncio.TaskGroup
    ) -> None:
        """Let a job be asked, and its request leave while others have their turns."""
        request = await asking
        if request is not None:
            sending = self._begin(jobid, request, group)
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    def _begin(
        self, jobid: JobId, work: Coroutine[Any, Any, None], group: asyncio.TaskGroup
    ) -> asyncio.Task[None]:
        task = group.create_task(self._alone(jobid, work))
        # a task that is cancelled before its first step never comes to its work
        task.add_done_callback(lambda _: work.close())
        return task

    async def _alone(self, jobid: JobId, work: Coroutine[Any, Any, None]) -> None:
        """Do something for one job; what goes wrong with it ends that job alone.

        Raises: StoreError: the hold is broken
        """
        try:
            await work
        except StoreError:
            raise
        except Exception:
            # part of the engine's loop: one job's fault must not end the account's hold
            log.exception("submitter.job_failed", jobid=jobid)
            self._queue.drop(jobid)
            job = self._owned.current(jobid)
            asked = job is not None and job.status is not JobStatus.CREATED
            await self._verdicts.end(jobid, Failed.by(sentences.JOB_FAULT, ghost=asked))

    def _now(self) -> float:
        return self._owned.adapters.clock.monotonic()
