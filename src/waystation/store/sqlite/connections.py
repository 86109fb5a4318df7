"""The connections of one SQLite file, opened together on a schema of this version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import apsw

from waystation.errors import Conflict, StoreError
from waystation.ports import Clock
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import upgrade
from waystation.store.sqlite.moving import check_here

__all__ = ["Connections", "open_connections"]

_IN_MEMORY = 2
"""The number of SQLite's `temp_store` for memory."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The file's connections: who writes, who reads near the event loop, who reads far from it
    and who searches."""

    writer: Database
    near: Database
    far: Database
    search: Database

    def close(self) -> None:
        """Close all, the writer last, so that it can fold the log into the file."""
        self.search.connection.close()
        self.far.connection.close()
        self.near.connection.close()
        self.writer.connection.close()


def open_connections(path: Path, clock: Clock) -> Connections:
    """Make, migrate and connect. Prompts and sealed tokens are the owner's only: mode 0600.

    Raises: StoreError: the file cannot be used; Conflict: it was moved to another database
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        writer = connect(path)
        upgrade(writer, clock, path.parent / "backups")
        try:
            check_here(Database(writer))
        except Conflict:
            writer.close()
            raise
        # the copies of pages that a job's update may have to take back, which a large batch would
        # write to a file; only now, since a migration may need more than fits
        writer.pragma("temp_store", _IN_MEMORY)
        near, far, search = (connect(path, read_only=True) for _ in range(3))
    except (OSError, apsw.Error) as error:
        raise StoreError(f"The database {path} cannot be used.", details=str(error)) from error
    return Connections(Database(writer), Database(near), Database(far), Database(search))
