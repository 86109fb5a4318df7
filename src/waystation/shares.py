"""Shares: how much of something one user may hold at once, and all users together (R43).

How it works: whoever wants some waits in line until it fits into the user's share and into the
whole. A user whose share is full lets those behind pass; what does not fit into the whole holds up
those behind, or large wishes would never come true. Nothing is kept for users who hold nothing.
Whoever holds something already gets another part only up to half of all that the others leave:
users who take all they can get then leave the next one something, however they work together. Of
one user only so many may wait: each brings something along.

A part can grow, if its holder says by how much at most. Holders who each wait for what the others
hold would wait for ever, so the rule of a banker holds (Dijkstra, EWD 108): room is kept aside for
the growing parts, so much that one of them can have all it wants, the next one too when the first
gives back what it has, and so on. Parts that grow come before those who hold nothing yet.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
class Part:
    """The part of one holder."""

    user_id: int
    amount: int
    more: int
    """By how much it may still grow."""
    _shares: Shares

    async def grow(self, amount: int, wait_s: float | None) -> None:
        """Hold more. Raises: TimeoutError: that time is over."""
        amount = min(amount, self._shares.per_user - self.amount)
        await self._shares.take(_Wish(self, amount, grows=True), wait_s)

    def keep(self, amount: int) -> None:
        """Give back all but so much."""
        self._shares.give_back(self, max(0, self.amount - amount))


@dataclass(eq=False, slots=True)
class _Wish:
    part: Part
    amount: int
    grows: bool
    """True: its holder has something already."""
    granted: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Shares:
    """Hands out places or bytes.

    Args: per_user, in_all: the most that may be held at once; line: how many of one user may wait;
    None: any number
    """

    def __init__(self, per_user: int, in_all: int, line: int | None = None) -> None:
        self.per_user = min(per_user, in_all)
        self._in_all = in_all
        self._most_in_line = line
        self._held: Held[int] = Held()
        self._line: deque[_Wish] = deque()
        self._growing: set[Part] = set()
        self.held = 0
        """How much is held by all."""

    @asynccontextmanager
    async def hold(
        self, user_id: int, amount: int, wait_s: float | None, *, more: int = 0
    ) -> AsyncIterator[Part]:
        """Hold an amount, waiting for it at most so long; more than a share is cut to it.

        Args: wait_s: None: as long as it takes; more: by how much the part may grow
        Raises: TimeoutError: that time is over, or too many of the user wait already
        """
        amount = min(amount, self.per_user)
        part = Part(user_id, 0, min(more, self.per_user - amount), self)
        await self.take(_Wish(part, amount, grows=False), wait_s)
        try:
            yield part
        finally:
            self._growing.discard(part)
            part.keep(0)

    async def take(self, wish: _Wish, wait_s: float | None) -> None:
        """Wait in line until a wish comes true. Raises: TimeoutError."""
        self._line.append(wish)
        self._grant()
        if self._most_in_line is not None and wish in self._line:
            waiting = sum(other.part.user_id == wish.part.user_id for other in self._line)
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
            elif not wish.grows:  # granted and given up in the same moment
                self._growing.discard(wish.part)
                wish.part.keep(0)
            raise

    def give_back(self, part: Part, amount: int) -> None:
        """Take some of a part away."""
        part.amount -= amount
        self.held -= amount
        self._held.give_back(part.user_id, amount)
        self._grant()

    def _room(self, wish: _Wish) -> int:
        """Return how much more a user may hold."""
        held = self._held[wish.part.user_id]
        if held == 0 or wish.grows:
            return self.per_user - held
        left_by_others = self._in_all - (self.held - held)
        return min(self.per_user, left_by_others // 2) - held

    def _grant(self) -> None:
        growing = [wish for wish in self._line if wish.grows]
        for wish in growing:
            if self._fits(wish) and self._leaves_a_way(wish):
                self._give(wish)
        aside = _aside(self._growing)
        for wish in [wish for wish in self._line if not wish.grows]:
            if wish.amount > self._room(wish):
                continue
            if not self._fits(wish):
                return
            part = wish.part
            wanted = _aside((*self._growing, _grown(wish))) if part.more else aside
            if self.held + wish.amount + wanted <= self._in_all:
                self._give(wish)
                aside = wanted

    def _fits(self, wish: _Wish) -> bool:
        fits = self.held + wish.amount <= self._in_all
        return fits and wish.amount <= self._room(wish)

    def _leaves_a_way(self, wish: _Wish) -> bool:
        """Tell whether all that grow can have all they want, if a part grows now.

        Parts that do not grow are given back in their time, so that they count as room here.
        """
        grown = _grown(wish)
        growing: list[Part | _Grown] = [part for part in self._growing if part is not wish.part]
        if grown.more:
            growing.append(grown)
        room = self._in_all - sum(part.amount for part in growing)
        return _aside(growing) <= room

    def _give(self, wish: _Wish) -> None:
        self._line.remove(wish)
        part = wish.part
        self.held += wish.amount
        self._held[part.user_id] += wish.amount
        part.amount += wish.amount
        if wish.grows:
            part.more = max(0, part.more - wish.amount)
        if part.more:
            self._growing.add(part)
        else:
            self._growing.discard(part)
        if not wish.granted.done():
            wish.granted.set_result(None)


@dataclass(frozen=True, slots=True)
class _Grown:
    """A part as it would be."""

    amount: int
    more: int


def _grown(wish: _Wish) -> _Grown:
    part = wish.part
    wanted = max(0, part.more - wish.amount) if wish.grows else part.more
    return _Grown(part.amount + wish.amount, wanted)


def _aside(growing: Iterable[Part | _Grown]) -> int:
    """Return how much must be free, so that one after the other can grow to all it wants."""
    least, given_back = 0, 0
    for part in sorted(growing, key=lambda part: part.more):
        least = max(least, part.more - given_back)
        given_back += part.amount
    return least
