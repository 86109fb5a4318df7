"""Upkeep: statements that keep the database small, and counts."""

from __future__ import annotations

from datetime import datetime

from waystation.ports import Counts
from waystation.store.columns import instant_or_none, micros
from waystation.store.transactions import inputs, keys, search
from waystation.store.transactions.database import Database, Reads

__all__ = ["counts", "foreign_commits", "ping", "purge"]


def purge(
    database: Database,
    jobs_before: datetime,
    unrecognised_before: datetime,
    ghosts_before: datetime,
    seen_before: datetime,
    staged_before: datetime,
    audit_before: datetime,
    keys_before: datetime,
    limit: int,
) -> int:
    """Delete what is old enough and return how many jobs went (R40).

    Ghosts stay at least as long as they are candidates (R19), and slot holders until they let go.
    """
    purged = database.all(
        "purge_jobs",
        {
            "before": micros(jobs_before),
            "ghosts_before": micros(ghosts_before),
            "limit": limit,
        },
    )
    search.forget(database, [jobid for (jobid,) in purged])
    inputs.sweep(database, staged_before)
    keys.purge(database, keys_before)
    database.run("purge_unrecognised", {"before": micros(unrecognised_before)})
    database.run("purge_seen", {"before": micros(seen_before)})
    database.run("purge_mails", {"before": micros(jobs_before)})
    database.run("purge_audit", {"before": micros(audit_before)})
    database.run("purge_former_accounts", {"before": micros(jobs_before)})
    return len(purged)


def counts(reads: Reads) -> Counts:
    """Count what metrics show."""
    totals = reads.one("totals")
    assert totals is not None
    *numbers, job, slot, callback, queued, waiting, commands = totals
    oldest = [instant_or_none(one) for one in (job, slot, callback, queued)]
    return Counts(dict(reads.all("jobs_by_status")), *numbers, *oldest, *[waiting, commands])


def foreign_commits(database: Database) -> int:
    """Return a number that changes when somebody else writes; asked of the writer's connection."""
    row = database.one("foreign_commits")
    assert row is not None
    return int(row[0])


def ping(database: Database, at: datetime, write: bool = True) -> None:
    """Write something new, so that a full or read-only disk shows: SQLite skips equal pages.

    Args: write: False only takes the lock for writing, which every transaction of the writer does
    """
    if write:
        database.run("put_meta", {"name": "ping", "value": at.isoformat()})
