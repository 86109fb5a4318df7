"""Spreading: lets this node have its share of the accounts, and the jobs that come for them.

How it works: each round reads who has what. The node takes and gives back a few accounts, so that
all nodes come to have as many (nodes/balance.py), and drops those that another node has meanwhile.
Jobs that were accepted by other nodes are handed to their owners from their rows. Recovery from a
dead node is the same round: its accounts are free once its lease has ended.

Rules: a round that the store breaks is made again; nothing is remembered between two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from waystation.engine.account.pool import Pool
from waystation.engine.feed import race
from waystation.engine.nodes.balance import moves
from waystation.engine.nodes.node import Node
from waystation.errors import StoreError
from waystation.ports import Clock, Nodes

__all__ = ["LOOK_S", "STEP", "Spreading"]

log = structlog.get_logger("waystation.spreading")

LOOK_S: Final = 1.0
"""Time between two rounds, and between two looks for jobs that nobody has told of."""

STEP: Final = 5
"""Accounts that a node takes, or gives back, in one round; each connects to Discord anew."""


class Spreading:
    """Makes its rounds until cancelled."""

    def __init__(self, nodes: Nodes, node: Node, pool: Pool, clock: Clock) -> None:
        self._nodes = nodes
        self._node = node
        self._pool = pool
        self._clock = clock
        self._woken = asyncio.Event()

    def heard(self, ids: Collection[str] | None) -> None:
        """Look now: another node has written about an account."""
        if ids is None or any(one.startswith("account:") for one in ids):
            self._woken.set()

    async def run(self) -> None:
        """Make rounds until cancelled."""
        next_s = 0.0
        while True:
            self._woken.clear()
            try:
                if self._clock.monotonic() >= next_s:
                    next_s = self._clock.monotonic() + LOOK_S
                    await self.round()
                await self.take_jobs()
            except StoreError as error:
                log.warning("spreading.round_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("spreading.round_failed")
            await race(self._woken.wait(), self._clock.sleep(LOOK_S))

    async def round(self) -> None:
        """Take, give back and drop accounts. Raises: StoreError"""
        await self._pool.started.wait()
        run = await self._node.now()
        ownership = await self._nodes.ownership()
        owned = {owner.account.account_id for owner in self._pool.owners}
        for account_id in owned:
            if ownership.owners.get(account_id) not in (None, run.node_id):
                log.info("account.lost", account=account_id)
                await self._pool.lose(account_id)
        busy = {account_id for account_id in owned if self._pool.holding(account_id)}
        step = moves(run.node_id, ownership, STEP, busy)
        for account_id in step.take:
            await self._pool.own(account_id)
        for account_id in step.give:
            log.info("account.given", account=account_id)
        await asyncio.gather(*(self._pool.give(account_id) for account_id in step.give))

    async def take_jobs(self) -> None:
        """Hand jobs to their owners that another node has accepted. Raises: StoreError"""
        run = self._node.current
        if run is None:
            return
        for job in await self._nodes.unsent(run.node_id):
            owner = self._pool.get(job.account_id)
            if owner is not None and owner.current(job.jobid) is None:
                await owner.take(job)
