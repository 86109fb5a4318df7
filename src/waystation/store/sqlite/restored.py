"""Restored: a SQLite file that its operator declares to be a copy of an earlier moment (R39)."""

from __future__ import annotations

import os
from pathlib import Path

from waystation.errors import Conflict
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.serving import serving
from waystation.store.transactions.restored import declare_copied

__all__ = ["declare"]


def declare(path: Path) -> None:
    """Mark a database, so that the next start ends its open jobs, and let it be served again.

    Raises: Conflict: a service uses it; apsw.Error
    """
    try:
        handle = serving(path)
    except Conflict:
        raise Conflict(
            f"A service uses the database {path}",
            details="Stop the service, then run the command again.",
        ) from None
    try:
        connection = connect(path)
        try:
            declare_copied(Database(connection), kept=int)
        finally:
            connection.close()
    finally:
        os.close(handle)
