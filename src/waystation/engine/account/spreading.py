"""Spreading: lets this node have its share of the accounts, and the jobs that come for them.

How it works: each round reads who has what. The node takes and gives back a few accounts, so that
all nodes come to have as many (nodes/balance.py), and drops those that another node has meanwhile.
Jobs that were accepted by other nodes are handed to their owners from their rows. Recovery from a
dead node is the same round: its accounts are free once its lease has ended.

A round comes when another node tells of a move, when the first lease of a node may end, and three
times within the length of a lease; where no news is heard, each five seconds. While accounts move,
one follows the other.

Rules: a round that the store breaks is made again; nothing is remembered between two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from contextvars import Context
from dataclasses import replace
from typing import Final

import structlog

from waystation.engine.account.pool import Pool
from waystation.engine.feed import race
from waystation.engine.nodes.balance import moves
from waystation.engine.nodes.node import Node
from waystation.errors import StoreError
from waystation.ports import Clock, Nodes, Ownership
from waystation.ports.wakes import Wakes

__all__ = ["GIVEN", "LOOK_HEARD_S", "LOOK_S", "TAKEN", "Spreading"]

log = structlog.get_logger("waystation.spreading")

LOOK_S: Final = 1.0
"""Time between two looks for jobs where no news of other nodes is heard."""

LOOK_HEARD_S: Final = 5.0
"""The same where it is: news may get lost."""

TAKEN: Final = 20
"""Accounts that a node takes in one round; each connects to Discord anew."""

GIVEN: Final = 5
"""Accounts that it gives back in one round."""

_MOVING_S: Final = 0.25
"""Time between two rounds while accounts move."""

_AGAIN_S: Final = 1.0
"""When a round is made again that the store has broken."""

_PARTS: Final = 3
"""How many rounds there are at least within the length of a lease."""

_UNHEARD_S: Final = 5.0
"""Longest time between two rounds where no news is heard: nobody tells of a node that has left."""

_JUST_AFTER_S: Final = 0.05
"""How long after the end of a lease its accounts are looked for."""

_MOVES: Final = "nodes"
"""The note that a node came or went, or that an account is free."""


class Spreading:
    """Makes its rounds until cancelled. Args: length_s: of a lease"""

    def __init__(
        self,
        nodes: Nodes,
        node: Node,
        pool: Pool,
        clock: Clock,
        wakes: Wakes,
        *,
        length_s: float,
    ) -> None:
        self._nodes = nodes
        self._node = node
        self._pool = pool
        self._clock = clock
        self._wakes = wakes
        self._every_s = length_s / _PARTS
        self._woken = asyncio.Event()
        self._moved = True
        self._changed = False
        self._giving: dict[str, asyncio.Task[None]] = {}
        """Accounts that are being given back."""
        self._known: str | None = None
        """The id under which this node has told of itself."""

    def heard(self, ids: Collection[str] | None) -> None:
        """Look now: another node has written about an account of ours, or accounts move."""
        if ids is None or _MOVES in ids:
            self._moved = True
            self._woken.set()
        elif any(self._is_ours(one) for one in ids):
            self._woken.set()

    def rows_changed(self) -> None:
        """Look at the rows of our accounts: a command line, or another node, has changed some."""
        self._changed = True
        self._woken.set()

    def look(self) -> None:
        """Let this node and the others look for free accounts."""
        self._moved = True
        self._woken.set()
        self._wakes.tell(_MOVES)

    def _is_ours(self, note: str) -> bool:
        kind, _, account_id = note.partition(":")
        return kind == "account" and self._pool.get(account_id) is not None

    async def run(self) -> None:
        """Make rounds until cancelled."""
        next_s = 0.0
        while True:
            self._woken.clear()
            try:
                if self._moved or self._clock.monotonic() >= next_s:
                    self._moved, next_s = False, self._clock.monotonic() + _AGAIN_S
                    next_s = self._clock.monotonic() + await self.round()
                if self._changed:
                    await self._refresh()
                await self.take_jobs()
            except StoreError as error:
                log.warning("spreading.round_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("spreading.round_failed")
            look_s = LOOK_HEARD_S if self._hears else LOOK_S
            wait_s = min(look_s, next_s - self._clock.monotonic())
            await race(self._woken.wait(), self._clock.sleep(max(0.0, wait_s)))

    async def _refresh(self) -> None:
        # before the look, so that no change during it is missed
        self._changed = False
        try:
            await self._pool.refresh()
        except Exception:
            self._changed = True
            raise

    async def round(self) -> float:
        """Take, give back and drop accounts; return when the next is due, in seconds.

        Raises: StoreError
        """
        await self._pool.started.wait()
        run = await self._node.now()
        if run.node_id != self._known:
            self._known = run.node_id
            self._wakes.tell(_MOVES)
        ownership = await self._nodes.ownership()
        owned = {owner.account.account_id for owner in self._pool.owners}
        for account_id in owned:
            if ownership.owners.get(account_id, "") not in (None, run.node_id):
                log.info("account.lost", account=account_id)
                await self._pool.lose(account_id)
        for account_id, node_id in ownership.owners.items():
            if node_id == run.node_id:
                # the row is this node's: without an owner nobody would act for the account
                await self._pool.own(account_id)
        busy = {account_id for account_id in owned if self._pool.holding(account_id)}
        seen = _with_those_on_their_way(ownership, owned, run.node_id)
        step = moves(run.node_id, seen, TAKEN, busy)
        for account_id in step.take:
            await self._pool.own(account_id)
        for account_id in step.give[:GIVEN]:
            if account_id not in self._giving:
                giving = asyncio.create_task(self._give(account_id), context=Context())
                self._giving[account_id] = giving
        if step.take or step.give:
            return _MOVING_S
        every_s = self._every_s if self._hears else min(self._every_s, _UNHEARD_S)
        if ownership.next_end_s is None:
            return every_s
        return min(every_s, ownership.next_end_s + _JUST_AFTER_S)

    @property
    def _hears(self) -> bool:
        return self._wakes.silent_since is None

    async def _give(self, account_id: str) -> None:
        """Give an account back, once what is being sent for it has left."""
        try:
            await self._pool.give(account_id)
            log.info("account.given", account=account_id)
            self.look()
        finally:
            del self._giving[account_id]

    async def take_jobs(self) -> None:
        """Hand jobs to their owners that another node has accepted, and take those it has ended.

        What goes wrong with one job, or with one owner that has just lost its hold, leaves the
        others as they are; the next look tries it again.

        Raises: StoreError: nothing could be read
        """
        run = self._node.current
        if run is None:
            return
        unsent = await self._nodes.unsent(run.node_id)
        for job in unsent:
            owner = self._pool.get(job.account_id)
            if owner is not None and owner.current(job.jobid) is None:
                await _alone(job.account_id, owner.take(job))
        known = {job.jobid for job in unsent}
        for owner in self._pool.owners:
            await _alone(owner.account.account_id, owner.look(known))


async def _alone(account_id: str, deed: Awaitable[None]) -> None:
    """Do something for one account; what goes wrong concerns that account alone."""
    try:
        await deed
    except StoreError as error:
        log.warning("spreading.not_taken", account=account_id, reason=error.message)
    except Exception:
        # part of the engine's loop: it records what happened and goes on
        log.exception("spreading.not_taken", account=account_id)


def _with_those_on_their_way(ownership: Ownership, owned: set[str], node_id: str) -> Ownership:
    """Count accounts as this node's that it is about to take."""
    owners = {
        account_id: node_id if owner is None and account_id in owned else owner
        for account_id, owner in ownership.owners.items()
    }
    return replace(ownership, owners=owners)
