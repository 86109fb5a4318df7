"""Marks: rows by which a commit whose answer was lost is known again.

How it works: a transaction that has written writes a row with a number of its own, in the same
message as its commit. Where the answer is lost, the transaction begins once more with that row. If
the row is there already, the first commit was made; the insert waits for one that is still under
way. If it is not there, the first commit was never made, and the transaction runs again. A number
of a transaction (`pg_current_xact_id`) would not do: a server that crashes gives it to another one.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from typing import Final

from waystation.store.postgresql.named import CLOCK

__all__ = ["FORGET_OLD", "KEY", "Marks"]

KEY: Final = "commit_marks_pkey"
"""The constraint that a second row with the same number breaks."""

_SWEPT_AFTER: Final = 256
"""Commits between two sweeps of this process's rows."""

FORGET_OLD: Final = f"delete from commit_marks where at < {CLOCK} - 86400000000"  # noqa: S608
"""Deletes the rows that earlier processes left."""


class Marks:
    """The numbers of one process's transactions."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._last = 0
        self._used: set[int] = set()
        """Numbers of transactions that may still have to be known again."""

    def take(self) -> int:
        """Return the number of a transaction that begins."""
        self._last += 1
        self._used.add(self._last)
        return self._last

    def give_back(self, number: int) -> None:
        """Let the row of a transaction go that has ended, or has been known again."""
        self._used.discard(number)

    def first(self, number: int) -> str:
        """Return the statement that begins a transaction whose commit may have been made."""
        return f"insert into commit_marks {self._row(number)}"

    def last(self, number: int) -> str:
        """Return the statements that end a transaction: its row, if it has written, and now and
        then a sweep."""
        row = (
            f"insert into commit_marks {self._row(number)}"
            " where pg_current_xact_id_if_assigned() is not null"
        )
        return f"{row}; {self._sweep()}" if number % _SWEPT_AFTER == 0 else row

    def _row(self, number: int) -> str:
        return f"select {self._process}, {number}, {CLOCK}"

    def _sweep(self) -> str:
        oldest = min(self._used, default=self._last + 1)
        sweep = "delete from commit_marks where process = {} and number < {}"
        return sweep.format(self._process, oldest)
