"""Inputs of jobs as rows: written with the job or just before it, deleted once it was asked.

How it works: small inputs are written in the transaction of their job. Of large ones a head is
written first, which takes the room of the user's share; then each part in a transaction of its own,
so that none holds the writer for long; then the job's transaction takes the head over. A crash in
between leaves a head without a job, which is swept, and never a job without its inputs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from waystation.errors import StoreError
from waystation.jobs import JobId
from waystation.ports import JobInputs
from waystation.store.columns import Values, micros
from waystation.store.transactions.database import Database, Reads

__all__ = [
    "STAGED_AGE",
    "add_part",
    "attach",
    "begin",
    "drop",
    "fits",
    "of_job",
    "part",
    "sweep",
    "waiting_bytes",
]

STAGED_AGE: Final = timedelta(minutes=10)
"""Age from which on inputs without a job are a crash's: to write them takes seconds."""


def waiting_bytes(reads: Reads, user_id: int) -> int:
    """Return how many bytes of pictures a user has waiting to be sent."""
    row = reads.one("waiting_bytes", {"user_id": user_id})
    assert row is not None
    return int(row[0])


def fits(database: Database, user_id: int, given: JobInputs, most_bytes: int) -> bool:
    """Tell whether a user has room for inputs; those that were begun have theirs already."""
    return given.staged or waiting_bytes(database, user_id) + given.size <= most_bytes


def begin(
    database: Database, user_id: int, given: JobInputs, at: datetime, most_bytes: int
) -> bool:
    """Write a head before its job; False when the user has no room, and nothing was written."""
    database.lock(users=[user_id])
    if waiting_bytes(database, user_id) + given.size > most_bytes:
        return False
    database.run("insert_inputs", _head(user_id, given, None, at))
    return True


def add_part(database: Database, input_id: str, number: int, sealed: bytes) -> None:
    """Write one part, counted from 0."""
    database.later("insert_input_part", {"input_id": input_id, "number": number, "sealed": sealed})


def attach(database: Database, user_id: int, given: JobInputs, jobid: JobId, at: datetime) -> None:
    """Give a new job its inputs. Raises: StoreError: they were begun and are gone."""
    if given.staged:
        if not database.run("take_inputs_over", {"input_id": given.input_id, "jobid": jobid}):
            raise StoreError("The job's inputs were swept before it was accepted.")
        return
    database.later("insert_inputs", _head(user_id, given, jobid, at))
    for number, sealed in enumerate(given.parts):
        add_part(database, given.input_id, number, sealed)


def drop(database: Database, input_id: str) -> None:
    """Delete inputs that no job took over."""
    database.run("drop_inputs", {"input_id": input_id})


def sweep(database: Database, before: datetime | None) -> None:
    """Delete inputs without a job that were begun before a moment; None: however young."""
    database.run("sweep_inputs", {"before": None if before is None else micros(before)})


def of_job(reads: Reads, jobid: str) -> JobInputs | None:
    """Return a job's inputs without their parts."""
    row = reads.one("inputs_of_job", {"jobid": jobid})
    return None if row is None else JobInputs(row[0], bytes(row[1]), row[2])


def part(reads: Reads, input_id: str, number: int) -> bytes | None:
    """Return one part, None behind the last."""
    row = reads.one("input_part", {"input_id": input_id, "number": number})
    return None if row is None else bytes(row[0])


def _head(user_id: int, given: JobInputs, jobid: JobId | None, at: datetime) -> Values:
    return {
        "input_id": given.input_id,
        "user_id": user_id,
        "jobid": jobid,
        "bytes": given.size,
        "at": micros(at),
        "plan": given.plan,
    }
