"""Shares: how much of something one user may hold at once, and all users together (R43).

How it works: whoever wants some waits in line until it fits into the user's share and into the
whole. A user whose share is full lets those behind pass; what does not fit into the whole holds up
those behind, or large wishes would never come true. Nothing is kept for users who hold nothing.
Whoever holds something already gets more only up to half of all that the others leave: users who
take all they can get then leave the next one something, however they work together. Of one user
only so many may wait: each brings something along.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

__all__ = ["Held", "Part", "Shares"]

_Holder = TypeVar("_Holder")


class Held(Counter[_Holder]):
    """Holder → how much it holds; nothing is kept for those who hold nothing."""

    def give_back(self, holder: _Holder, amount: int = 1) -> None:
        """Take some of it away."""
        self[holder] -= amount
        if self[holder] <= 0:
            del self[holder]


@dataclass(eq=False, slots=True)
class _Wish:
    user_id: int
    amount: int
    granted: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True)
class Part:
    """The part of one holder."""

    amount: int
    _give_back: Callable[[int], None]

    def keep(self, amount: int) -> None:
        """Give back all but so much."""
        surplus = max(0, self.amount - amount)
        self.amount -= surplus
        self._give_back(surplus)


class Shares:
    """Hands out places or bytes.

    Args: per_user, in_all: the most that may be held at once; line: how many of one user may wait;
    None: any number
    """

    def __init__(self, per_user: int, in_all: int, line: int | None = None) -> None:
        self._per_user = per_user
        self._in_all = in_all
        self._most_in_line = line
        self._held: Held[int] = Held()
        self._line: deque[_Wish] = deque()
        self.held = 0
        """How much is held by all."""

    @asynccontextmanager
    async def hold(self, user_id: int, amount: int, wait_s: float | None) -> AsyncIterator[Part]:
        """Hold an amount, waiting for it at most so long; more than a share is cut to it.

        Args: wait_s: None: as long as it takes
        Raises: TimeoutError: that time is over, or too many of the user wait already
        """
        amount = min(amount, self._per_user, self._in_all)
        await self._take(_Wish(user_id, amount), wait_s)
        part = Part(amount, partial(self._give_back, user_id))
        try:
            yield part
        finally:
            part.keep(0)

    async def _take(self, wish: _Wish, wait_s: float | None) -> None:
        self._line.append(wish)
        self._grant()
        if self._most_in_line is not None and wish in self._line:
            waiting = sum(other.user_id == wish.user_id for other in self._line)
            if waiting > self._most_in_line:
                self._line.remove(wish)
                raise TimeoutError
        try:
            async with asyncio.timeout(wait_s):
                await wish.granted
        except BaseException:
            if wish in self._line:
                self._line.remove(wish)
                self._grant()
            else:  # granted and given up in the same moment
                self._give_back(wish.user_id, wish.amount)
            raise

    def _give_back(self, user_id: int, amount: int) -> None:
        self.held -= amount
        self._held.give_back(user_id, amount)
        self._grant()

    def _room(self, user_id: int) -> int:
        """Return how much more a user may hold."""
        held = self._held[user_id]
        if held == 0:
            return self._per_user
        left_by_others = self._in_all - (self.held - held)
        return min(self._per_user, left_by_others // 2) - held

    def _grant(self) -> None:
        for wish in tuple(self._line):
            if wish.amount > self._room(wish.user_id):
                continue
            if self.held + wish.amount > self._in_all:
                return
            self.held += wish.amount
            self._held[wish.user_id] += wish.amount
            self._line.remove(wish)
            if not wish.granted.done():
                wish.granted.set_result(None)
