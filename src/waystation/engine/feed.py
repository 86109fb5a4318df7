"""Wake readers when something was committed; never the source of truth.

Rules: what a waiter gets was committed before; a waiter that comes late reads the store first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from waystation.jobs import Job, JobId
from waystation.ports import Clock

__all__ = ["Alarm", "Bell", "Feed", "Watch", "race"]


class Bell:
    """Wakes everyone who waits, and nobody who comes later."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all waiters."""
        self._event.set()
        self._event = asyncio.Event()

    def wait(self) -> Coroutine[Any, Any, object]:
        """Return at the next ring, counted from this call and not from the first turn of a task."""
        return self._event.wait()


class Alarm:
    """Rings a bell at a moment, for who waits for the bell and must wake by then in any case.

    It sleeps on while the bell rings for other reasons, so that these cost no new task. It may ring
    earlier than it was asked last; who wakes looks again.
    """

    def __init__(self, bell: Bell, clock: Clock) -> None:
        self._bell = bell
        self._clock = clock
        self._at = 0.0
        self._sleeping: asyncio.Task[None] | None = None

    def within(self, seconds: float) -> None:
        """Ring at the latest after so many seconds."""
        at = self._clock.monotonic() + seconds
        if self._sleeping is None or self._sleeping.done() or at < self._at:
            self.stop()
            self._at = at
            self._sleeping = asyncio.create_task(self._ring_after(seconds))

    def stop(self) -> None:
        """Ring no more."""
        if self._sleeping is not None:
            self._sleeping.cancel()

    async def _ring_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._bell.ring()


async def race(*awaited: Awaitable[object]) -> None:
    """Return when the first of several waits is over; the others are cancelled.

    Raises: what the first one raised
    """
    waits = [asyncio.ensure_future(one) for one in awaited]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    for wait in done:
        wait.result()


class Watch:
    """Tells a reader that there may be more to read."""

    def __init__(self, released: bool) -> None:
        self._event = asyncio.Event()
        self.released = released
        """True once the service stops."""

    def wake(self) -> None:
        """Wake the reader, also one that comes later."""
        self._event.set()

    def rest(self) -> None:
        """Forget the wakes so far: the reader reads everything now."""
        self._event.clear()

    async def wait(self) -> None:
        """Return when there may be more since the last rest."""
        await self._event.wait()


class Feed:
    """Hands committed jobs to those who wait for them.

    Args: committed: called with each job that this process has committed
    """

    def __init__(self, committed: Callable[[Job], None] = lambda job: None) -> None:
        self._committed = committed
        self._waiting: dict[
            JobId, list[tuple[Callable[[Job], bool], asyncio.Future[Job | None]]]
        ] = {}
        self._watching: dict[JobId | int, set[Watch]] = {}
        """By jobid, and by user_id those who want to know of all jobs of a user."""
        self._released = False

    def publish(self, job: Job) -> None:
        """Tell a job's waiters what this process has committed."""
        self.deliver(job)
        self._committed(job)

    def deliver(self, job: Job) -> None:
        """Tell a job's waiters what was committed, by whichever process."""
        for fits, future in self._waiting.get(job.jobid, ()):
            if not future.done() and fits(job):
                future.set_result(job)
        for whom in (job.jobid, job.user_id):
            for watch in self._watching.get(whom, ()):
                watch.wake()

    @property
    def awaited(self) -> Sequence[JobId]:
        """The jobs for which somebody waits."""
        return tuple(self._waiting)

    def wake(self, whom: Collection[JobId | int] | None = None) -> None:
        """Let readers look who watch jobs, or all jobs of users. Args: whom: None: all"""
        watched = self._watching.keys() if whom is None else self._watching.keys() & whom
        for one in watched:
            for watch in self._watching[one]:
                watch.wake()

    def release(self) -> None:
        """Let every waiter go at once, and who still comes; each reads the store for what is known.

        Who was accepted a moment before may not be waiting yet.
        """
        self._released = True
        for waiters in self._waiting.values():
            for _, future in waiters:
                if not future.done():
                    future.set_result(None)
        for watches in self._watching.values():
            for watch in watches:
                watch.released = True
                watch.wake()

    @property
    def released(self) -> bool:
        """Tell whether nobody waits any more: the service stops."""
        return self._released

    @contextmanager
    def watching(self, whom: JobId | int) -> Iterator[Watch]:
        """Wake a reader whenever something was committed; the reader reads the store.

        Args: whom: a job, or the user whose jobs are all meant
        """
        watch = Watch(self._released)
        self._watching.setdefault(whom, set()).add(watch)
        try:
            yield watch
        finally:
            self._watching[whom].discard(watch)
            if not self._watching[whom]:
                del self._watching[whom]

    async def wait(self, job: Job, fits: Callable[[Job], bool], timeout_s: float) -> Job | None:
        """Return the job as soon as it fits; None when released or too late."""
        if fits(job):
            return job
        if self._released:
            return None
        future: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()
        entry = (fits, future)
        self._waiting.setdefault(job.jobid, []).append(entry)
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return None
        finally:
            self._waiting[job.jobid].remove(entry)
            if not self._waiting[job.jobid]:
                del self._waiting[job.jobid]
