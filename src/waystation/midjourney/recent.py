"""Ids that were seen lately, the oldest forgotten first: one by one, or in groups.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable

from waystation.midjourney.memory import Memory, Plain

__all__ = ["KnownBy", "RecentIds"]

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


class KnownBy:
    """Ids of many, in groups: whatever has an id of a group belongs to it."""

    def __init__(self, memory: Memory, kind: str) -> None:
        self._groups = memory.table(kind, Plain(tuple[str, ...]))
        self._groups.restored = self._index
        self._index()

    def __contains__(self, one: object) -> bool:
        return one in self._ids

    def add(self, name: str, ids: Iterable[str]) -> None:
        """Remember by what something was known."""
        oldest = next(iter(self._groups.items()), (name, ()))
        known = self._groups.get(name, ())
        self._groups[name] = tuple(ids)
        self._drop(name, known)
        if oldest[0] not in self._groups:
            self._drop(*oldest)
        self._ids.update(dict.fromkeys(self._groups[name], name))

    def _drop(self, name: str, ids: Iterable[str]) -> None:
        for one in ids:
            if self._ids.get(one) == name:
                del self._ids[one]

    def _index(self) -> None:
        self._ids = {one: name for name, ids in self._groups.items() for one in ids}
