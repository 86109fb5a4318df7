"""Throttle: how often something may go wrong for one key within a window of time.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["Throttle"]


@dataclass(slots=True)
class Throttle:
    """Counts what happened lately, by key. Holds only keys with something recent."""

    window: timedelta
    limit: int
    _moments: dict[str, list[datetime]] = field(default_factory=dict)

    def add(self, key: str, now: datetime) -> None:
        """Count one more for a key."""
        if len(self._moments) > 10_000:
            self._moments.clear()
        self._moments.setdefault(key, []).append(now)

    def full(self, key: str, now: datetime) -> bool:
        """Tell whether a key has reached the limit within the window."""
        moments = self._moments.get(key)
        if moments is None:
            return False
        moments[:] = [moment for moment in moments if now - moment < self.window]
        if not moments:
            del self._moments[key]
        return len(moments) >= self.limit
