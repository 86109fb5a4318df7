"""Database and doors: what the store's transactions need of a database, whichever it is.

How it works: a transaction is a plain function whose first argument is the database. It computes
and asks, and does nothing else: a database may run it again from its beginning, and on PostgreSQL
others run at the same time (ADR 27). A door runs such functions, each as one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from waystation.store.columns import Row, Values

__all__ = ["Database", "Query", "Reading", "Reads", "Writing"]

_T = TypeVar("_T")


class Reads(Protocol):
    """Queries by name, within one transaction."""

    def one(self, name: str, values: Values | None = None) -> Row | None:
        """Run a query and return its first row, None when there is none."""
        ...

    def all(self, name: str, values: Values | None = None) -> list[Row]:
        """Run a query and return every row."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """A read of one query, for a door of reads: it needs no transaction around it."""

    name: str
    values: Values | None = None

    def __call__(self, reads: Reads) -> list[Row]:
        """Run it as any other read."""
        return reads.all(self.name, self.values)


class Database(Reads, Protocol):
    """Queries and statements by name, within one transaction that writes."""

    def run(self, name: str, values: Values | None = None) -> int:
        """Run a statement and return how many rows it changed."""
        ...

    def later(
        self, name: str, values: Values | None = None, *, unless: type[Exception] | None = None
    ) -> None:
        """Run a statement of which nobody needs an answer, now or a little later.

        It has run, in the order in which it was asked for, when this transaction reads, when
        `settle` returns, and when this transaction ends. So several such statements cost one way to
        a server and back.

        Args: unless: raised then, or now, when the statement changes no row
        """
        ...

    def settle(self) -> None:
        """Run what `later` has put off. Raises: its errors, here in place of the end."""
        ...

    def lock(
        self,
        *,
        users: Iterable[int] = (),
        waiting_on: Iterable[str] = (),
        accounts: Iterable[str] = (),
    ) -> frozenset[int] | None:
        """Hold others off from users and accounts until this transaction ends.

        The first thing that a transaction does which decides by what it reads. Who locks takes all
        at once, users before accounts, so that nobody waits in a ring. Does nothing where
        there is a single writer.

        Args: waiting_on: accounts; users of whom jobs wait for them are locked, too
        Returns: the users that are locked; None: all
        """
        ...

    def is_uuid_taken(self, error: Exception) -> bool:
        """Tell whether a statement's error says that a uuid or a result is another job's (I1)."""
        ...


class Writing(Protocol):
    """Door of transactions that write."""

    async def run(self, transaction: Callable[[Database], _T]) -> _T:
        """Run one transaction and return its value once it is durable.

        Raises: StoreError, or what the transaction raises; either way nothing was written
        """
        ...


class Reading(Protocol):
    """Door of reads. Those of one function see one moment."""

    async def run(self, read: Callable[[Reads], _T]) -> _T:
        """Run reads. Raises: StoreError, or what the function raises."""
        ...
