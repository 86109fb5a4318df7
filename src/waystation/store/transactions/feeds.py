"""StoreFeeds: the events of all jobs of a user in one order, for readers that come again.

How it works: a commit gives each event that callers are told the next number of its user, under
the user's row and in the transaction of the event (R37), so that what is committed later has a
greater number and a reader who goes on from a number skips nothing. Rows go along with their job;
a trigger keeps the greatest number that went.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from waystation.jobs import Job, JobEvent
from waystation.ports import FeedEvent, FeedPage, JobChange
from waystation.store.columns import Values, micros
from waystation.store.rows import event_of, event_values
from waystation.store.transactions.database import Database, Reading, Reads
from waystation.telling import Created, beginning, told

__all__ = ["StoreFeeds", "add", "begin", "begin_era", "note"]


JobOf = Callable[[Reads, str, int], Job | None]
"""Reads a job of a user by its jobid."""


class StoreFeeds:
    """`ports.Feeds` on a door of reads."""

    def __init__(self, near: Reading, job_of: JobOf) -> None:
        self._near = near
        self._job_of = job_of

    async def after(self, user_id: int, place: int, limit: int) -> FeedPage:
        return await self._near.run(lambda reads: page(reads, self._job_of, user_id, place, limit))


def page(reads: Reads, job_of: JobOf, user_id: int, place: int, limit: int) -> FeedPage:
    """Return a user's events after a place."""
    values: Values = {"user_id": user_id, "place": place, "limit": limit}
    state = reads.one("feed_state", values)
    if state is None:
        return FeedPage("", 0, 0, ())
    events = []
    for number, jobid, kind, body in reads.all("feed_after", values):
        job = job_of(reads, jobid, user_id)
        if job is not None:
            event = _beginning(reads, job) if kind is None else event_of(kind, body)
            events.append(FeedEvent(number, event, job))
    era, purged, last = state
    return FeedPage(era, purged, last, events)


def _beginning(reads: Reads, job: Job) -> Created:
    rows = reads.all("events_after", {"jobid": job.jobid, "number": 0})
    return beginning([(number, event_of(kind, body)) for number, kind, body in rows], job)


def begin(database: Database, job: Job) -> None:
    """Give the beginning of a new job its place: an event without a row, with number 0."""
    _place(database, job, [0])


def add(database: Database, changes: Sequence[JobChange]) -> None:
    """Give the events of a change that callers are told their places.

    Users are taken in one order, before their jobs: where rows are locked, nobody waits in a ring.
    """
    for change in sorted(changes, key=lambda change: change.job.user_id):
        job = change.job
        first = job.version - len(change.events) + 1
        numbers = [number for number, _ in told(list(enumerate(change.events, first)), job)]
        if numbers:
            _place(database, job, numbers)


def _place(database: Database, job: Job, numbers: Sequence[int]) -> None:
    values: Values = {"user_id": job.user_id, "jobid": job.jobid, "numbers": json.dumps(numbers)}
    database.later("place_events", values)


def note(database: Database, job: Job, events: Sequence[JobEvent], at: datetime) -> None:
    """Write the events after which a job is as it is, numbered by its versions (R37)."""
    for number, event in enumerate(events, job.version - len(events) + 1):
        values: Values = {"jobid": job.jobid, "number": number, "at": micros(at)}
        database.later("insert_event", {**values, **event_values(event)})


def begin_era(database: Database) -> None:
    """Let every place that was given so far mean nothing (R37): the database is a restored copy."""
    database.run("begin_feed_era")
