"""Reader: point reads in the event loop's thread, all those of one turn in one transaction.

How it works: to begin and end a read transaction takes file locks and costs more than a point read.
The first read of a turn of the loop begins one, and the loop ends it in the next turn. Nobody reads
old rows by that: who reads in it was woken before it began, since a loop wakes in order, and so
knows of nothing that was written after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import apsw

from waystation.errors import StoreError
from waystation.store.columns import Row, Values
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.writer import store_error

__all__ = ["Reader"]

_T = TypeVar("_T")


class Reader:
    """Runs queries by name, at once.

    Purity: blocks the event loop for the microseconds of a point read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._begun = False
        self._closed = False

    def one(self, name: str, values: Values | None = None) -> Row | None:
        """Run a query and return its first row, None when there is none. Raises: StoreError."""
        rows = self.all(name, values)
        return rows[0] if rows else None

    def all(self, name: str, values: Values | None = None) -> list[Row]:
        """Run a query and return every row. Raises: StoreError."""
        try:
            if not self._begun:
                self._begin()
            return self._database.all(name, values)
        except apsw.Error as error:
            raise store_error(error) from error

    async def run(self, read: Callable[[Reader], _T]) -> _T:
        """Run reads: at once, without a turn of the loop in between. Raises: StoreError."""
        return read(self)

    def close(self) -> None:
        """Read no more, from the next turn on."""
        self._closed = True

    def _begin(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.")
        self._database.run("begin")
        self._begun = True
        self._loop.call_soon(self._end)

    def _end(self) -> None:
        self._begun = False
        if self._database.connection.in_transaction:  # an error may have ended it
            self._database.run("commit")
