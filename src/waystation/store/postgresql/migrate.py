"""The schema's versions on PostgreSQL: numbered files, applied in order, forward only.

How it works: table `migrations` says which files were applied. All that are missing run in one
transaction, under a lock that other processes wait for. Each file but the first only adds, so that
nodes of the version before go on beside it, with their leases, epochs and jobs (ADR 38). A table
that others use is waited for in short pieces: whoever waits for it holds up all that come later.

A copy is noticed by what a restore cannot keep: `pg_restore` makes the table `meta` anew, a copy of
the database has another number, a server that was rolled back another timeline or identifier. A
standby that was promoted under running nodes has another timeline, too; there a lease is renewed,
and nothing is a copy.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

import asyncpg
import structlog

from waystation.errors import SchemaMismatch
from waystation.store.columns import micros
from waystation.store.migrations import Migration, migrations_of
from waystation.store.postgresql.bridge import bridged
from waystation.store.postgresql.database import Database, queries
from waystation.store.postgresql.failures import OLDEST, not_opened, too_old, version_of
from waystation.store.postgresql.marks import FORGET_OLD
from waystation.store.postgresql.named import CLOCK
from waystation.store.postgresql.tries import UNUSABLE
from waystation.store.transactions.restored import settle_epochs

_DATABASE: Final = (
    "select oid || ':' || 'meta'::regclass::oid from pg_database where datname = current_database()"
)
_SYSTEM: Final = (
    "select system_identifier || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
    " from pg_control_system()"
)

_TABLE_MS: Final = 2_000
"""How long a step waits for a table that others use, and others behind it."""

_TRIES: Final = 15
"""How often the steps begin anew; a frozen node lets go of its rows after 5 s."""

_PAUSE_S: Final = 1.0

_LOOK_S: Final = 0.25
"""Time between two looks whether a lease is renewed."""

LEASES: Final = f"select node_id, lease_until from nodes where lease_until > {CLOCK}"  # noqa: S608
"""Statement that gives the leases that run."""

_HINDERED: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

__all__ = ["LEASES", "LOCK", "bring", "migrate", "migrations", "schema_number", "server_of"]

log = structlog.get_logger("waystation.store")

LOCK: Final = 0x57415953
"""Number of the lock: `WAYS`. It ends with its transaction, so that a pooler may stand between."""


def migrations() -> tuple[Migration, ...]:
    """Return every migration this code knows, in order."""
    return migrations_of("waystation.store.postgresql")


async def schema_number(connection: Any) -> int:
    """Return the number of the newest migration applied, 0 for an empty database."""
    if await connection.fetchval("select to_regclass('migrations')") is None:
        return 0
    return await connection.fetchval("select max(number) from migrations") or 0


async def migrate(
    url: str,
    at: datetime,
    steps: tuple[Migration, ...] | None = None,
    *,
    connect_s: float | None = None,
) -> int:
    """Bring the schema up to this code, and note what a restored copy needs (R39).

    Returns: the number of the schema before
    Raises: SchemaMismatch: a newer version made the database; StoreError: it cannot be used
    """
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0, **_within(connect_s))
        try:
            major, version = version_of(connection)
            if major < OLDEST:
                raise too_old(url, version)
            goes_on = steps is None and await _goes_on(connection)
            before = await _brought(connection, at, steps, goes_on=goes_on)
            if steps is None:
                await connection.execute(FORGET_OLD)
            return before
        finally:
            await connection.close()
    except (*UNUSABLE, ValueError) as error:
        raise not_opened(url, error) from error


def _within(connect_s: float | None) -> dict[str, float]:
    return {} if connect_s is None else {"timeout": connect_s}


async def _goes_on(connection: Any) -> bool:
    """Tell whether nodes work on this very server although another one is noted: a promotion.

    A copy holds leases, too, and nobody renews them. So this waits until one is renewed or all end.
    """
    if not await schema_number(connection):
        return False
    known = await connection.fetchval("select value from meta where name = 'server'")
    if known is None or known == await server_of(connection):
        return False
    first = dict(await connection.fetch(LEASES))
    seen = first
    while seen and all(first.get(node_id) == ends for node_id, ends in seen.items()):
        await asyncio.sleep(_LOOK_S)
        seen = dict(await connection.fetch(LEASES))
    if seen:
        log.info("store.server_changed", nodes=len(seen))
    return bool(seen)


async def _brought(
    connection: Any, at: datetime, steps: tuple[Migration, ...] | None, *, goes_on: bool
) -> int:
    """Bring the schema up, as soon as nobody who works beside it is in the way."""
    for left in reversed(range(_TRIES)):
        try:
            return await bring(connection, at, steps, goes_on=goes_on)
        except _HINDERED as error:
            if not left:
                raise
            log.info("store.migration_waits", reason=str(error))
            await asyncio.sleep(_PAUSE_S)
    raise AssertionError("the last try returns or raises")


async def bring(
    connection: Any,
    at: datetime,
    given: tuple[Migration, ...] | None = None,
    *,
    goes_on: bool = False,
) -> int:
    """Bring the schema up to this code in a transaction, and note what a restored copy needs.

    Args: goes_on: nodes work here, so that it is no copy
    Returns: the number of the schema before
    Raises: SchemaMismatch: a newer version made the database; asyncpg's errors
    """
    steps = migrations() if given is None else given
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
        before = await schema_number(connection)
        if before > steps[-1].number:
            raise SchemaMismatch(
                f"The database has schema {before}, this version knows {steps[-1].number}: "
                "use the newer Waystation."
            )
        if not before:
            await connection.execute(
                "create table migrations (number bigint primary key, name text not null,"
                " applied_at bigint not null)"
            )
        elif before < steps[-1].number:
            await connection.execute(f"set local lock_timeout = {_TABLE_MS}")
        for step in steps:
            if step.number > before:
                await connection.execute(step.script)
                await connection.execute(
                    "insert into migrations (number, name, applied_at) values ($1, $2, $3)",
                    step.number,
                    step.name,
                    micros(at),
                )
        if given is None:
            await _settle(connection, at, goes_on=goes_on)
    return before


async def _settle(connection: Any, at: datetime, *, goes_on: bool) -> None:
    """Raise the epochs of a copy: its server, timeline, database or table is another one."""
    here = await server_of(connection)

    def settled(database: Database) -> None:
        row = database.one("meta", {"name": "server"})
        known = None if row is None else str(row[0])
        moved = known is not None and known != here and not goes_on
        settle_epochs(database, at, migrated=False, moved=moved, kept=str)
        if known != here:
            database.run("put_meta", {"name": "server", "value": here})
        database.settle()

    await bridged(settled, Database(connection, queries()))


async def server_of(connection: Any) -> str:
    """Return what tells a database from a copy of it; less where the server tells us less."""
    own = await connection.fetchval(_DATABASE)
    try:
        async with connection.transaction():
            return f"{await connection.fetchval(_SYSTEM)}:{own}"
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError):
        return str(own)
