"""Throttle: how often something may go wrong for one key within a window of time.

Rules: at most `limit` moments of at most `keys` keys are held, whatever callers send; the key that
was longest without a new moment gives way.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from waystation.quotas import Quota

__all__ = ["KEY_LENGTH", "Throttle"]

KEY_LENGTH = 64
"""Characters of a key that count; addresses and ids are shorter."""


@dataclass(slots=True)
class Throttle:
    """Counts what happened lately, by key. Holds only keys with something recent."""

    window: timedelta
    limit: int
    keys: int = 10_000
    _moments: dict[str, list[datetime]] = field(default_factory=dict)
    """The key with the newest moment is the last one."""

    def add(self, key: str, now: datetime) -> None:
        """Count one more for a key."""
        moments = self._moments.pop(key[:KEY_LENGTH], [])
        if len(self._moments) >= self.keys:
            del self._moments[next(iter(self._moments))]
        self._moments[key[:KEY_LENGTH]] = [*moments, now][-self.limit :]

    def number(self, key: str, now: datetime) -> int:
        """Return how many are known of a key within the window, up to the limit."""
        self.full(key, now)
        return len(self._moments.get(key[:KEY_LENGTH], ()))

    def full(self, key: str, now: datetime) -> bool:
        """Tell whether a key has reached the limit within the window."""
        moments = self._moments.get(key[:KEY_LENGTH])
        if moments is None:
            return False
        moments[:] = [moment for moment in moments if now - moment < self.window]
        if not moments:
            del self._moments[key[:KEY_LENGTH]]
        return len(moments) >= self.limit

    def quota(self, policy: str, key: str, now: datetime, partition: str = "") -> Quota:
        """Return how often it may still happen for a key."""
        reached = self.full(key, now)
        moments = self._moments.get(key[:KEY_LENGTH], ())
        left = 0 if reached else self.limit - len(moments)
        resets_s = None
        if moments:
            resets_s = math.ceil((moments[0] + self.window - now).total_seconds())
        window_s = round(self.window.total_seconds())
        return Quota(policy, self.limit, left, window_s, resets_s, partition)
