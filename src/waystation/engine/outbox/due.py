"""DueLoop: does what the store says is due, woken by a doorbell or the clock, never by polling."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from waystation.ports import Clock

__all__ = ["DueLoop"]

SHORTEST_WAIT_S: Final = 1.0
"""When something is due that could not be claimed: another process or the other loop has it."""
LONGEST_WAIT_S: Final = 30.0
"""A claim that a dead process left behind rings nobody's bell when it runs out."""
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits after rounds that failed; the last repeats."""

_log = structlog.get_logger(__name__)


class Due(Protocol):
    """Knows when something is due."""

    async def next_due(self) -> datetime | None:
        """Return when the next is due, None when nothing waits."""
        ...


class DueLoop:
    """Calls `take` whenever something may be due, and looks after the work it starts.

    Args: take: claims what is due and starts it; returns how much that was, and whether there may
    be more right now. drain_s: how long work under way may go on after `stop`
    """

    def __init__(
        self,
        name: str,
        store: Due,
        clock: Clock,
        take: Callable[[], Awaitable[tuple[int, bool]]],
        drain_s: float,
    ) -> None:
        self._name = name
        self._store = store
        self._clock = clock
        self._take = take
        self._drain_s = drain_s
        self._bell = asyncio.Event()
        self._stopped = asyncio.Event()
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakes_at: datetime | None = None
        self._idle.set()

    @property
    def stopping(self) -> bool:
        """True when `stop` was called."""
        return self._stopped.is_set()

    @property
    def under_way(self) -> int:
        """How much started work has not ended."""
        return len(self._tasks)

    def nudge(self) -> None:
        """Look now: something became due."""
        self._bell.set()

    def expect(self, at: datetime) -> None:
        """Look no later than `at`: something becomes due then."""
        # While a round runs nobody knows when it will wake next, so it looks once more.
        if self._wakes_at is None or at < self._wakes_at:
            self._bell.set()

    def stop(self) -> None:
        """Let `run` return when the work under way has ended."""
        self._stopped.set()
        self._bell.set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run some work beside the loop. Cancelled, it is left to its claim."""
        task = asyncio.create_task(self._outlive(work))
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self._ended)
        return task

    async def run(self) -> None:
        """Loop until `stop`, then drain. Cancelled, it leaves what is under way to its claims."""
        try:
            await self._rounds()
            await self._wait(self._idle, self._drain_s)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _rounds(self) -> None:
        """Look again and again; a store that fails is asked ever more slowly."""
        failures = 0
        while not self.stopping:
            self._bell.clear()
            try:
                wait_s = await self._round()
            except Exception as error:
                # One of the engine's loops: it records what happened and goes on. The bell does
                # not cut this wait short, or a busy service would hammer a broken store.
                wait_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
                _log.error(f"{self._name}.round_failed", error=repr(error), again_in_s=wait_s)
                await self._wait(self._stopped, wait_s)
            else:
                failures = 0
                self._wakes_at = self._clock.now() + timedelta(seconds=wait_s)
                await self._wait(self._bell, wait_s)
                self._wakes_at = None

    async def _round(self) -> float:
        """Take what is due and return how long to wait then."""
        taken, more = await self._take()
        if more:
            return 0.0
        due = await self._store.next_due()
        if due is None:
            return LONGEST_WAIT_S
        wait_s = (due - self._clock.now()).total_seconds()
        if wait_s <= 0:
            return 0.0 if taken else SHORTEST_WAIT_S
        return min(wait_s, LONGEST_WAIT_S)

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when the event is set, or after the seconds."""
        if seconds <= 0 or event.is_set():
            await asyncio.sleep(0)
            return
        either = (
            asyncio.ensure_future(event.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        )
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in either:
                one.cancel()
            await asyncio.gather(*either, return_exceptions=True)

    async def _outlive(self, work: Coroutine[None, None, None]) -> None:
        """Run work whose failure is its own."""
        try:
            await work
        except Exception as error:
            # Part of the engine's loop: it is left to its claim, the others go on.
            _log.error(f"{self._name}.work_failed", error=repr(error))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()
