"""The users' search for jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from waystation.jobs import Job, JobStatus

__all__ = ["JobSearch", "JobsFound", "Search"]


@dataclass(frozen=True, slots=True)
class JobSearch:
    """The jobs that a user looks for; None: any. Times are milliseconds of the jobid since 1970."""

    user_id: int
    limit: int
    text: str | None = None
    """At least three characters that the prompt holds, whatever their case."""
    statuses: Sequence[JobStatus] = ()
    """One of these; empty: any."""
    verb: str | None = None
    channel: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    """The first moment after the range."""
    below_ms: int | None = None
    """The end of the page before: what is found is older."""


@dataclass(frozen=True, slots=True)
class JobsFound:
    """A page of jobs, the newest first."""

    jobs: Sequence[Job]
    next_ms: int | None
    """The `below_ms` of the next page; None after the last one. A page may hold few jobs, or none,
    and not be the last."""
    complete: bool
    """False while older jobs are still being made findable."""


class Search(Protocol):
    """Search: a user's jobs by what they say."""

    async def find(self, search: JobSearch) -> JobsFound:
        """Return a page of a user's jobs, the newest first; of nobody else's."""
        ...

    async def index_older(self, limit: int) -> bool:
        """Make so many jobs findable that an older version has written; True: there may be more."""
        ...
