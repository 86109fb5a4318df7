"""One fake per port: a clock set by hand and ids that count.

How the clock works: `sleep` waits until a test moves the time past its end. `advance` moves it at
once; `elapse` moves it from one sleeper's end to the next, so that a loop that sleeps again in
between is woken as often as it would be in real time.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from waystation.jobs import Nonce
from waystation.wire.snowflake import snowflake_at

__all__ = ["START", "FakeClock", "FakeIds"]

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When a fake clock starts unless told otherwise."""

_TURNS = 20
"""Turns of the event loop that a woken task gets before the time moves on."""


class FakeClock:
    """A `ports.Clock` that moves only when told to."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        """Return the instant as set."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        """Return the seconds moved since the start."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Return once the time has been moved that far; at once when not positive."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, self._count, waiter))
        self._slept.set()
        await waiter

    @property
    def sleepers(self) -> int:
        """How many tasks wait for the time to move."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    async def sleeping(self, count: int = 1) -> None:
        """Wait until at least `count` tasks sleep."""
        while self.sleepers < count:
            self._slept.clear()
            await asyncio.wait_for(self._slept.wait(), 5)

    def advance(self, seconds: float) -> None:
        """Move the time and wake every sleeper whose end has come, without running it."""
        self._elapsed_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            _, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)

    async def elapse(self, seconds: float) -> None:
        """Move the time sleeper by sleeper and let each run before the next."""
        end_s = self._elapsed_s + seconds
        await self._run()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            self.advance(max(0.0, self._sleepers[0][0] - self._elapsed_s))
            await self._run()
        self.advance(end_s - self._elapsed_s)
        await self._run()

    async def _run(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)


class FakeIds:
    """A `ports.IdSource` without chance: everything counts upwards and order is kept."""

    def __init__(self, fraction: float = 0.0) -> None:
        self._count = 0
        self.next_fraction = fraction

    def nonce(self, now: datetime) -> Nonce:
        """Return a nonce that names its instant and its place in the row."""
        self._count += 1
        return Nonce(snowflake_at(now, self._count))

    def token(self, size_bytes: int = 32) -> str:
        """Return `token-1`, `token-2` and so on."""
        self._count += 1
        return f"token-{self._count}"

    def shuffled(self, items: Sequence[str]) -> list[str]:
        """Return the items in the order given."""
        return list(items)

    def fraction(self) -> float:
        """Return `next_fraction`, which a test may set."""
        return self.next_fraction
