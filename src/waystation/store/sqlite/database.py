"""One connection to the SQLite file, and its statements by name.

Rules: only this package talks to apsw, and nothing in this process opens the file with another
SQLite library: two copies break each other's file locks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import apsw

from waystation.store.columns import Row, Values
from waystation.store.folding import folded
from waystation.store.statements import parse_queries, with_columns

__all__ = ["KEPT_PAGES_KIB", "Database", "connect", "queries"]

_BUSY_TIMEOUT_MS = 5000
"""How long a statement waits for another process (`users`, `doctor`) to finish its write."""

_CACHED_STATEMENTS = 256
"""More than there are queries, so that each is prepared once per connection."""

KEPT_PAGES_KIB = 1024
"""Pages of the database that a connection keeps in memory, half of SQLite's own default: the system
keeps them all the same, for all connections together."""

_JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
"""The size to which a write-ahead log is cut back after a long reader let it grow."""


_I1 = re.compile(r"jobs\.(?:hash|result_message_id)")


class Database:
    """A connection that runs statements by name.

    Purity: blocks; never used by two threads at once.
    """

    __slots__ = ("_execute", "_queries", "_steps", "connection")

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        # one cursor for all: making one costs as much as a point read
        self._execute = connection.cursor().execute
        self._queries = queries()
        self._steps = _steps()

    def all(self, name: str, values: Values | None = None) -> list[Row]:
        """Run a query and return every row.

        Fetches to the end, because an unfinished statement holds a read transaction open, and the
        write-ahead log cannot shrink as long as it does.
        """
        return self._execute(self._queries[name], values).fetchall()

    def one(self, name: str, values: Values | None = None) -> Row | None:
        """Run a query and return its only row, None when there is none."""
        found = self._execute(self._queries[name], values).fetchall()
        return found[0] if found else None

    def run(self, name: str, values: Values | None = None) -> int:
        """Run a statement and return how many rows it changed."""
        self._execute(self._queries[name], values)
        return self.connection.changes()

    def later(
        self, name: str, values: Values | None = None, *, unless: type[Exception] | None = None
    ) -> None:
        """Run a statement now, or several of one name: nothing is saved by waiting."""
        for text in self._steps[name]:
            self._execute(text, values)
        if unless is not None and not self.connection.changes():
            raise unless

    def settle(self) -> None:
        """Do nothing: `later` waits with nothing."""

    def lock(
        self,
        *,
        users: Iterable[int] = (),
        waiting_on: Iterable[str] = (),
        accounts: Iterable[str] = (),
    ) -> frozenset[int] | None:
        """Do nothing: there is one writer, so nobody else writes until this transaction ends."""

    def is_uuid_taken(self, error: Exception) -> bool:
        """Tell whether an error says that a uuid or a result is another job's (I1)."""
        return isinstance(error, apsw.ConstraintError) and bool(_I1.search(str(error)))


@cache
def queries() -> Mapping[str, str]:
    """Return every statement by name: those that the databases share, and its own."""
    folders = (files("waystation.store"), files("waystation.store.sqlite"))
    text = "".join(one.joinpath("queries.sql").read_text("utf-8") for one in folders)
    return MappingProxyType(parse_queries(with_columns(text)))


@cache
def _steps() -> Mapping[str, Sequence[str]]:
    """Return the statements of each name; one after the other, they stay prepared."""
    return {name: text.rstrip(";").split(";\n") for name, text in queries().items()}


def connect(path: Path | str, *, read_only: bool = False) -> apsw.Connection:
    """Open a connection with this store's settings.

    Raises: apsw.Error
    """
    connection = apsw.Connection(str(path), statementcachesize=_CACHED_STATEMENTS)
    connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
    # Plans stay as prepared; else SQLite plans every ordered query anew at each run.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.pragma("trusted_schema", 0)
    connection.create_scalar_function("says", _says, 2, deterministic=True)
    connection.pragma("foreign_keys", 1)
    connection.pragma("cache_size", -KEPT_PAGES_KIB)
    if read_only:
        # Not opened read-only: a reader of a write-ahead log must be able to write its index.
        connection.pragma("query_only", 1)
        return connection
    connection.pragma("journal_mode", "wal")
    # FULL, not NORMAL: an answered POST must survive a power cut, not only a crash (R12).
    connection.pragma("synchronous", 2)
    connection.pragma("journal_size_limit", _JOURNAL_LIMIT_BYTES)
    return connection


def _says(*values: Any) -> bool:
    """Tell whether a prompt holds a folded text; `says` in queries."""
    prompt, text = values
    return text in folded(str(prompt))
