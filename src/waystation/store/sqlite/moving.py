"""Moving: a SQLite database as it is read for another one, while nothing writes to it.

How it works: the lock of the serving process and SQLite's lock for writing are held to the end. So
no service runs meanwhile, no command writes, and all tables are of one moment. Before the other
database commits, a mark in `meta` says where the rows are now: `open_connections` refuses a
database with that mark, and the writer of a command that waited for the lock meanwhile. A process
that is killed in between leaves the mark and an empty target; the move can then be run again.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from waystation.errors import Conflict, SchemaMismatch
from waystation.store.columns import Row, Value
from waystation.store.folding import folded
from waystation.store.moving import DERIVED, MOVED_TO
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrations, schema_number
from waystation.store.sqlite.serving import serving

__all__ = ["SqliteOrigin", "check_here", "moved_to", "opened_to_move"]

_TABLES: Final = """
select l.name, c.name from pragma_table_list as l join pragma_table_info(l.name) as c
where l.schema = 'main' and l.type = 'table' and l.name not like 'sqlite_%'
"""

_TEXTS: Final = """
select job_finds.number, jobs.params from job_finds join jobs using (jobid)
order by job_finds.number
"""

_AGAIN: Final = "To use the file itself again, run `waystation restored`: it ends its open jobs."


class SqliteOrigin:
    """`moving.Origin` on a connection that holds the lock for writing."""

    def __init__(self, connection: apsw.Connection, place: str) -> None:
        """Args: place: where the rows go, without a password"""
        self._connection = connection
        self._place = place
        self._database = Database(connection)

    @property
    def check(self) -> bytes | None:
        """The vault's sealed check value; None before the first start."""
        row = self._database.one("meta", {"name": "vault_check"})
        return None if row is None else bytes(row[0])

    def tables(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {DERIVED: {"number", "prompt"}}
        for table, column in self._connection.execute(_TABLES):
            found.setdefault(str(table), set()).add(str(column))
        return {table: frozenset(columns) for table, columns in found.items()}

    def rows(self, table: str, columns: Iterable[str]) -> Iterator[Row]:
        if table == DERIVED:
            return self._texts(list(columns))
        named = ", ".join(_quoted(one) for one in columns)
        query = f"select {named} from {_quoted(table)}"  # noqa: S608
        if table == "meta":
            read = self._connection.cursor().execute(f"{query} where name <> ?", (MOVED_TO,))
            return (tuple(_in_meta(value) for value in row) for row in read)
        read = self._connection.cursor().execute(query)
        return (tuple(_as_text(value) for value in row) for row in read)

    def greatest(self, table: str) -> int:
        query = "select seq from sqlite_sequence where name = ?"
        found: list[Row] = self._connection.execute(query, (table,)).fetchall()
        return found[0][0] if found else 0

    def leave(self) -> None:
        self._database.run("put_meta", {"name": MOVED_TO, "value": self._place})
        self._connection.execute("commit")

    def stay(self) -> None:
        self._database.run("drop_meta", {"name": MOVED_TO})

    def _texts(self, columns: list[str]) -> Iterator[Row]:
        for number, params in self._connection.cursor().execute(_TEXTS):
            prompt = json.loads(params or "{}").get("prompt")
            if isinstance(prompt, str) and prompt:
                found = {"number": number, "prompt": _as_text(folded(prompt))}
                yield tuple(found[name] for name in columns)


@contextmanager
def opened_to_move(path: Path, place: str) -> Iterator[SqliteOrigin]:
    """Open a database that is there, and keep everybody from changing it.

    Args: place: where it goes
    Raises: Conflict: a service uses it, or it was moved elsewhere; SchemaMismatch; apsw.Error
    """
    try:
        handle = serving(path)
    except Conflict:
        raise Conflict(
            f"A service uses the database {path}",
            details="Stop the service, then move: its jobs go on from the new database.",
        ) from None
    try:
        connection = connect(path)
        try:
            _check(connection, path)
            connection.execute("begin immediate")
            before = moved_to(Database(connection))
            if before not in (None, place):
                raise Conflict(f"The database {path} was moved to {before} already", details=_AGAIN)
            yield SqliteOrigin(connection, place)
        finally:
            if connection.in_transaction:
                connection.execute("rollback")
            connection.close()
    except apsw.BusyError as error:
        raise Conflict(
            f"Another process writes to the database {path}",
            details="Let other `waystation` commands end, then move.",
        ) from error
    finally:
        os.close(handle)


def moved_to(database: Database) -> str | None:
    """Return where a database was moved, None where it was not."""
    row = database.one("meta", {"name": MOVED_TO})
    return None if row is None else str(row[0])


def check_here(database: Database) -> None:
    """Refuse a database whose jobs go on elsewhere. Raises: Conflict."""
    place = moved_to(database)
    if place is not None:
        raise Conflict(
            f"The database {database.connection.filename} was moved to {place}",
            details="Set WAYSTATION_DATABASE_URL to that database. If `waystation migrate --to` "
            "was broken off, run it again.",
        )


def _check(connection: apsw.Connection, path: Path) -> None:
    found, known = schema_number(connection), migrations()[-1].number
    if found < known:
        raise SchemaMismatch(
            f"The database {path} has schema {found}, this version needs {known}: start this "
            "version's service on it once, or run `waystation migrate`; then move."
        )
    if found > known:
        raise SchemaMismatch(
            f"The database {path} has schema {found}, this version knows {known}: "
            "use the newer Waystation."
        )


def _as_text(value: Value) -> Value:
    """Return a value as PostgreSQL takes it: it has no character of number 0."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _in_meta(value: Value) -> Value:
    """Return a value of `meta`, which is text on PostgreSQL."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return _as_text(value if isinstance(value, str) else str(value))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
