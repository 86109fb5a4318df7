"""Limits that all nodes of an installation count together (R35, R44).

How it works: `Allowance` asks the database each time, for what is rare. `SharedThrottle` knows in
memory what happened here. It shares that at once, and then twice a second at most, however much
happens; with each sharing it learns what has happened on other nodes.

Rules: a flood costs few writes, and none once its key is full; a request that fails nothing costs
no read.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog

from waystation.engine.throttle import KEY_LENGTH, Throttle
from waystation.errors import StoreError
from waystation.ports import Clock, Counted, Tallies, Tally
from waystation.quotas import Quota

__all__ = ["Allowance", "SharedThrottle"]

log = structlog.get_logger("waystation.throttle")

SHARE_S: Final = 0.5
"""Time between two sharings, at least."""

_AGAIN_S: Final = 5.0
"""Time after which it is tried again where the database was away."""

_LOOK_S: Final = 10.0
"""Time for which it is remembered that a key is not full."""

_SHARED_AT_ONCE: Final = 500
"""Keys of one sharing; the others follow with the next ones."""

_KEYS: Final = 10_000
"""Keys that are remembered; the oldest give way."""


class Allowance:
    """Events that a user may cause so often within a window."""

    def __init__(self, tallies: Tallies, counted: Counted, limit: int) -> None:
        self._tallies = tallies
        self._counted = counted
        self._limit = limit

    async def full(self, key: str, partition: str = "") -> Quota | None:
        """Return the quota that is used up; None: it is not. Raises: StoreError."""
        tally = await self._tallies.look(self._counted, key)
        return self._quota(tally, partition) if tally.number >= self._limit else None

    async def take(self, key: str, user_id: int, partition: str = "") -> Quota | None:
        """Count one more event; where too many happened, return the quota that is used up.

        Raises: StoreError
        """
        # a refusal writes nothing
        quota = await self.full(key, partition)
        if quota is not None:
            return quota
        tally = await self._tallies.take(self._counted, key, self._limit, user_id)
        return None if tally is None else self._quota(tally, partition)

    async def give_back(self, key: str) -> None:
        """Take back an event that was counted before it was known. Raises: StoreError."""
        await self._tallies.give_back(self._counted, key)

    def _quota(self, tally: Tally, partition: str) -> Quota:
        return _used_up(self._counted, self._limit, tally.resets_s, partition)


class SharedThrottle:
    """Events that are counted when they have happened."""

    def __init__(self, tallies: Tallies, clock: Clock, counted: Counted, limit: int) -> None:
        self._tallies = tallies
        self._clock = clock
        self._counted = counted
        self._limit = limit
        self._own = Throttle(counted.window, limit, _KEYS)
        self._unshared: Counter[str] = Counter()
        self._full_until: dict[str, float] = {}
        """Key → monotonic seconds until which the installation has reached the limit."""
        self._looked_until: dict[str, float] = {}
        """Key → monotonic seconds until which nobody looks at it again."""
        self._next_s = -math.inf
        self._later: asyncio.Task[None] | None = None

    def full(self, key: str) -> Quota | None:
        """Return the quota that is used up, as far as this node knows; None: it is not."""
        key = key[:KEY_LENGTH]
        if self._own.full(key, self._clock.now()):
            return self._own.quota(self._counted.kind, key, self._clock.now())
        left_s = self._full_until.get(key, 0.0) - self._clock.monotonic()
        if left_s > 0:
            return _used_up(self._counted, self._limit, left_s)
        self._full_until.pop(key, None)
        return None

    async def look(self, key: str) -> Quota | None:
        """Return the quota that is used up, asking the database now and then. Raises: StoreError"""
        key, now = key[:KEY_LENGTH], self._clock.monotonic()
        quota = self.full(key)
        if quota is not None or self._looked_until.get(key, -math.inf) > now:
            return quota
        _keep(self._looked_until, key, now + _LOOK_S)
        self._learn(key, await self._tallies.look(self._counted, key))
        return self.full(key)

    async def count(self, key: str) -> Quota | None:
        """Count an event; return the quota where more have happened than the limit."""
        key = key[:KEY_LENGTH]
        quota = self.full(key)
        if quota is not None:
            return quota
        self._own.add(key, self._clock.now())
        if len(self._unshared) >= _KEYS:
            del self._unshared[next(iter(self._unshared))]
        self._unshared[key] += 1
        if self._clock.monotonic() >= self._next_s:
            return await self._share(key)
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._share_later())
        return None

    async def flush(self) -> None:
        """Share what is left, once: the service stops."""
        if self._later is not None:
            self._later.cancel()
            await asyncio.gather(self._later, return_exceptions=True)
        if self._unshared:
            await self._share("")
        if self._later is not None:
            self._later.cancel()

    async def _share_later(self) -> None:
        while self._unshared:
            await self._clock.sleep(self._next_s - self._clock.monotonic())
            await self._share("")

    async def _share(self, asked: str) -> Quota | None:
        """Tell what happened here, and learn how much did; return the quota of a key beyond it."""
        self._next_s = self._clock.monotonic() + SHARE_S
        told = dict(list(self._unshared.items())[-_SHARED_AT_ONCE:])
        for key in told:
            del self._unshared[key]
        try:
            known = await self._tallies.share(self._counted, told)
        except StoreError as error:
            # this node goes by what it knows itself
            log.warning("throttle.not_shared", kind=self._counted.kind, reason=error.message)
            self._put_back(told)
            return None
        for key, tally in known.items():
            self._learn(key, tally)
        return self.full(asked) if known.get(asked, Tally()).number > self._limit else None

    def _put_back(self, told: Mapping[str, int]) -> None:
        """Share later what could not be shared, as far as it still counts."""
        self._next_s = self._clock.monotonic() + _AGAIN_S
        for key, number in told.items():
            counts = min(self._unshared[key] + number, self._own.number(key, self._clock.now()))
            if counts and (key in self._unshared or len(self._unshared) < _KEYS):
                self._unshared[key] = counts
            else:
                self._unshared.pop(key, None)
        if self._unshared and (self._later is None or self._later.done()):
            self._later = asyncio.create_task(self._share_later())

    def _learn(self, key: str, tally: Tally) -> None:
        if tally.number >= self._limit:
            ends = self._clock.monotonic() + (tally.resets_s or 0.0)
            _keep(self._full_until, key, ends)


def _used_up(counted: Counted, limit: int, resets_s: float | None, partition: str = "") -> Quota:
    window_s = round(counted.window.total_seconds())
    left_s = None if resets_s is None else max(1, math.ceil(resets_s))
    return Quota(counted.kind, limit, 0, window_s, left_s, partition)


def _keep(kept: dict[str, float], key: str, value: float) -> None:
    kept.pop(key, None)
    if len(kept) >= _KEYS:
        del kept[next(iter(kept))]
    kept[key] = value
