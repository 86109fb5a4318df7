"""FarReader: reads in a thread of their own, whose size grows with the data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import apsw

from waystation.errors import StoreError
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.writer import store_error

__all__ = ["FarReader"]

_T = TypeVar("_T")


class FarReader:
    """A connection and its thread: no other read waits for them."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._closed = False

    async def run(self, read: Callable[[Database], _T]) -> _T:
        """Run reads, after those that were asked before. Raises: StoreError."""
        if self._closed:
            raise StoreError("The store is closed.")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, read, self._database)
        except apsw.Error as error:
            raise store_error(error) from error

    async def close(self) -> None:
        """Finish what was asked, and end the thread."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
