"""PostgresStore: `ports.Store` on a PostgreSQL database.

How it works: the transactions are those of SQLite. They run beside each other, so each locks first
what it counts on (ADR 27). Near and far reads share the connections of one pool.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from waystation.ports import Clock
from waystation.store.postgresql.database import Database, queries
from waystation.store.postgresql.migrate import migrate
from waystation.store.postgresql.pool import Pool, open_pool
from waystation.store.transactions.store import StoreByTransactions

__all__ = ["PostgresStore"]

_T = TypeVar("_T")


class PostgresStore(StoreByTransactions):
    """Durable state in one database. Made by `open`; used from one event loop."""

    glance: Final = None
    """Nothing across a network is read at once."""

    def __init__(self, pool: Pool, clock: Clock, ghost_age: timedelta) -> None:
        self._pool = pool
        reader = _Reader(pool)
        super().__init__(
            clock, ghost_age, writer=_Writer(pool), near=reader, far=reader, search=reader
        )

    @classmethod
    async def open(cls, url: str, clock: Clock, *, ghost_age: timedelta) -> PostgresStore:
        """Open the database, migrated as needed.

        Args: ghost_age: how long a ghost stays a matching candidate (R19)
        Raises: SchemaMismatch: a newer version made it; StoreError: it cannot be used
        """
        await migrate(url, clock.now())
        return cls(await open_pool(url, queries()), clock, ghost_age)

    async def close(self) -> None:
        """Finish what was begun and close; a second call does nothing."""
        await self._pool.close()


class _Writer:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self, transaction: Callable[[Database], _T]) -> _T:
        return await self._pool.write(transaction)


class _Reader:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self, read: Callable[[Database], _T]) -> _T:
        return await self._pool.read(read)
