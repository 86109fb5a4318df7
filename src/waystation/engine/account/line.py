"""Line: accounts are taken over in steps, so that a start with many of them holds up nobody else.

How it works: twenty are on their way at once, and after so many one begins in each fiftieth of a
second. An account is on its way until it hears Discord, or for some seconds. So a slow machine
takes longer, and answers meanwhile. An account that somebody asks for goes first. The line is one
of this process: it orders, and decides nothing that a row does not say.
"""

from __future__ import annotations

import asyncio
from typing import Final

from waystation.engine.feed import Bell, race
from waystation.ports import Clock

__all__ = ["AT_ONCE", "ON_THE_WAY_S", "STEP_S", "Line"]

AT_ONCE: Final = 20
"""Accounts that are on their way at once, and that begin at once after a rest."""

ON_THE_WAY_S: Final = 5.0
"""How long one counts as on its way that does not arrive: others need not wait for its network."""

STEP_S: Final = 0.02
"""Pause between two accounts: a thousand send IDENTIFY in twenty seconds, not in one."""


class Line:
    """Owners that wait to take their account over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, asyncio.Future[None]] = {}
        """Account_id → its turn, in their order."""
        self._hastened: set[str] = set()
        self._rested_at = float("-inf")
        """Monotonic seconds at which as many as ever may be taken at once."""
        self._on_the_way: dict[str, float] = {}
        """Account_id → monotonic seconds at which it began, the first first."""
        self._moved = Bell()
        self._calling: asyncio.Task[None] | None = None

    def __contains__(self, account_id: object) -> bool:
        return account_id in self._waiting

    async def turn(self, account_id: str) -> None:
        """Return when an account may be taken over."""
        if not self._waiting and self._wait_s() <= 0:
            self._took(account_id)
            return
        turn = self._waiting[account_id] = asyncio.get_running_loop().create_future()
        if self._calling is None:
            self._calling = asyncio.create_task(self._call())
        try:
            await turn
        finally:
            self._waiting.pop(account_id, None)
            self._hastened.discard(account_id)
            if not self._waiting and self._calling is not None:
                self._calling.cancel()
                self._calling = None

    def hasten(self, account_id: str) -> None:
        """Let an account go before all that nobody asks for."""
        self._hastened.add(account_id)

    def arrived(self, account_id: str) -> None:
        """Let the next one begin: an account hears Discord, or has given up for now."""
        if self._on_the_way.pop(account_id, None) is not None:
            self._moved.ring()

    async def _call(self) -> None:
        while self._waiting:
            if (wait_s := self._wait_s()) > 0:
                await race(self._moved.wait(), self._clock.sleep(wait_s))
                continue
            first = next((one for one in self._waiting if one in self._hastened), None)
            account_id = first or next(iter(self._waiting))
            turn = self._waiting.pop(account_id)
            self._took(account_id)
            if not turn.done():
                turn.set_result(None)
        self._calling = None

    def _wait_s(self) -> float:
        """Return how long nobody may begin, unless somebody arrives."""
        now_s = self._clock.monotonic()
        # half a step, so that rounding keeps back nobody who may go at once
        until_s = self._rested_at - (AT_ONCE - 0.5) * STEP_S
        if len(self._on_the_way) >= AT_ONCE:
            until_s = max(until_s, next(iter(self._on_the_way.values())) + ON_THE_WAY_S)
        return until_s - now_s

    def _took(self, account_id: str) -> None:
        now_s = self._clock.monotonic()
        self._hastened.discard(account_id)
        self._rested_at = max(self._rested_at, now_s) + STEP_S
        if len(self._on_the_way) >= AT_ONCE:
            del self._on_the_way[next(iter(self._on_the_way))]
        self._on_the_way.pop(account_id, None)
        self._on_the_way[account_id] = now_s
