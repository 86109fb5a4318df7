"""Serving: the lock beside the database file that only one serving process holds (R39).

The lock is the operating system's: a process that is killed lets go at once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waystation.errors import Conflict

__all__ = ["serving", "unserved"]


def serving(database: Path) -> int:
    """Take the lock; closing the returned handle gives it back. Raises: Conflict: it is taken."""
    beside = database.with_name(database.name + ".serve")
    handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Conflict(
            f"Another process serves the database {database} already",
            details="Stop it, or set WAYSTATION_DATA_DIR to another directory.",
        ) from None
    return handle


@contextmanager
def unserved(database: Path) -> Iterator[None]:
    """Do something while no process serves the database, and none begins to.

    Raises: Conflict: one does
    """
    try:
        handle = serving(database)
    except Conflict:
        raise Conflict(
            f"A service of another version uses the database {database}; the schema must change",
            details="Stop that service first.",
        ) from None
    try:
        yield
    finally:
        os.close(handle)
