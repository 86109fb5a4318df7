"""LookUps: for which jobs history is to be read, and for which it was read.

It is read before somebody is judged, where two answers cannot be told apart, and for a running job
of which nothing is heard: Discord may have lost the events, or never sent them (R51).

Reading takes its time, and everything else goes on meanwhile. So each wish is counted with the
reading that was under way when it came: a later one fulfils it, that one does not (R28).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.answers import in_history

__all__ = ["LookUps"]

_NEAR = 0.75
"""Of a span: jobs that have been silent for so much of it are read for with the others."""


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

    def silent_at(self, job: Job, span: timedelta) -> datetime | None:
        """Return when history is read for a job of which nothing is heard (R51).

        Args: span: of the first silence; each later one is twice as long
        Returns: None where it is to be read anyway, or does not have what the job waits for
        """
        if job.submitted_at is None or job.final or job.jobid in self._wanted:
            return None
        if not in_history(job):
            return None
        return _heard_at(job) + self._silence(job, span)

    def unheard(
        self, jobs: Iterable[Job], now: datetime, span: timedelta
    ) -> tuple[Sequence[JobId], Sequence[JobId]]:
        """Return the jobs for which history is read now, and those whose silence is a new one.

        One read does for all: where one job's silence is over, that of others nearly is.
        """
        moments = [(job, at) for job in jobs if (at := self.silent_at(job, span)) is not None]
        if not any(at <= now for _, at in moments):
            return (), ()
        near = [job for job, _ in moments if self._is_near(job, now, span)]
        new = [job.jobid for job in near if self._silence(job, span) == span]
        return [job.jobid for job in near], new

    def _is_near(self, job: Job, now: datetime, span: timedelta) -> bool:
        return now - _heard_at(job) >= _NEAR * self._silence(job, span)

    def _silence(self, job: Job, span: timedelta) -> timedelta:
        """Return how long nothing may be heard of a job until history is read."""
        looked = self._done.get(job.jobid)
        while looked is not None and looked - _heard_at(job) >= _NEAR * span:
            span *= 2
        return span

    def forget(self, jobid: JobId) -> None:
        """Forget a job."""
        for of_jobs in (self._wanted, self._due, self._done):
            of_jobs.pop(jobid, None)


def _heard_at(job: Job) -> datetime:
    """Return when something new was last seen of an asked job."""
    return max(job.updated_at, job.submitted_at or job.updated_at)
