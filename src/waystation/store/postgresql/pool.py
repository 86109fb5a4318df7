"""Pool: connections to a PostgreSQL server, and transactions on them.

How it works: a transaction is a function of the database, as on SQLite. It runs in a greenlet
(bridge.py) between a begin and a commit of its own. A transaction that another one hindered runs
again from its beginning: after a deadlock or a serialization failure, and once where a row with
the same key was written meanwhile, because it then reads that row and says what it means.

Rules: nothing outlives a transaction on its connection, so that a pooler may stand in between: no
prepared statement, no setting, no lock of a session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import asyncpg

from waystation import sentences
from waystation.errors import StoreError, WaystationError
from waystation.store.postgresql.bridge import bridged
from waystation.store.postgresql.database import Database
from waystation.store.postgresql.named import Statement

__all__ = ["UNUSABLE", "Pool", "open_pool", "store_error"]

_CONNECTIONS: Final = 10
"""Connections of one process at most."""

_CONNECT_TIMEOUT_S: Final = 10.0
_STATEMENT_TIMEOUT_S: Final = 30.0
"""How long a statement may take, with its wait for rows that others hold."""

_CACHED_STATEMENTS: Final = 512
"""More than there are queries, so that each is prepared once per connection."""

_TRIES: Final = 8
"""How often a transaction is begun that others hinder."""

_T = TypeVar("_T")

_HINDERED: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
UNUSABLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Errors that say that a database cannot be used."""


class Pool:
    """Runs transactions. Made by `open_pool`; used from one event loop."""

    def __init__(self, pool: Any, statements: Mapping[str, Statement], *, pooled: bool) -> None:
        self._pool = pool
        self._statements = statements
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.pooled: Final = pooled
        """True when a pooler hands each transaction to a server of its choice."""

    async def write(self, transaction: Callable[[Database], _T]) -> _T:
        """Run one transaction and return its value once it is committed.

        A caller that is cancelled stops waiting; the transaction is written all the same.

        Raises: StoreError, or what the transaction raises; then nothing was written, unless the
        connection broke in the middle of the commit
        """
        return await self._begun(transaction, isolation="read_committed", readonly=False)

    async def read(self, transaction: Callable[[Database], _T]) -> _T:
        """Run reads that see one moment. Raises: StoreError, or what the transaction raises."""
        return await self._begun(transaction, isolation="repeatable_read", readonly=True)

    async def close(self) -> None:
        """Finish what was begun and close; a second call does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._pool.close()

    async def _begun(self, transaction: Callable[[Database], _T], **kind: Any) -> _T:
        if self._closed:
            raise StoreError("The store is closed.")
        task = asyncio.create_task(self._tried(transaction, kind))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may have stopped waiting

    async def _tried(self, transaction: Callable[[Database], _T], kind: Mapping[str, Any]) -> _T:
        twins = 0
        for left in reversed(range(_TRIES)):
            try:
                return await self._once(transaction, kind, one_by_one=twins > 0)
            except _HINDERED as error:
                if not left:
                    raise store_error(error) from error
            except asyncpg.UniqueViolationError as error:
                twins += 1
                if twins > 1 or not left:
                    raise store_error(error) from error
            except UNUSABLE as error:
                raise store_error(error) from error
        raise AssertionError("the last try returns or raises")

    async def _once(
        self,
        transaction: Callable[[Database], _T],
        kind: Mapping[str, Any],
        *,
        one_by_one: bool,
    ) -> _T:
        async with self._pool.acquire() as connection, connection.transaction(**kind):
            database = Database(connection, self._statements, one_by_one=one_by_one)
            return await bridged(_settled, transaction, database)


async def open_pool(url: str, statements: Mapping[str, Statement]) -> Pool:
    """Connect, and find out whether a pooler stands in between.

    Raises: StoreError: the server cannot be used
    """
    try:
        pooled = await _is_pooled(url)
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_STATEMENT_TIMEOUT_S,
            statement_cache_size=0 if pooled else _CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            reset=_leave,
        )
    except (*UNUSABLE, ValueError) as error:
        raise StoreError("The PostgreSQL server cannot be used.", details=str(error)) from error
    return Pool(pool, statements, pooled=pooled)


def store_error(error: Exception) -> WaystationError:
    """Return what a caller sees of a database error, without its details, which hold values."""
    wrapped = StoreError(sentences.DATABASE_DOWN.text, details=_said(error))
    wrapped.__cause__ = error
    return wrapped


def _said(error: Exception) -> str:
    return str(getattr(error, "message", None) or str(error) or type(error).__name__)


async def _is_pooled(url: str) -> bool:
    """Tell whether who answers is another process than who has let us in.

    A server tells its process id when it lets a client in. A pooler tells one of its own making,
    as it has yet to choose the server.
    """
    connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S, statement_cache_size=0)
    try:
        async with connection.transaction():
            answering = await connection.fetchval("select pg_backend_pid()")
        return bool(answering != connection.get_server_pid())
    finally:
        await connection.close()


def _settled(transaction: Callable[[Database], _T], database: Database) -> _T:
    value = transaction(database)
    database.settle()
    return value


async def _leave(connection: Any) -> None:
    """Leave a connection as it is: no transaction has left anything on it."""
