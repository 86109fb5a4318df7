"""The schema's versions: numbered files, applied in order, forward only.

How it works: table `migrations` says which files were applied. A database that is not new is
backed up first (backup.py). Each file after `ADDS_SINCE` only adds: what was sent under the version
before goes on (ADR 38).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw
import structlog

from waystation.errors import SchemaMismatch
from waystation.ports import Clock
from waystation.store.columns import Row, micros
from waystation.store.migrations import Migration, migrations_of
from waystation.store.sqlite.backup import back_up
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.serving import unserved
from waystation.store.transactions.restored import settle_epochs

__all__ = [
    "ADDS_SINCE",
    "Migration",
    "backup_name",
    "migrate",
    "migrations",
    "schema_number",
    "upgrade",
]

log = structlog.get_logger("waystation.store")

ADDS_SINCE: Final = 37
"""Schema whose rows each later version reads as they are. From an older one jobs that were sent end
(R39)."""


def migrations() -> tuple[Migration, ...]:
    """Return every migration this code knows, in order."""
    return migrations_of("waystation.store.sqlite")


def schema_number(connection: apsw.Connection) -> int:
    """Return the number of the newest migration applied, 0 for an empty database."""
    table = "select 1 from sqlite_schema where type = 'table' and name = 'migrations'"
    if not connection.execute(table).fetchall():
        return 0
    rows: list[Row] = connection.execute("select max(number) from migrations").fetchall()
    return rows[0][0] or 0


def upgrade(connection: apsw.Connection, clock: Clock, backups: Path) -> None:
    """Migrate as the service does at its start, and log it where there was anything to do."""
    began, before = clock.now(), schema_number(connection)
    backup = migrate(connection, began, backups)
    after = schema_number(connection)
    if 0 < before < after:
        log.info(
            "store.migrated",
            database=connection.filename,
            from_schema=before,
            to_schema=after,
            seconds=round((clock.now() - began).total_seconds(), 1),
            backup=str(backup),
        )


def migrate(
    connection: apsw.Connection,
    at: datetime,
    backups: Path | None,
    steps: tuple[Migration, ...] | None = None,
) -> Path | None:
    """Bring the schema up to this code and note what a restored copy needs.

    Args: backups: where the copy of an older database goes; None makes none
    Returns: the backup made, None when none was needed
    Raises: SchemaMismatch: a newer version made the database; Conflict: an older one serves it
    """
    steps = migrations() if steps is None else steps
    if not 0 < _checked_number(connection, steps) < steps[-1].number:
        _bring(connection, at, steps)
        return None
    with unserved(Path(connection.filename)):
        name = backup_name(connection, at)
        backup = None if backups is None else back_up(connection, backups / name)
        _bring(connection, at, steps)
    return backup


def _bring(connection: apsw.Connection, at: datetime, steps: tuple[Migration, ...]) -> None:
    with _transaction(connection):
        # Read again under the lock: another process may have migrated meanwhile.
        applied = _checked_number(connection, steps)
        for step in steps:
            if step.number > applied:
                _apply(connection, step, at)
        settle_epochs(
            Database(connection), at, migrated=0 < applied < min(ADDS_SINCE, steps[-1].number)
        )


def backup_name(connection: apsw.Connection, at: datetime) -> str:
    """Return the name of the backup that is made now: moment and schema."""
    return f"waystation-{at:%Y%m%dT%H%M%S%f}Z-schema{schema_number(connection)}.db"


def _checked_number(connection: apsw.Connection, steps: tuple[Migration, ...]) -> int:
    number = schema_number(connection)
    if number > steps[-1].number:
        raise SchemaMismatch(
            f"The database has schema {number}, this version knows {steps[-1].number}: "
            "use the newer Waystation, or the backup it made."
        )
    return number


def _apply(connection: apsw.Connection, step: Migration, at: datetime) -> None:
    connection.execute(
        "create table if not exists migrations ("
        "number integer primary key, name text not null, applied_at integer not null) strict"
    )
    connection.execute(step.script)
    connection.execute(
        "insert into migrations (number, name, applied_at) values (?, ?, ?)",
        (step.number, step.name, micros(at)),
    )


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    finally:
        if connection.in_transaction:
            connection.execute("rollback")
