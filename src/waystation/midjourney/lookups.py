"""LookUps: for which jobs history is to be read, and for which it was read.

Reading takes its time, and everything else goes on meanwhile. So each wish is counted with the
reading that was under way when it came: a later one fulfils it, that one does not (R28).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.edits import in_history

__all__ = ["LookUps"]


class LookUps:
    """The look-ups of one conversation."""

    def __init__(self) -> None:
        self._begun = 0
        """How many readings have begun; they follow one another."""
        self._wanted: dict[JobId, int] = {}
        self._due: dict[JobId, int] = {}
        """Wishes by job, each with the number of readings that had begun; due: to be judged."""
        self._done: dict[JobId, datetime] = {}
        """When the last finished reading began."""

    def want(self, jobids: Iterable[JobId], *, is_due: bool) -> None:
        """Take the wish that history is read for these jobs; an older wish of theirs stays."""
        for jobid in jobids:
            self._wanted.setdefault(jobid, self._begun)
            if is_due:
                self._due.setdefault(jobid, self._begun)

    def begin(self) -> None:
        """Count a reading that begins for all who want one by now."""
        self._begun += 1

    def done(self, jobids: Iterable[JobId], began_at: datetime) -> None:
        """Take the end of a reading for these jobs, successful or given up."""
        for jobid in jobids:
            self._done[jobid] = began_at
            for wishes in (self._wanted, self._due):
                if wishes.get(jobid, self._begun) < self._begun:
                    del wishes[jobid]

    def under_way(self, jobids: Iterable[str]) -> bool:
        """Tell whether history is still to be read for one of these."""
        return not self._wanted.keys().isdisjoint(jobids)

    def judges(self, jobid: JobId) -> bool:
        """Tell whether history is still to be read before a job that is due is judged."""
        return jobid in self._due

    def needed(self, job: Job, due: datetime) -> bool:
        """Tell whether history must be read before a job is judged that is due since then."""
        looked = self._done.get(job.jobid)
        asked = job.status is not JobStatus.CREATED
        return asked and in_history(job) and (looked is None or looked < due)

    def forget(self, jobid: JobId) -> None:
        """Forget a job."""
        for of_jobs in (self._wanted, self._due, self._done):
            of_jobs.pop(jobid, None)
