"""Meeting: two transactions of two stores that reach their first write at the same time.

How it works: each stops before its first statement that changes something, until the other stops
there, too, or waits for a row that the first one has locked. So a transaction that decides by what
it has read without a lock meets the other past its decision, each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from waystation.store.columns import Row, Values
from waystation.store.postgresql.bridge import wait_for
from waystation.store.postgresql.database import Database, queries
from waystation.store.postgresql.store import PostgresStore

__all__ = ["Meeting", "meeting"]

_T = TypeVar("_T")

_WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""

_PARTIES = 2


class Meeting:
    """The place before the first write."""

    def __init__(self, watching: Any) -> None:
        self._watching = watching
        self._looking = asyncio.Lock()
        self._arrived = 0
        self._over = False
        self.met = False
        """True when both were past their locks at the same time."""

    async def arrive(self) -> None:
        """Wait for the other one, here or before a lock, or until it has ended."""
        self._arrived += 1
        while not self._over:
            if self._arrived == _PARTIES:
                self.met = self._over = True
                return
            async with self._looking:
                waits = await self._watching.fetchval(_WAITING)
            self._over = self._over or bool(waits)

    async def of(self, first: Awaitable[Any], second: Awaitable[Any]) -> list[Any]:
        """Run two calls of two stores at once; an error stands for what it would have returned."""
        return list(
            await asyncio.gather(
                self._to_its_end(first), self._to_its_end(second), return_exceptions=True
            )
        )

    async def _to_its_end(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        finally:
            self._over = True


class _Held:
    """A database that stops before its first write."""

    def __init__(self, database: Database, meeting: Meeting) -> None:
        self._database = database
        self._meeting = meeting
        self._waits = True

    def one(self, name: str, values: Values | None = None) -> Row | None:
        self._stop(name)
        return self._database.one(name, values)

    def all(self, name: str, values: Values | None = None) -> list[Row]:
        self._stop(name)
        return self._database.all(name, values)

    def run(self, name: str, values: Values | None = None) -> int:
        self._stop(name)
        return self._database.run(name, values)

    def later(
        self, name: str, values: Values | None = None, *, unless: type[Exception] | None = None
    ) -> None:
        self._stop(name)
        self._database.later(name, values, unless=unless)

    def settle(self) -> None:
        self._database.settle()

    def lock(self, **named: Any) -> frozenset[int] | None:
        return self._database.lock(**named)

    def is_uuid_taken(self, error: Exception) -> bool:
        return self._database.is_uuid_taken(error)

    def _stop(self, name: str) -> None:
        if self._waits and not queries()[name].text.lstrip().startswith("select"):
            self._waits = False
            wait_for(self._meeting.arrive())


@asynccontextmanager
async def meeting(url: str, *stores: PostgresStore) -> Any:
    """Let the next transaction of each store meet that of the other."""
    watching = await asyncpg.connect(url)
    place = Meeting(watching)
    pools: list[Any] = [store._pool for store in stores]
    for pool in pools:
        pool.write = _held(pool.write, place)
    try:
        yield place
    finally:
        for pool in pools:
            del pool.write
        await watching.close()


def _held(write: Callable[..., Awaitable[_T]], place: Meeting) -> Callable[..., Awaitable[_T]]:
    async def held(transaction: Callable[[Any], _T], **how: bool) -> _T:
        # tries after the first go on by themselves: what is held is one object per call
        tries: list[Database] = []

        def once(database: Database) -> _T:
            tries.append(database)
            return transaction(_Held(database, place) if len(tries) == 1 else database)

        return await write(once, **how)

    return held
