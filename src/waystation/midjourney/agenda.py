"""Agenda: which jobs must be looked at when, however many ghosts there are.

How it works: unfinished jobs are few, bounded by slots and lanes, and when they are due may hang on
what others say; they are looked at one by one. Ghosts stay for a day and may be many thousands, but
each is due at a moment of its own: they wait in a heap, and only those that are due are looked at.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime

from waystation.jobs import Job, JobId
from waystation.midjourney.deadlines import Limits, due_at

__all__ = ["Agenda"]


class Agenda:
    """The jobs of one conversation by when they are due."""

    def __init__(self, limits: Limits, jobs: Iterable[Job] = ()) -> None:
        self._limits = limits
        self._open: dict[JobId, Job] = {}
        self._slots: dict[JobId, Job] = {}
        self._ghosts: dict[JobId, tuple[datetime, Job]] = {}
        self._heap: list[tuple[datetime, JobId]] = []
        """Of the ghosts; what does not say what `_ghosts` says is over."""
        for job in jobs:
            self.put(job)

    @property
    def open(self) -> Sequence[Job]:
        """The jobs that are not final."""
        return tuple(self._open.values())

    @property
    def holding(self) -> Sequence[Job]:
        """The jobs that are not final or hold a slot."""
        return tuple((self._open | self._slots).values())

    def put(self, job: Job) -> None:
        """Take in a job, again after each change."""
        self._slots.pop(job.jobid, None)
        if job.slot:
            self._slots[job.jobid] = job
        if not job.final:
            self._open[job.jobid] = job
            return
        self._open.pop(job.jobid, None)
        due = due_at(job, self._limits, caught_up=True)
        if due is None:
            self._ghosts.pop(job.jobid, None)
            return
        known = self._ghosts.get(job.jobid)
        self._ghosts[job.jobid] = (due, job)
        if known is None or known[0] != due:
            heapq.heappush(self._heap, (due, job.jobid))

    def drop(self, jobid: JobId) -> None:
        """Forget a job."""
        for jobs in (self._open, self._slots, self._ghosts):
            jobs.pop(jobid, None)

    def next_ghost(self) -> datetime | None:
        """Return when the first ghost is due."""
        while self._heap and not self._is_current(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due_ghosts(self, now: datetime) -> Sequence[Job]:
        """Return the ghosts that are due, the first first; they stay until they change."""
        due: list[tuple[datetime, JobId]] = []
        while (first := self.next_ghost()) is not None and first <= now:
            one = heapq.heappop(self._heap)
            # one that was dropped and put again stands there twice
            if one not in due[-1:]:
                due.append(one)
        for one in due:
            heapq.heappush(self._heap, one)
        return tuple(self._ghosts[jobid][1] for _, jobid in due)

    def _is_current(self, due: datetime, jobid: JobId) -> bool:
        known = self._ghosts.get(jobid)
        return known is not None and known[0] == due
