"""StoreNodes: the leases of nodes, and which accounts each node has (ADR 28).

How it works: a node has one row, and each account that it has has one. A lease that has ended is
never renewed. Whoever takes an account from a node deletes that node's row, in the same transaction
and only where its lease has ended: a renewal that was on its way is waited for, and a later one
finds no row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from waystation.errors import LeaseLost, NotFound
from waystation.jobs import Job
from waystation.ports import AccountTold, Clock, LiveNode, Ownership
from waystation.store.columns import Row, Values, micros
from waystation.store.rows import JOBS
from waystation.store.transactions.database import Database, Query, Reading, Reads, Writing

__all__ = ["StoreNodes", "begin", "let_go", "ownership", "renew", "span_of", "take", "tell"]

_T = TypeVar("_T")


class StoreNodes:
    """`ports.Nodes` on the doors of a database.

    Rules: `clock` is what a database within the process goes by; another has a clock of its own.
    """

    def __init__(
        self, writer: Writing, near: Reading, clock: Clock, urgent: Writing | None = None
    ) -> None:
        self._writer = writer
        self._urgent = urgent or writer
        self._near = near
        self._clock = clock
        self.keys: Sequence[str] = ()
        """Names of this process's keys, which its nodes tell."""

    async def begin(self, node_id: str, name: str, length: timedelta) -> None:
        keys = self.keys
        await self._write(lambda database, at: begin(database, node_id, name, length, at, keys))

    async def renew(self, node_id: str, length: timedelta) -> bool:
        at = micros(self._clock.now())
        return await self._urgent.run(lambda database: renew(database, node_id, length, at))

    async def leave(self, node_id: str) -> None:
        await self._writer.run(lambda database: database.run("leave_node", {"node_id": node_id}))

    async def take(self, account_id: str, node_id: str, *, free_only: bool = False) -> int:
        return await self._write(
            lambda database, at: take(database, account_id, node_id, at, free_only=free_only)
        )

    async def let_go(self, account_id: str, node_id: str, epoch: int) -> None:
        await self._writer.run(lambda database: let_go(database, account_id, node_id, epoch))

    async def ownership(self) -> Ownership:
        return await self._near.run(lambda reads: ownership(reads, micros(self._clock.now())))

    async def tell(self, node_id: str, told: Sequence[tuple[str, int, AccountTold]]) -> None:
        await self._writer.run(lambda database: tell(database, node_id, told))

    async def told(self, account_id: str) -> AccountTold:
        values: Values = {"account_id": account_id, "clock": micros(self._clock.now())}
        rows = await self._near.run(Query("told_account", values))
        return _told(rows[0][0]) if rows else AccountTold()

    async def told_of(self, user_id: int) -> Mapping[str, AccountTold]:
        values: Values = {"user_id": user_id, "clock": micros(self._clock.now())}
        return _by_account(await self._near.run(Query("told_accounts", values)))

    async def waits_of(self, user_id: int, at: datetime) -> Mapping[str, AccountTold]:
        named: Values = {"user_id": user_id, "at": micros(at)}
        values: Values = {**named, "clock": micros(self._clock.now())}
        return _by_account(await self._near.run(Query("told_waits", values)))

    async def live(self) -> Sequence[LiveNode]:
        values: Values = {"clock": micros(self._clock.now())}
        rows = await self._near.run(Query("nodes_with_keys", values))
        return [
            LiveNode(node_id, name, left / 1e6, number, json.loads(keys))
            for node_id, name, left, number, keys in rows
        ]

    async def unsent(self, node_id: str, limit: int = 500) -> Sequence[Job]:
        found: list[Job] = []
        after: Values = {"after_at": -(2**63), "after_id": ""}
        while True:
            values: Values = {"node_id": node_id, "limit": limit, **after}
            rows = await self._near.run(Query("unsent_jobs", values))
            found += [JOBS.read(row) for row in rows]
            if len(rows) < limit:
                return found
            after = {"after_at": micros(found[-1].created_at), "after_id": found[-1].jobid}

    async def _write(self, transaction: Callable[[Database, int], _T]) -> _T:
        return await self._writer.run(
            lambda database: transaction(database, micros(self._clock.now()))
        )


def begin(
    database: Database,
    node_id: str,
    name: str,
    length: timedelta,
    at: int,
    keys: Sequence[str] = (),
) -> None:
    """Insert a node. Units of all here: `at` microseconds."""
    values: Values = {"node_id": node_id, "name": name, "length": span_of(length), "clock": at}
    database.run("begin_node", {**values, "keys": json.dumps(list(keys))})


def renew(database: Database, node_id: str, length: timedelta, at: int) -> bool:
    """Renew a lease that has not ended; False: it has."""
    values: Values = {"node_id": node_id, "length": span_of(length), "clock": at}
    return bool(database.run("renew_node", values))


def take(
    database: Database, account_id: str, node_id: str, at: int, *, free_only: bool = False
) -> int:
    """Give an account to a node and return its new epoch.

    Raises: LeaseLost: another node has it, or this one is over; NotFound
    """
    named: Values = {"account_id": account_id}
    # first of all: who waits here for a process that is frozen must hold up no renewal of its own
    database.lock(accounts=[account_id])
    _free_of_the_dead(database, named, node_id, at)
    if not database.run("keep_node", {"node_id": node_id, "clock": at}):
        raise LeaseLost("The lease of this process has ended")
    row = database.one("assignment", named)
    if row is not None and (free_only or row[0] != node_id):
        raise LeaseLost
    raised = database.one("next_epoch", named)
    if raised is None:
        raise NotFound("There is no such account.")
    database.run("assign", {**named, "node_id": node_id, "epoch": raised[0]})
    return int(raised[0])


def _free_of_the_dead(database: Database, named: Values, node_id: str, at: int) -> None:
    """Delete the node that has an account, if it is another one and its lease has ended."""
    row = database.one("assignment", named)
    if row is not None and row[0] != node_id:
        database.run("drop_lapsed_node", {"node_id": row[0], "clock": at})


def let_go(database: Database, account_id: str, node_id: str, epoch: int) -> None:
    """Give an account back; nothing when it was taken again meanwhile."""
    values: Values = {"account_id": account_id, "node_id": node_id, "epoch": epoch}
    database.run("let_go", values)


def tell(database: Database, node_id: str, told: Sequence[tuple[str, int, AccountTold]]) -> None:
    """Write down what a node tells of its accounts, in the order of their ids."""
    for account_id, epoch, one in sorted(told, key=lambda row: row[0]):
        ends = [wait.until for wait in (one.wait, one.upload_wait) if wait is not None]
        values: Values = {
            "account_id": account_id,
            "node_id": node_id,
            "epoch": epoch,
            "told": msgspec.json.encode(one).decode(),
            "waits_until": micros(max(ends)) if ends else 0,
        }
        database.later("tell_account", values)


def ownership(reads: Reads, at: int) -> Ownership:
    """Return who has what."""
    values: Values = {"clock": at}
    live = reads.all("live_nodes", values)
    next_end_s = min((left / 1e6 for _, left in live), default=None)
    return Ownership([one for one, _ in live], dict(reads.all("owners", values)), next_end_s)


def _told(text: str) -> AccountTold:
    # fields of a newer version are left out, and those that an older one lacks are as by default
    return msgspec.json.decode(text, type=AccountTold)


def _by_account(rows: Sequence[Row]) -> Mapping[str, AccountTold]:
    return {account_id: _told(text) for account_id, text in rows}


def span_of(length: timedelta) -> int:
    """Return whole microseconds."""
    return length // timedelta(microseconds=1)
