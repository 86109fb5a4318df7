"""RecentIds: ids that were seen lately, the oldest forgotten first.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

__all__ = ["RecentIds"]

_CAPACITY = 1000
"""Far more than a channel says while one job runs, and a few hundred kilobytes at most."""


class RecentIds:
    """A set of ids with a bound."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._ids: dict[str, None] = {}

    def __contains__(self, one: object) -> bool:
        return one in self._ids

    def add(self, one: str) -> None:
        """Remember an id as the newest."""
        self._ids.pop(one, None)
        self._ids[one] = None
        if len(self._ids) > self._capacity:
            del self._ids[next(iter(self._ids))]
