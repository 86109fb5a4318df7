"""Moving: a PostgreSQL database that takes the tables of another one.

How it works: one transaction makes the schema, copies each table, reads it back and compares the
sums. It holds the lock of migrations, so that a service that starts meanwhile waits for its end.
The schema itself names the tables, their columns, and which table refers to which: a table of a
later migration is copied, too. Triggers rest meanwhile, because their rows are copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg

from waystation.errors import Conflict, StoreError
from waystation.store.moving import LEFT, PIECE_BYTES, Origin, Sum, in_order, pieces
from waystation.store.postgresql.failures import OLDEST, not_opened, too_old, version_of
from waystation.store.postgresql.migrate import LOCK, bring, schema_number
from waystation.store.postgresql.place import place_of
from waystation.store.postgresql.tries import UNUSABLE, is_lost

__all__ = ["receive"]

_COLUMNS: Final = """
select c.table_name, c.column_name, c.is_identity = 'YES'
from information_schema.columns as c join information_schema.tables as t
  using (table_schema, table_name)
where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
order by c.table_name, c.ordinal_position
"""

_REFERENCES: Final = """
select conrelid::regclass::text, confrelid::regclass::text from pg_constraint where contype = 'f'
"""

_NUMBERED: Final = (
    "select setval(pg_get_serial_sequence($1, $2), greatest($3, coalesce(max({}), 0), 1),"
    " greatest($3, coalesce(max({}), 0)) > 0) from {}"
)

_FEW_ROWS: Final = 1_000
"""Rows that are read back at once, where they are small."""


class _Table(NamedTuple):
    """A table that is copied."""

    name: str
    columns: tuple[str, ...]
    identity: str | None
    """The column whose numbers the database gives."""

    @property
    def selected(self) -> str:
        """The query that reads it back; the database itself has written `server` into `meta`."""
        named = ", ".join(_quoted(one) for one in self.columns)
        query = f"select {named} from {_quoted(self.name)}"  # noqa: S608
        return f"{query} where name <> 'server'" if self.name == "meta" else query


async def receive(
    url: str,
    origin: Origin,
    at: datetime,
    *,
    connect_s: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Mapping[str, Sum]:
    """Copy all tables of a database into an empty one, and compare them.

    Args: told: called with the name of each table that begins
    Returns: the sum of each table
    Raises: Conflict: the database is not empty; StoreError: it cannot be used, or a table differs;
    either way nothing was moved, unless the error says that the answer to the commit was lost
    """
    timeout = {} if connect_s is None else {"timeout": connect_s}
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0, **timeout)
        try:
            major, version = version_of(connection)
            if major < OLDEST:
                raise too_old(url, version)
            transaction = connection.transaction()
            await transaction.start()
            try:
                sums = await _copied(connection, url, origin, at, told)
            except BaseException:
                await transaction.rollback()
                raise
            await _committed(transaction, origin, url)
            return sums
        finally:
            await connection.close()
    except (*UNUSABLE, ValueError) as error:
        raise not_opened(url, error) from error


async def _committed(transaction: Any, origin: Origin, url: str) -> None:
    """Commit after the origin has written down where the rows are now."""
    try:
        origin.leave()
    except BaseException:
        await transaction.rollback()
        raise
    try:
        await transaction.commit()
    except UNUSABLE as error:
        if is_lost(error):
            raise StoreError(
                f"The answer of {place_of(url).server} to the last step was lost",
                details="Run the same command again: it says that the target is not empty if the "
                "database was moved, and moves it if it was not.",
            ) from error
        origin.stay()
        raise


async def _copied(
    connection: Any, url: str, origin: Origin, at: datetime, told: Callable[[str], None]
) -> Mapping[str, Sum]:
    await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
    await _set_up(connection, url, at)
    theirs = origin.tables()
    tables = await _tables(connection)
    _check_tables(tables, theirs)
    sums: dict[str, Sum] = {}
    await connection.execute("delete from meta where name <> 'server'")
    for name in in_order(await _references(connection, tables)):
        told(name)
        table = tables[name]
        await connection.execute(f"alter table {_quoted(name)} disable trigger user")
        sent = await _send(connection, table, origin)
        await connection.execute(f"alter table {_quoted(name)} enable trigger user")
        found = await _read_back(connection, table, sent.widest)
        if found != sent:
            raise StoreError(
                f"The table {name} differs after it was copied: {sent} were read, {found} written",
                details="Nothing was moved. Look at both disks, then run the command again.",
            )
        sums[name] = found
        await connection.execute(f"analyze {_quoted(name)}")
    return sums


async def _set_up(connection: Any, url: str, at: datetime) -> None:
    """Make the schema in an empty database."""
    full = Conflict(
        f"The database {place_of(url)} is not empty",
        details="Make a new one with `createdb`, and name it.",
    )
    if await schema_number(connection):
        raise full
    try:
        await bring(connection, at)
    except asyncpg.DuplicateTableError as error:
        raise full from error


async def _tables(connection: Any) -> dict[str, _Table]:
    found: dict[str, _Table] = {}
    for name, column, is_identity in await connection.fetch(_COLUMNS):
        if name not in LEFT:
            _, columns, identity = found.get(name, (name, (), None))
            found[name] = _Table(name, (*columns, column), column if is_identity else identity)
    return found


async def _references(connection: Any, tables: Mapping[str, _Table]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in tables}
    for name, other in await connection.fetch(_REFERENCES):
        if name in found and other in found:
            found[name].append(other)
    return found


def _check_tables(ours: Mapping[str, _Table], theirs: Mapping[str, frozenset[str]]) -> None:
    """Make sure that no table and no column is forgotten. Raises: StoreError."""
    missing = sorted(theirs.keys() - ours.keys() - LEFT.keys())
    missing += sorted(ours.keys() - theirs.keys())
    for table in ours.values():
        missing += [
            f"{table.name}.{column}"
            for column in table.columns
            if column not in theirs.get(table.name, table.columns)
        ]
    if missing:
        raise StoreError(
            f"The databases have no place for each other's {', '.join(missing)}",
            details="Nothing was moved. Report this: the migrations of both databases differ.",
        )


async def _send(connection: Any, table: _Table, origin: Origin) -> Sum:
    sent = Sum()
    for piece in pieces(origin.rows(table.name, table.columns)):
        for row in piece:
            sent.add(row)
        await connection.copy_records_to_table(table.name, records=piece, columns=table.columns)
    if table.identity is not None:
        column = _quoted(table.identity)
        numbered = _NUMBERED.format(column, column, _quoted(table.name))
        await connection.fetchval(numbered, table.name, table.identity, origin.greatest(table.name))
    return sent


async def _read_back(connection: Any, table: _Table, widest: int) -> Sum:
    found = Sum()
    at_once = max(1, min(_FEW_ROWS, PIECE_BYTES // widest))
    async for row in connection.cursor(table.selected, prefetch=at_once):
        found.add(tuple(row))
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
