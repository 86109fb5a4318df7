"""Restored: a PostgreSQL database that its operator declares to be a copy of an earlier moment."""

from __future__ import annotations

import asyncpg

from waystation.errors import Conflict, StoreError
from waystation.store.postgresql.bridge import bridged
from waystation.store.postgresql.database import Database, queries
from waystation.store.postgresql.failures import not_opened
from waystation.store.postgresql.migrate import LOCK, schema_number
from waystation.store.postgresql.place import place_of
from waystation.store.postgresql.tries import UNUSABLE
from waystation.store.transactions.restored import declare_copied

__all__ = ["declare"]


async def declare(url: str, *, connect_s: float | None = None) -> None:
    """Mark a database, so that the next start ends its open jobs (R39).

    Raises: Conflict: a service uses it; StoreError: it cannot be used, or is empty
    """
    timeout = {} if connect_s is None else {"timeout": connect_s}
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0, **timeout)
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
                if not await schema_number(connection):
                    raise StoreError(
                        f"The database {place_of(url)} is empty",
                        details="Restore the backup first, or correct WAYSTATION_DATABASE_URL.",
                    )
                await bridged(_declared, Database(connection, queries()), str(place_of(url)))
        finally:
            await connection.close()
    except (*UNUSABLE, ValueError) as error:
        raise not_opened(url, error) from error


def _declared(database: Database, name: str) -> None:
    row = database.one("latest_lease")
    if row is not None and row[0] is not None and row[0] > row[1]:
        left_s = (row[0] - row[1]) / 1e6
        raise Conflict(
            f"A service uses the database {name}, or used it when the backup was made",
            details=f"Stop the service, wait {left_s:.0f} s, then run the command again.",
        )
    declare_copied(database, kept=str)
    database.settle()
