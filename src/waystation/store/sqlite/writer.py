"""Writer: the one thread that writes, many transactions to a commit.

How it works: a transaction is a function of the database. Callers queue functions and wait. The
event loop hands over what one turn of it has asked for together. The thread takes all that wait,
runs them in one SQLite transaction and commits once: the disk is flushed once per batch, so more
callers make larger batches, not longer queues. If a function raises, all are taken back and run
again, each in a savepoint of its own, of which it loses only that: savepoints would cost everyone a
copy of each page that is written, and few functions raise. A commit that fails fails everyone in
it, because nothing of it is on disk. Answers go back to the event loop with one wake-up per batch.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import apsw

from waystation import sentences
from waystation.errors import Conflict, StoreError, WaystationError
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.moving import check_here

__all__ = ["Writer", "store_error"]

_BATCH = 256
"""Transactions per commit at most, so that the first of a rush is not kept waiting by the last."""

_T = TypeVar("_T")


@dataclass(slots=True)
class _Unit:
    """One queued transaction and how it ended."""

    run: Callable[[Database], Any]
    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None


class _BatchLost(Exception):
    """SQLite gave up the whole transaction, not only one savepoint (disk full, read error)."""


class Writer:
    """Runs transactions in order, on its own thread.

    Purity: each commit blocks its thread on fsync
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[list[_Unit] | None] = queue.SimpleQueue()
        """The units of a turn together, so that the thread cannot part them."""
        self._left: list[_Unit] = []
        """Units that the last batch had no room for; the thread's own."""
        self._asked: list[_Unit] = []
        """In this turn of the event loop."""
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, transaction: Callable[[Database], _T]) -> _T:
        """Run one transaction and return its value once it is on disk.

        A caller that is cancelled stops waiting; the transaction is written all the same.

        Raises: StoreError, or what the transaction raises; either way nothing was written
        """
        if self._closed:
            raise StoreError("The store is closed.")
        unit = _Unit(transaction, self._loop.create_future())
        if not self._asked:
            self._loop.call_soon(self._hand_over)
        self._asked.append(unit)
        value: _T = await unit.future
        return value

    async def close(self) -> None:
        """Finish what is queued and end the thread."""
        if not self._closed:
            self._closed = True
            self._hand_over()
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        self._queue.put(self._asked)
        self._asked = []

    def _work(self) -> None:
        last = False
        while not last:
            batch, last = self._next_batch()
            if batch:
                self._write(batch)
                self._answer(batch)

    def _next_batch(self) -> tuple[list[_Unit], bool]:
        """Wait for the units of a turn, and take what else is there. True: it is the last batch."""
        units, last = self._left, False
        turn = [] if units else self._queue.get()
        while turn is not None:
            units += turn
            if len(units) >= _BATCH or self._queue.empty():
                break
            turn = self._queue.get()
        else:
            last = True
        batch, self._left = units[:_BATCH], units[_BATCH:]
        return batch, last

    def _write(self, batch: list[_Unit]) -> None:
        execute = self._database.connection.execute
        try:
            execute("begin immediate")
            # it may have been moved while this waited for the lock
            check_here(self._database)
            if not self._run_together(batch):
                self._roll_back()
                execute("begin immediate")
                for unit in batch:
                    self._run_apart(unit)
            execute("commit")
        except Conflict as error:
            self._roll_back()
            for unit in batch:
                unit.error = error
        except (apsw.Error, _BatchLost) as error:
            self._roll_back()
            for unit in batch:
                unit.error = store_error(error)

    def _run_together(self, batch: list[_Unit]) -> bool:
        """Run all, up to the first that raises. Returns: whether none did"""
        try:
            for unit in batch:
                unit.value = unit.run(self._database)
        except Exception:  # who fails, and by what, is told when each is run by itself
            return False
        return True

    def _run_apart(self, unit: _Unit) -> None:
        execute = self._database.connection.execute
        execute("savepoint unit")
        try:
            unit.value = unit.run(self._database)
        except Exception as error:  # goes to the caller, who waits on another thread
            if not self._database.connection.in_transaction:
                raise _BatchLost(str(error)) from error
            execute("rollback to unit")
            unit.error = error if not isinstance(error, apsw.Error) else store_error(error)
        execute("release unit")

    def _roll_back(self) -> None:
        try:
            if self._database.connection.in_transaction:
                self._database.connection.execute("rollback")
        except apsw.Error:
            # The next batch will fail at its begin, and its callers hear of it; a thread that died
            # here would leave everyone waiting for ever.
            return

    def _answer(self, batch: list[_Unit]) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, batch)
        except RuntimeError:
            # The event loop is gone, and with it everyone who could have waited.
            return


def store_error(error: Exception) -> WaystationError:
    """Return what a caller sees of a database error. SQLite's texts name columns, not values."""
    wrapped = StoreError(sentences.DATABASE_DOWN.text, details=str(error))
    wrapped.__cause__ = error
    return wrapped


def _settle(batch: list[_Unit]) -> None:
    for unit in batch:
        if unit.future.done():
            continue
        if unit.error is not None:
            unit.future.set_exception(unit.error)
        else:
            unit.future.set_result(unit.value)
