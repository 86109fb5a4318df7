"""Idempotency keys: which job a caller's earlier request made (R11).

A key is a row in the transaction of its job, so that of two requests with one key one makes a job.
What made no job has no row. A job that Discord refused with 429 gives its key back, and so does
time: then the row is written anew.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from waystation.jobs import JobId
from waystation.ports import KeyTaken, RequestKey
from waystation.store.columns import Values, micros
from waystation.store.transactions.database import Database, Reads

__all__ = ["KEY_LIFE", "holder", "purge", "take", "values_of"]

KEY_LIFE: Final = timedelta(hours=24)
"""How long a key stands for its job (R11)."""


def holder(reads: Reads, values: Values) -> KeyTaken | None:
    """Return who holds a key; None when it is free. Args: values: of `values_of`"""
    row = reads.one("key_holder", values)
    return None if row is None else KeyTaken(JobId(row[0]), bytes(row[1]))


def take(database: Database, user_id: int, key: RequestKey, jobid: JobId, at: datetime) -> None:
    """Give a free key to a new job."""
    taken: Values = {"jobid": jobid, "digest": key.digest, "at": micros(at)}
    database.later("take_key", {**values_of(user_id, key, at), **taken})


def values_of(user_id: int, key: RequestKey, at: datetime) -> Values:
    """Return the values that name a key, and from when on it must have been taken."""
    return {
        "user_id": user_id,
        "route": key.route,
        "key": key.key,
        "after": micros(at - KEY_LIFE),
    }


def purge(database: Database, before: datetime) -> None:
    """Delete keys that are older than that."""
    database.run("purge_keys", {"before": micros(before)})
