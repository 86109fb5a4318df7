"""One transaction on a PostgreSQL server, and its statements by name.

Rules: only this package talks to asyncpg.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import asyncpg

from waystation.store.columns import Row, Values
from waystation.store.postgresql.bridge import wait_for
from waystation.store.postgresql.named import Statement, compiled
from waystation.store.statements import parse_queries, with_columns

__all__ = ["Database", "queries"]


_CLOCK = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
"""Not `now()`, the beginning of the transaction: a statement may have waited for a row since."""

_I1 = ("jobs_hash", "jobs_result")
"""Indexes that hold a uuid or a result to one job."""


class Database:
    """A transaction that runs statements by name, for functions that `bridged` runs.

    Raises from all: asyncpg's errors; KeyError: a value is missing
    """

    __slots__ = ("_connection", "_statements")

    def __init__(self, connection: Any, statements: Mapping[str, Statement]) -> None:
        self._connection = connection
        self._statements = statements

    def all(self, name: str, values: Values | None = None) -> list[Row]:
        """Run a query and return every row."""
        statement = self._statements[name]
        rows = self._connection.fetch(statement.text, *statement.arguments(values))
        return [tuple(row) for row in wait_for(rows)]

    def one(self, name: str, values: Values | None = None) -> Row | None:
        """Run a query and return its first row, None when there is none."""
        found = self.all(name, values)
        return found[0] if found else None

    def run(self, name: str, values: Values | None = None) -> int:
        """Run a statement and return how many rows it changed."""
        statement = self._statements[name]
        done = self._connection.execute(statement.text, *statement.arguments(values))
        # as in `UPDATE 3` and `INSERT 0 1`
        count = str(wait_for(done)).rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    def lock(
        self,
        *,
        users: Iterable[int] = (),
        waiting_on: Iterable[str] = (),
        accounts: Iterable[str] = (),
    ) -> frozenset[int] | None:
        """Lock users and then accounts, each by id. Returns: the users that are locked."""
        owners, waited, named = list(users), list(waiting_on), list(accounts)
        locked: frozenset[int] = frozenset()
        if owners or waited:
            values: Values = {"users": json.dumps(owners), "waiting_on": json.dumps(waited)}
            locked = frozenset(user_id for (user_id,) in self.all("lock_users", values))
        if named:
            self.all("lock_accounts", {"accounts": json.dumps(named)})
        return locked

    def is_uuid_taken(self, error: Exception) -> bool:
        """Tell whether an error says that a uuid or a result is another job's (I1)."""
        return isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name in _I1


@cache
def queries() -> Mapping[str, Statement]:
    """Return every statement by name: those that the databases share, and its own."""
    folders = (files("waystation.store"), files("waystation.store.postgresql"))
    text = "".join(one.joinpath("queries.sql").read_text("utf-8") for one in folders)
    parsed = parse_queries(with_columns(text, _CLOCK))
    return MappingProxyType({name: compiled(one) for name, one in parsed.items()})
