"""PostgresStore: `ports.Store` on a PostgreSQL database.

How it works: the transactions are those of SQLite. They run beside each other, so each locks first
what it counts on (ADR 27). Near and far reads share the connections of one pool.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from waystation.ports import Clock
from waystation.store.columns import Values, instant
from waystation.store.postgresql.database import Database, queries
from waystation.store.postgresql.migrate import migrate
from waystation.store.postgresql.place import place_of
from waystation.store.postgresql.pool import Pool, PoolBounds, open_pool
from waystation.store.transactions.restored import UPGRADED, mark_of
from waystation.store.transactions.store import StoreByTransactions, run

__all__ = ["PostgresStore"]

_T = TypeVar("_T")


class PostgresStore(StoreByTransactions):
    """Durable state in one database. Made by `open`; used from one event loop."""

    glance: Final = None
    """Nothing across a network is read at once."""

    def __init__(self, pool: Pool, clock: Clock, ghost_age: timedelta, name: str) -> None:
        self._pool = pool
        self.name = name
        self._mark: int | None = None
        reader = _Reader(pool)
        super().__init__(
            clock,
            ghost_age,
            writer=_Writer(pool),
            urgent=_Writer(pool, is_urgent=True),
            near=reader,
            far=reader,
            search=reader,
        )

    @classmethod
    async def open(
        cls, url: str, clock: Clock, *, ghost_age: timedelta, bounds: PoolBounds | None = None
    ) -> PostgresStore:
        """Open the database, migrated as needed.

        Args: ghost_age: how long a ghost stays a matching candidate (R19);
        bounds: None: the driver's own
        Raises: SchemaMismatch: a newer version made it; StoreError: it cannot be used
        """
        await migrate(url, clock.now(), connect_s=None if bounds is None else bounds.connect_s)
        pool = await open_pool(url, queries(), bounds)
        store = cls(pool, clock, ghost_age, str(place_of(url)))
        store._mark = await pool.read(mark_of)
        return store

    async def close(self) -> None:
        """Finish what was begun and close; a second call does nothing."""
        await self._pool.close()

    # ── beside the port: what belongs to the installation ──

    @property
    def pooled(self) -> bool:
        """True when a pooler hands each transaction to a server of its choice."""
        return self._pool.pooled

    async def shared_time(self) -> datetime:
        """Return the time of the database, by which all nodes go."""
        asked_s = self._clock.monotonic()
        row = await self._one("database_time")
        assert row is not None
        # it was read in between
        return instant(row[0]) + timedelta(seconds=(self._clock.monotonic() - asked_s) / 2)

    async def own_accounts(self) -> bool:
        """Return False: nodes share the accounts, each by its lease (ADR 28)."""
        return False

    @property
    def restored(self) -> bool:
        """True when its open jobs must fail: it is a copy, or was of an early schema (R39)."""
        return self._mark is not None

    @property
    def upgraded(self) -> bool:
        """Tell whether a migration of the database, not a copy, made it `restored`."""
        return self._mark == UPGRADED

    async def settle_restored(self) -> None:
        """Note that every job left open by the restore has failed."""
        await self._write(run, "drop_meta", {"name": "restored"})
        self._mark = None

    async def load_check(self) -> bytes | None:
        """Return the vault's sealed check value (R45)."""
        row = await self._one("meta", {"name": "vault_check"})
        return None if row is None else b64decode(row[0])

    async def save_check(self, sealed: bytes) -> None:
        """Keep the vault's sealed check value."""
        await self._write(run, "put_meta", _check_row(sealed))

    async def first_check(self, sealed: bytes) -> bytes:
        """Keep a check value unless there is one, and return the one that stands."""
        await self._write(run, "add_meta", _check_row(sealed))
        return await self.load_check() or sealed


class _Writer:
    def __init__(self, pool: Pool, *, is_urgent: bool = False) -> None:
        self._pool = pool
        self._is_urgent = is_urgent

    async def run(self, transaction: Callable[[Database], _T]) -> _T:
        return await self._pool.write(transaction, is_urgent=self._is_urgent)


class _Reader:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self, read: Callable[[Database], _T]) -> _T:
        return await self._pool.read(read)


def _check_row(sealed: bytes) -> Values:
    return {"name": "vault_check", "value": b64encode(sealed).decode()}
