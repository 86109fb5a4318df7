"""One transaction on a PostgreSQL server, and its statements by name.

Rules: only this package talks to asyncpg.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import asyncpg

from waystation.store.columns import Row, Value, Values
from waystation.store.postgresql.batches import Effect, batched, effect_of, in_order
from waystation.store.postgresql.bridge import wait_for
from waystation.store.postgresql.named import CLOCK, Statement, compiled
from waystation.store.statements import parse_queries, with_columns

__all__ = ["Database", "queries"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""An id that means itself between quotes."""

_I1 = ("jobs_hash", "jobs_result")
"""Indexes that hold a uuid or a result to one job."""


class _Later(NamedTuple):
    """A statement that was put off."""

    name: str
    effect: Effect
    arguments: list[Value]
    unless: type[Exception] | None
    """Raised when it changes no row."""


class Database:
    """A transaction that runs statements by name, for functions that `bridged` runs.

    Raises from all: asyncpg's errors; KeyError: a value is missing
    """

    __slots__ = ("_begin", "_connection", "_later", "_one_by_one", "_statements")

    def __init__(
        self,
        connection: Any,
        statements: Mapping[str, Statement],
        *,
        one_by_one: bool = False,
        begin: str | None = None,
    ) -> None:
        """Keep a connection.

        Args: one_by_one: put no statement off, so that the first that fails is the first that was
        asked for; begin: what begins the transaction, sent with the locks where they come first;
        None: it has begun
        """
        self._begin = begin
        self._connection = connection
        self._statements = statements
        self._one_by_one = one_by_one
        self._later: list[_Later] = []

    def all(self, name: str, values: Values | None = None) -> list[Row]:
        """Run a query and return every row."""
        self._ready()
        statement = self._statements[name]
        rows = self._connection.fetch(statement.text, *statement.arguments(values))
        return [tuple(row) for row in wait_for(rows)]

    def one(self, name: str, values: Values | None = None) -> Row | None:
        """Run a query and return its first row, None when there is none."""
        found = self.all(name, values)
        return found[0] if found else None

    def run(self, name: str, values: Values | None = None) -> int:
        """Run a statement and return how many rows it changed."""
        self._ready()
        statement = self._statements[name]
        done = self._connection.execute(statement.text, *statement.arguments(values))
        # as in `UPDATE 3` and `INSERT 0 1`
        count = str(wait_for(done)).rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    def later(
        self, name: str, values: Values | None = None, *, unless: type[Exception] | None = None
    ) -> None:
        """Run a statement before the next one that answers, together with others (batches.py)."""
        if self._one_by_one:
            if not self.run(name, values) and unless is not None:
                raise unless
            return
        statement = self._statements[name]
        arguments = statement.arguments(values)
        self._later.append(_Later(name, _effect(statement.text), arguments, unless))

    def settle(self) -> None:
        """Run what was put off."""
        if self._begin is not None:
            self._say(())
        steps, self._later = self._later, []
        for places in in_order([one.effect for one in steps]):
            together = [steps[place] for place in places]
            text = _together(tuple(self._statements[one.name] for one in together))
            arguments = [value for one in together for value in one.arguments]
            (counts,) = wait_for(self._connection.fetch(text, *arguments))
            for one, count in zip(together, counts, strict=True):
                if not count and one.unless is not None:
                    raise one.unless

    def lock(
        self,
        *,
        users: Iterable[int] = (),
        waiting_on: Iterable[str] = (),
        accounts: Iterable[str] = (),
    ) -> frozenset[int] | None:
        """Lock users and then accounts, each by id. Returns: the users that are locked."""
        owners, waited, named = list(users), list(waiting_on), list(accounts)
        locks = None if waited else _locks(tuple(owners), tuple(named))
        if locks is not None:
            if self._later:
                self.settle()
            self._say(locks)
            return frozenset(owners)
        locked: frozenset[int] = frozenset()
        if owners or waited:
            values: Values = {"users": json.dumps(owners), "waiting_on": json.dumps(waited)}
            locked = frozenset(user_id for (user_id,) in self.all("lock_users", values))
        if named:
            self.all("lock_accounts", {"accounts": json.dumps(named)})
        return locked

    def _ready(self) -> None:
        """Have the transaction begun, and run what was put off."""
        if self._begin is not None:
            self._say(())
        if self._later:
            self.settle()

    def _say(self, statements: Sequence[str]) -> None:
        """Run statements without values in one message, after what begins the transaction."""
        first = () if self._begin is None else (self._begin,)
        self._begin = None
        told = "; ".join((*first, *statements))
        if told:
            wait_for(self._connection.execute(told))

    def is_uuid_taken(self, error: Exception) -> bool:
        """Tell whether an error says that a uuid or a result is another job's (I1)."""
        return isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name in _I1


@lru_cache(maxsize=1_000)
def _locks(users: tuple[int, ...], accounts: tuple[str, ...]) -> Sequence[str] | None:
    """Return the statements of the locks with their values; None where an id needs quoting."""
    if not all(_PLAIN.fullmatch(one) for one in accounts):
        return None
    rows = {"users": ("user_id", [str(int(one)) for one in users])}
    rows["accounts"] = ("account_id", [f"'{one}'" for one in accounts])
    return tuple(
        f"select 1 from {table} where {key} in ({', '.join(ids)})"  # noqa: S608
        f" order by {key} for no key update"
        for table, (key, ids) in rows.items()
        if ids
    )


@cache
def _effect(text: str) -> Effect:
    return effect_of(text)


@lru_cache(maxsize=1_000)
def _together(statements: tuple[Statement, ...]) -> str:
    return batched(statements).text


@cache
def queries() -> Mapping[str, Statement]:
    """Return every statement by name: those that the databases share, and its own."""
    folders = (files("waystation.store"), files("waystation.store.postgresql"))
    text = "".join(one.joinpath("queries.sql").read_text("utf-8") for one in folders)
    parsed = parse_queries(with_columns(text, CLOCK))
    return MappingProxyType({name: compiled(one) for name, one in parsed.items()})
