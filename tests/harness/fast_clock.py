"""FastClock: the service's clocks, run faster, so that a test sees its default pauses pass."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from waystation.clock import SystemClock

__all__ = ["FastClock"]


class FastClock(SystemClock):
    """A clock of which `RATE` seconds pass in one. Requests take as long as they take."""

    RATE = 6.0

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._wall_began = datetime.now(UTC)
        super().__init__(self._wall_now, self._seconds)

    def _seconds(self) -> float:
        return (time.monotonic() - self._began) * self.RATE

    def _wall_now(self) -> datetime:
        return self._wall_began + timedelta(seconds=self._seconds())

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        await asyncio.sleep(max(0.0, seconds) / self.RATE)
