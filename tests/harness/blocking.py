"""A PostgreSQL database for plain functions that nothing bridges: each call waits in its thread."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import apsw
import asyncpg
import pytest

from waystation.store.postgresql import database as module
from waystation.store.postgresql.database import Database, queries

__all__ = ["BROKEN", "blocking_database", "on_sqlite"]

BROKEN = (apsw.ConstraintError, asyncpg.IntegrityConstraintViolationError)
"""Errors of a statement that would break a constraint."""

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""Mark of a test that uses what only SQLite has: its plans, pragmas and index of texts."""


class _Connection:
    """Statements of a test's own, written for SQLite."""

    def __init__(self, connection: Any, wait_for: Callable[[Any], Any]) -> None:
        self._connection = connection
        self._wait_for = wait_for

    def execute(self, text: str, values: tuple[Any, ...] = ()) -> _Rows:
        places = count(1)
        numbered = re.sub(r"\?", lambda _: f"${next(places)}", text)
        rows = self._wait_for(self._connection.fetch(numbered, *values))
        return _Rows(tuple(row) for row in rows)


class _Rows(list[Any]):
    """Rows as a cursor gives them."""

    def fetchall(self) -> list[Any]:
        return list(self)

    def fetchone(self) -> Any:
        return self[0] if self else None


class _Database(Database):
    """A database with such a connection."""

    __slots__ = ("connection",)

    def __init__(self, connection: Any, wait_for: Callable[[Any], Any]) -> None:
        super().__init__(connection, queries(), one_by_one=True)
        self.connection = _Connection(connection, wait_for)


@contextmanager
def blocking_database(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Connect; each statement is a transaction of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(_awaited(awaitable), loop).result()

    async def _awaited(awaitable: Any) -> Any:
        return await awaitable

    connection = wait_for(asyncpg.connect(url))
    monkeypatch.setattr(module, "wait_for", wait_for)
    try:
        yield _Database(connection, wait_for)
    finally:
        wait_for(connection.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
