"""Pool: connections to a PostgreSQL server, and transactions on them.

How it works: a transaction is a function of the database, as on SQLite. It runs in a greenlet
(bridge.py) between a begin and a commit of its own. A transaction that another one hindered runs
again from its beginning: after a deadlock or a serialization failure, and once where a row with
the same key was written meanwhile, because it then reads that row and says what it means. One
whose connection broke runs again once; if that was during its commit, its mark tells first whether
the commit was made (marks.py).

Rules: nothing outlives a transaction on its connection, so that a pooler may stand in between: no
prepared statement, no setting, no lock of a session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import asyncpg
import structlog

from waystation import sentences
from waystation.errors import StoreError, WaystationError
from waystation.store.columns import Row
from waystation.store.postgresql.bridge import bridged
from waystation.store.postgresql.database import Database
from waystation.store.postgresql.failures import not_opened
from waystation.store.postgresql.frozen import APPLICATION, end_frozen
from waystation.store.postgresql.marks import KEY, Marks
from waystation.store.postgresql.named import Statement
from waystation.store.postgresql.tries import UNUSABLE, Tries, is_lost
from waystation.store.transactions.database import Query

__all__ = ["Pool", "PoolBounds", "open_pool", "store_error"]

_CACHED_STATEMENTS: Final = 512
"""More than there are queries, so that each is prepared once per connection."""

_CONNECTIONS: Final = 10
"""Connections of a pool that is given no number: the driver's own."""

_GREETING: Final = "select (random() * 1e18)::bigint, pg_backend_pid()"
_IDLE_S: Final = 5.0
"""How long a write may wait for its process: one that is frozen must not keep rows from others."""
_LOCK_S: Final = 2.0
"""How long a statement of a write waits for a row before the write begins anew. Of several writes
of a frozen process that wait for one row, each would get it after the other and keep it for
`_IDLE_S`. The server begins such a wait twice, so that it is less than half of that."""
_END_FROZEN: Final = end_frozen(_IDLE_S)
_ENDS_IDLE: Final = f"set local idle_in_transaction_session_timeout = {_IDLE_S * 1000:.0f}"
_BEGIN_WRITE: Final = (
    f"begin isolation level read committed; {_ENDS_IDLE}; "
    f"set local lock_timeout = {_LOCK_S * 1000:.0f}"
)
_BEGIN_READ: Final = f"begin isolation level repeatable read, read only; {_ENDS_IDLE}"

_T = TypeVar("_T")

log = structlog.get_logger("waystation.store")


@dataclass(frozen=True, slots=True)
class PoolBounds:
    """The operator's numbers."""

    connections: int
    """Connections of one process at most."""
    connect_s: float
    """How long making one may take."""
    statement_s: float
    """How long a statement may take, with its wait for rows that others hold."""

    def of_the_driver(self) -> dict[str, Any]:
        """Return them by the names that asyncpg has for them."""
        return {
            "max_size": self.connections,
            "timeout": self.connect_s,
            "command_timeout": self.statement_s,
        }


class _CommitLost(Exception):
    """The answer to a commit was lost; the value is right if the commit was made."""

    def __init__(self, value: object, cause: Exception) -> None:
        super().__init__()
        self.value = value
        self.cause = cause


