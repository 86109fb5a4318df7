"""Node: the right of this process to act for accounts, renewed long before it ends (R17).

How it works: a node is one run. It begins with an id of its own, and its lease is renewed by one
statement for all its accounts. Once the lease has ended, this run is over for good: all that was
held under it is dropped, and a new run begins under a new id (ADR 28).

Rules: the end is counted by the monotonic clock, from before the store was asked. A renewal that
failed, or was not answered, counts as not renewed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from waystation.errors import LeaseLost, StoreError
from waystation.ports import Clock, Nodes

__all__ = ["Node", "Run"]

log = structlog.get_logger("waystation.node")

_BEGIN_AGAIN_S: Final = 1.0
"""When a run is begun again that the store did not let begin."""

_MARGIN_S: Final = 1.0
"""How long before the end of the lease the last request ends, at most."""

_PARTS: Final = 3
"""How often a lease is renewed within its length; a failed renewal is repeated as much faster."""


class Run:
    """One run: an id, and until when it may act."""

    def __init__(self, node_id: str, ends: float) -> None:
        self.node_id = node_id
        self.ends = ends
        """Monotonic seconds."""
        self.over = asyncio.Event()
        """Set once the lease is lost: nothing that was taken under it may be used any more."""


class Node:
    """This process as a node. Args: length_s: of a lease; name: what people call this process"""

    def __init__(
        self,
        nodes: Nodes,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        length_s: float,
        name: str = "",
    ) -> None:
        self._nodes = nodes
        self._clock = clock
        self._new_id = new_id
        self._length_s = length_s
        self._name = name
        self._run: Run | None = None
        self._began = asyncio.Event()
        self._beginning = asyncio.Lock()
        self._left = False

    @property
    def current(self) -> Run | None:
        """The run that goes on; None between two."""
        return self._run

    async def now(self) -> Run:
        """Return the run that goes on, as soon as there is one."""
        while self._run is None:
            await self._began.wait()
        return self._run

    async def begin(self) -> Run:
        """Begin a run if none goes on. Raises: StoreError."""
        # of two runs one would be renewed, and the other one used
        async with self._beginning:
            if self._run is None:
                node_id, asked_at = self._new_id(), self._clock.monotonic()
                await self._nodes.begin(node_id, self._name, timedelta(seconds=self._length_s))
                self._run = Run(node_id, asked_at + self._length_s)
                self._began.set()
                log.info("node.began", node=node_id)
            return self._run

    async def run(self) -> None:
        """Keep the lease until cancelled or `leave`, one run after the other."""
        while not self._left:
            try:
                run = await self.begin()
            except StoreError as error:
                log.warning("node.not_begun", reason=error.message)
                await self._clock.sleep(_BEGIN_AGAIN_S)
                continue
            await self._keep(run)
            if not run.over.is_set():
                self._end(run)
                log.warning("node.over", node=run.node_id)

    async def leave(self) -> None:
        """Give the lease back, and with it all accounts; where that fails, it ends by itself."""
        run, self._left = self._run, True
        if run is not None:
            self._end(run)
            try:
                await self._nodes.leave(run.node_id)
            except StoreError as error:
                log.warning("node.not_left", node=run.node_id, reason=error.message)

    def request_timeout_s(self, run: Run, limit_s: float) -> float:
        """Return how long a request may take: never past the lease.

        Raises: LeaseLost: nothing remains
        """
        margin_s = min(_MARGIN_S, self._length_s / 10)
        remains_s = run.ends - self._clock.monotonic() - margin_s
        if remains_s <= 0 or run.over.is_set():
            raise LeaseLost
        return min(limit_s, remains_s)

    async def _keep(self, run: Run) -> None:
        """Renew a lease until it is lost."""
        wait_s = self._length_s / _PARTS
        while not run.over.is_set():
            await self._clock.sleep(wait_s)
            asked_at = self._clock.monotonic()
            renewed = await self._renewed(run)
            if renewed:
                run.ends = asked_at + self._length_s
                wait_s = self._length_s / _PARTS
            elif renewed is None and self._clock.monotonic() < run.ends:
                wait_s = min(self._length_s / _PARTS**2, run.ends - self._clock.monotonic())
            else:
                return

    async def _renewed(self, run: Run) -> bool | None:
        """Tell whether a lease was renewed; None where nobody knows."""
        asked = asyncio.ensure_future(
            self._nodes.renew(run.node_id, timedelta(seconds=self._length_s))
        )
        # not past the end: an answer that comes later is of no use
        end = asyncio.ensure_future(self._clock.sleep(max(0.0, run.ends - self._clock.monotonic())))
        try:
            await asyncio.wait((asked, end), return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else None
        except StoreError as error:
            log.warning("node.not_renewed", node=run.node_id, reason=error.message)
            return None
        finally:
            for one in (asked, end):
                one.cancel()

    def _end(self, run: Run) -> None:
        run.over.set()
        self._run = None
        self._began.clear()
