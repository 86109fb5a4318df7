"""Telling: lets the other nodes know of this node's accounts, so that each node answers the same.

How it works: the rows of the accounts say whether each hears Discord, and how long Discord asks it
to wait (ADR 28). Each second, and when an account is said to have moved, all accounts are compared
with what was told last; those that differ are written in one transaction.

Rules: nothing is written without a change; waits shorter than a second are told to nobody, and the
end of one that was told tells itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from waystation.engine.feed import race
from waystation.engine.nodes.node import Node
from waystation.errors import StoreError
from waystation.ports import AccountTold, Clock, Nodes, ToldWait

__all__ = ["LOOK_S", "Telling", "differ"]

log = structlog.get_logger("waystation.telling")

LOOK_S: Final = 1.0
"""Time between two looks."""

_SOON_S: Final = 0.05
"""Seconds from a move to its look, so that moves that come together are told together."""

_SAME: Final = timedelta(seconds=2)
"""Ends of a wait that differ by less are one and the same."""

Looked = Callable[[], Iterable[tuple[str, int, AccountTold]]]
"""Gives the accounts that this node has: account_id, epoch, and what is to be told now."""


class Telling:
    """Looks and tells until cancelled."""

    def __init__(self, nodes: Nodes, node: Node, clock: Clock, looked: Looked) -> None:
        self._nodes = nodes
        self._node = node
        self._clock = clock
        self._looked = looked
        self._moved = asyncio.Event()
        self._said: dict[str, tuple[int, AccountTold]] = {}

    def moved(self) -> None:
        """Look soon: an account may have changed."""
        self._moved.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await race(self._moved.wait(), self._clock.sleep(LOOK_S))
            await self._clock.sleep(_SOON_S)
            self._moved.clear()
            try:
                await self.round()
            except StoreError as error:
                log.warning("telling.round_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                log.exception("telling.round_failed")

    async def round(self) -> None:
        """Tell what has changed. Raises: StoreError: it is told in the next round."""
        run = self._node.current
        if run is None:
            return
        now, said = self._clock.now(), {}
        changed: list[tuple[str, int, AccountTold]] = []
        for account_id, epoch, told in self._looked():
            known = self._said.get(account_id)
            if known is None or known[0] != epoch or differ(known[1], told, now):
                changed.append((account_id, epoch, told))
            else:
                said[account_id] = known
        if changed:
            await self._nodes.tell(run.node_id, changed)
        self._said = said | {account_id: (epoch, told) for account_id, epoch, told in changed}


def differ(said: AccountTold, told: AccountTold, now: datetime) -> bool:
    """Tell whether what was said of an account is no longer true."""
    bare = [replace(one, wait=None, upload_wait=None) for one in (said, told)]
    return (
        bare[0] != bare[1]
        or _waits_differ(said.wait, told.wait, now)
        or _waits_differ(said.upload_wait, told.upload_wait, now)
    )


def _waits_differ(said: ToldWait | None, told: ToldWait | None, now: datetime) -> bool:
    if said is None or told is None:
        left = said or told
        return left is not None and left.until - now >= _SAME
    same_end = abs(said.until - told.until) < _SAME
    return not same_end or replace(said, until=told.until) != told