class Pool:
    """Runs transactions. Made by `open_pool`; used from one event loop."""

    def __init__(
        self,
        pool: Any,
        statements: Mapping[str, Statement],
        process: int,
        *,
        pooled: bool,
        connections: int = _CONNECTIONS,
    ) -> None:
        """Args: process: a number that no other process has; connections: of the pool at most."""
        # one is kept for what is urgent: all others may wait for the same row
        self._places = asyncio.Semaphore(max(1, connections - 1))
        self._pool = pool
        self._statements = statements
        self._marks = Marks(process)
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.pooled: Final = pooled
        """True when a pooler hands each transaction to a server of its choice."""

    async def write(self, transaction: Callable[[Database], _T], *, is_urgent: bool = False) -> _T:
        """Run one transaction and return its value once it is committed.

        Args: is_urgent: use the connection that is kept for it where all others are busy

        A caller that is cancelled stops waiting; the transaction is written all the same.

        Raises: StoreError, or what the transaction raises; then nothing was written, unless the
        answer to a commit was lost and no server tells within 10 s whether the commit was made
        """
        return await self._begun(transaction, writes=True, is_urgent=is_urgent)

    async def read(self, transaction: Callable[[Database], _T]) -> _T:
        """Run reads that see one moment. Raises: StoreError, or what the transaction raises."""
        return await self._begun(transaction, writes=False)

    async def close(self) -> None:
        """Finish what was begun and close; a second call does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._pool.close()

    async def _begun(
        self, transaction: Callable[[Database], _T], *, writes: bool, is_urgent: bool = False
    ) -> _T:
        if self._closed:
            raise StoreError("The store is closed.")
        place = contextlib.nullcontext() if is_urgent else self._places
        task = asyncio.create_task(self._tried(transaction, place, writes=writes))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may have stopped waiting

    async def _tried(
        self,
        transaction: Callable[[Database], _T],
        place: contextlib.AbstractAsyncContextManager[None],
        *,
        writes: bool,
    ) -> _T:
        number = self._marks.take() if writes else None
        tries = Tries(asyncio.get_running_loop().time)
        lost: _CommitLost | None = None
        try:
            while True:
                try:
                    async with place:
                        return await self._once(
                            transaction,
                            number,
                            again=lost is not None,
                            one_by_one=tries.met_a_twin,
                        )
                except _CommitLost as error:
                    if not tries.again_after_lost_commit():
                        raise store_error(error.cause) from error.cause
                    lost = error
                except UNUSABLE as error:
                    if lost is not None and getattr(error, "constraint_name", None) == KEY:
                        log.info("store.commit_recognised")
                        return cast(_T, lost.value)
                    pause_s = tries.again_after(error)
                    if pause_s is None:
                        raise store_error(error) from error
                    if isinstance(error, asyncpg.LockNotAvailableError):
                        await self._end_frozen()
                    await asyncio.sleep(pause_s)
        finally:
            if number is not None:
                self._marks.give_back(number)

    async def _once(
        self,
        transaction: Callable[[Database], _T],
        number: int | None,
        *,
        again: bool,
        one_by_one: bool,
    ) -> _T:
        """Run a transaction from its beginning.

        Args: number: of its mark, None for a read; again: its commit may have been made before
        """
        async with self._pool.acquire() as connection:
            if isinstance(transaction, Query) and not self.pooled:
                # behind a pooler the statement might be prepared on one server and run on another
                return cast(_T, await self._asked(connection, transaction))
            begin: str | None = _BEGIN_READ if number is None else _BEGIN_WRITE
            try:
                if number is not None and again:
                    await connection.execute(f"{begin}; {self._marks.first(number)}")
                    begin = None
                database = Database(
                    connection, self._statements, one_by_one=one_by_one, begin=begin
                )
                value: _T = await bridged(_settled, transaction, database)
                if number is None or again:
                    ending = "commit"
                else:
                    ending = f"{self._marks.last(number)}; commit"
            except BaseException:
                await _taken_back(connection)
                raise
            try:
                await connection.execute(ending)
            except UNUSABLE as error:
                if number is not None and is_lost(error):
                    _dropped(connection)
                    raise _CommitLost(value, error) from error
                await _taken_back(connection)
                raise
            return value

    async def _end_frozen(self) -> None:
        """Let go of the rows that a frozen process keeps, if that is why this one waited."""
        try:
            # without a place: all of them may be waiting
            async with self._pool.acquire() as connection:
                ended = await connection.fetchval(_END_FROZEN)
        except UNUSABLE as error:
            log.warning("store.frozen_not_ended", reason=_said(error))
            return
        if ended:
            log.warning("store.frozen_ended", connections=ended)

    async def _asked(self, connection: Any, query: Query) -> list[Row]:
        statement = self._statements[query.name]
        rows = await connection.fetch(statement.text, *statement.arguments(query.values))
        return [tuple(row) for row in rows]


async def open_pool(
    url: str, statements: Mapping[str, Statement], bounds: PoolBounds | None = None
) -> Pool:
    """Connect, and find out whether a pooler stands in between.

    Args: bounds: None: the driver's own
    Raises: StoreError: the server cannot be used
    """
    try:
        process, pooled = await _greeted(url, bounds)
        numbers = {} if bounds is None else bounds.of_the_driver()
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            **numbers,
            server_settings={"application_name": APPLICATION},
            statement_cache_size=0 if pooled else _CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            reset=_leave,
        )
    except (*UNUSABLE, ValueError) as error:
        raise not_opened(url, error) from error
    most = numbers.get("max_size", _CONNECTIONS)
    return Pool(pool, statements, process, pooled=pooled, connections=most)


def store_error(error: Exception) -> WaystationError:
    """Return what a caller sees of a database error, without its details, which hold values."""
    wrapped = StoreError(sentences.DATABASE_DOWN.text, details=_said(error))
    wrapped.__cause__ = error
    return wrapped


def _said(error: Exception) -> str:
    return str(getattr(error, "message", None) or str(error) or type(error).__name__)


async def _greeted(url: str, bounds: PoolBounds | None) -> tuple[int, bool]:
    """Return a number drawn for this process, and whether a pooler stands in between.

    A server tells its process id when it lets a client in. A pooler tells one of its own making,
    as it has yet to choose the server.
    """
    connection = await asyncpg.connect(
        url, statement_cache_size=0, **({} if bounds is None else {"timeout": bounds.connect_s})
    )
    try:
        async with connection.transaction():
            drawn, answering = await connection.fetchrow(_GREETING)
        return int(drawn), bool(answering != connection.get_server_pid())
    finally:
        await connection.close()


def _settled(transaction: Callable[[Database], _T], database: Database) -> _T:
    value = transaction(database)
    database.settle()
    return value


async def _leave(connection: Any) -> None:
    """Leave a connection as it is: no transaction has left anything on it."""


async def _taken_back(connection: Any) -> None:
    """Roll a transaction back; a connection that cannot is closed."""
    try:
        await connection.execute("rollback")
    except UNUSABLE:
        _dropped(connection)


def _dropped(connection: Any) -> None:
    # the pool has taken a connection back that it knows to be broken
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()
