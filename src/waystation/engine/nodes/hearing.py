"""Hearing: wakes waiters and streams of this node for what other nodes have committed (ADR 28).

How it works: a note names a job; whoever waits for that job is given it as the store has it, and
whoever reads its events, or those of its user, reads on. Without notes all of them look every
second, and every five seconds with notes, since a note may get lost.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

import structlog

from waystation.engine.feed import Feed, race
from waystation.errors import StoreError
from waystation.jobs import Job, JobId
from waystation.ports import Clock, Jobs

__all__ = ["Hearing", "news_of"]

log = structlog.get_logger("waystation.hearing")

_LOOK_S: Final = 1.0
"""Time between two looks where nothing is told."""

_LOOK_TOLD_S: Final = 5.0
"""Time between two looks where other nodes tell."""

_QUEUE: Final = "queue"
"""The note that a job has come to wait, or has ended."""

_USER = re.compile(r"-user:(\d+)-")


def news_of(job: Job) -> Sequence[str]:
    """Return what other nodes are told of a job that was committed here."""
    notes: list[str] = [job.jobid]
    if job.submitted_at is None and job.account_id:
        # it is for the account of another node, or was ended before that has asked it
        notes.append(f"account:{job.account_id}")
    if job.waiting or job.final:
        notes.append(_QUEUE)
    return notes


class Hearing:
    """Looks until cancelled.

    Args: hears: whether notes arrive now; queue_moved: called when a job may have come to wait, or
    made room for one that waits
    """

    def __init__(
        self,
        store: Jobs,
        feed: Feed,
        clock: Clock,
        hears: Callable[[], bool] = lambda: False,
        queue_moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue_moved = queue_moved
        self._store = store
        self._feed = feed
        self._clock = clock
        self._hears = hears
        self._named: set[JobId] = set()
        self._woken = asyncio.Event()

    def heard(self, ids: Collection[str] | None) -> None:
        """Look at the jobs that others have written; None: at all that are waited for."""
        if ids is None or _QUEUE in ids:
            self._queue_moved()
        if ids is None:
            self._named.update(self._feed.awaited)
            self._feed.wake()
            self._woken.set()
            return
        jobids = {JobId(one) for one in ids if one.startswith("job:")}
        users = {int(found[1]) for one in jobids if (found := _USER.search(one))}
        self._feed.wake(jobids | users)
        wanted = jobids.intersection(self._feed.awaited)
        if wanted:
            self._named |= wanted
            self._woken.set()

    async def run(self) -> None:
        """Give jobs to who waits for them until cancelled."""
        while True:
            wait_s = _LOOK_TOLD_S if self._hears() else _LOOK_S
            await race(self._woken.wait(), self._clock.sleep(wait_s))
            if not self._woken.is_set():
                self.heard(None)
            self._woken.clear()
            named, self._named = self._named, set()
            try:
                for jobid in named:
                    job = await self._store.get_job(jobid, None)
                    if job is not None:
                        self._feed.deliver(job)
            except StoreError as error:
                log.warning("hearing.look_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("hearing.look_failed")
