"""Backups: copies of the database, and putting one back.

How it works: a copy is consistent, also of a file that a service writes to. It carries a mark:
opened as the database one day, its leases and jobs are known to be stale (R39). The vault's keys
are in another file, never in a backup (R45).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import apsw

from waystation.errors import Conflict, SchemaMismatch, StoreError
from waystation.store.columns import Row
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.serving import serving
from waystation.store.transactions.restored import COPIED

__all__ = ["Contents", "back_up", "look_into", "put_back"]

_NO_BACKUP = "Name a file that `waystation backup` has written."


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a database."""

    schema: int
    users: int
    accounts: int
    jobs: int
    open_jobs: int
    """Jobs that are not final."""
    check: bytes | None
    """The vault's sealed check value; the key that opens it opens the rest (R45)."""


def back_up(connection: apsw.Connection, target: Path) -> Path:
    """Copy the database as it is now, readable by its owner only, and mark the copy.

    Raises: apsw.Error, OSError: no copy is left
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = _beside(target, "begun")
    try:
        _copy(connection, begun)
        _settle(begun, target)
    except apsw.FullError as error:
        # SQLite says "not an error" of a copy whose disk is full
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
    finally:
        _forget(begun)
    return target


def look_into(path: Path) -> Contents:
    """Read through a copy of a database, changing nothing.

    Raises: StoreError: it is none, or it is damaged
    """
    if path.exists() and not path.is_file():
        # a pipe would be waited for without end
        raise StoreError(f"{path} is no file", details=_NO_BACKUP)
    uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    try:
        connection = apsw.Connection(uri, _READ_ONLY)
    except apsw.Error as error:
        raise StoreError(f"The file {path} cannot be read", details=str(error)) from error
    try:
        damage: list[Row] = connection.execute("pragma quick_check(1)").fetchall()
        if damage != [("ok",)]:
            raise StoreError(f"The file {path} is damaged", details=str(damage[0][0]))
        found: list[Row] = connection.execute(_CONTENTS).fetchall()
    except apsw.Error as error:
        raise StoreError(
            f"The file {path} is no database of Waystation's", details=_NO_BACKUP
        ) from error
    finally:
        connection.close()
    schema, users, accounts, jobs, open_jobs, check = found[0]
    return Contents(schema or 0, users, accounts, jobs, open_jobs, None if check is None else check)


def put_back(backup: Path, database: Path, kept: Path, newest: int) -> Path | None:
    """Put a backup in the place of the database, which is kept as a backup itself.

    A crash leaves the one or the other, whole.

    Args: kept: where the database of now goes; newest: the newest schema that this version knows
    Returns: where it went, None where there was none
    Raises: Conflict: a process serves it; SchemaMismatch: a newer version made the backup;
    StoreError: it cannot be read, or the database not be replaced
    """
    if database.exists() and backup.exists() and backup.samefile(database):
        raise Conflict(f"The file {backup} is the database itself", details=_NO_BACKUP)
    contents = look_into(backup)
    if contents.schema > newest:
        raise SchemaMismatch(
            f"The backup {backup} has schema {contents.schema}, this version knows {newest}: "
            "use the newer Waystation."
        )
    handle = _unserved(database)
    begun = _beside(database, "restoring")
    try:
        before = _keep(database, kept)
        source = apsw.Connection(str(backup), apsw.SQLITE_OPEN_READONLY)
        try:
            _copy(source, begun)
        finally:
            source.close()
        for name in ("-wal", "-shm"):
            database.with_name(database.name + name).unlink(missing_ok=True)
        _settle(begun, database)
    except apsw.BusyError as error:
        raise Conflict(
            f"Another process reads or writes the database {database}",
            details="Let other `waystation` commands end, then restore.",
        ) from error
    except apsw.FullError as error:
        raise StoreError(
            f"The disk of the database {database} has no room for the backup",
            details="Make room, then restore. The database is as it was.",
        ) from error
    except apsw.Error as error:
        raise StoreError(f"The backup {backup} could not be copied", details=str(error)) from error
    except OSError as error:
        raise StoreError(
            f"The database {database} could not be replaced", details=error.strerror
        ) from error
    finally:
        _forget(begun)
        os.close(handle)
    return before


def _keep(database: Path, kept: Path) -> Path | None:
    if not database.exists() or not database.stat().st_size:
        return None
    connection = apsw.Connection(str(database))
    try:
        copied = back_up(connection, kept)
        # all of it is in the file then, so that its log may go
        connection.pragma("journal_mode", "delete")
    finally:
        connection.close()
    return copied


def _unserved(database: Path) -> int:
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return serving(database)
    except Conflict:
        raise Conflict(
            f"A service uses the database {database}",
            details="Stop the service, then restore: its jobs would be written to the old one.",
        ) from None


def _copy(connection: apsw.Connection, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    copy = apsw.Connection(str(target))
    try:
        with copy.backup("main", connection, "main") as pages:
            pages.step()
        # A copy has no log of its own to be forgotten beside it.
        copy.pragma("journal_mode", "delete")
        Database(copy).run("put_meta", {"name": "restored", "value": COPIED})
    finally:
        copy.close()


def _settle(begun: Path, target: Path) -> None:
    """Give a finished file its name, so that it is there whole or not at all."""
    begun.replace(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        # some file systems cannot
        with suppress(OSError):
            os.fsync(directory)
    finally:
        os.close(directory)


def _forget(begun: Path) -> None:
    """Delete an unfinished copy, with the journal that a failed commit leaves beside it."""
    for file in (begun, begun.with_name(begun.name + "-journal")):
        file.unlink(missing_ok=True)


def _beside(path: Path, word: str) -> Path:
    return path.with_name(f".{path.name}.{word}")


_READ_ONLY = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI

_CONTENTS = """
select
  (select max(number) from migrations),
  (select count(*) from users),
  (select count(*) from accounts),
  (select count(*) from jobs),
  (select count(*) from jobs where status not in ('completed', 'moderated', 'failed', 'cancelled')),
  (select value from meta where name = 'vault_check')
"""
