"""The schema's versions on PostgreSQL: numbered files, applied in order, forward only.

How it works: table `migrations` says which files were applied. All that are missing run in one
transaction, under a lock that other processes wait for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import asyncpg

from waystation.errors import SchemaMismatch, StoreError
from waystation.store.columns import micros
from waystation.store.migrations import Migration, migrations_of
from waystation.store.postgresql.marks import FORGET_OLD
from waystation.store.postgresql.tries import UNUSABLE

__all__ = ["migrate", "migrations", "schema_number"]

_LOCK: Final = 0x57415953
"""Number of the lock: `WAYS`. It ends with its transaction, so that a pooler may stand between."""


def migrations() -> tuple[Migration, ...]:
    """Return every migration this code knows, in order."""
    return migrations_of("waystation.store.postgresql")


async def schema_number(connection: Any) -> int:
    """Return the number of the newest migration applied, 0 for an empty database."""
    if await connection.fetchval("select to_regclass('migrations')") is None:
        return 0
    return await connection.fetchval("select max(number) from migrations") or 0


async def migrate(url: str, at: datetime, steps: tuple[Migration, ...] | None = None) -> int:
    """Bring the schema up to this code. Returns: the number of the schema before

    Raises: SchemaMismatch: a newer version made the database; StoreError: it cannot be used
    """
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0)
        try:
            before = await _bring(connection, at, migrations() if steps is None else steps)
            if steps is None:
                await connection.execute(FORGET_OLD)
            return before
        finally:
            await connection.close()
    except (*UNUSABLE, ValueError) as error:
        details = str(error)
        raise StoreError("The PostgreSQL database cannot be used.", details=details) from error


async def _bring(connection: Any, at: datetime, steps: tuple[Migration, ...]) -> int:
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
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
        for step in steps:
            if step.number > before:
                await connection.execute(step.script)
                await connection.execute(
                    "insert into migrations (number, name, applied_at) values ($1, $2, $3)",
                    step.number,
                    step.name,
                    micros(at),
                )
    return before
