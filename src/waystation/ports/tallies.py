"""Tallies: how often things have happened lately, over all processes of an installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple, Protocol

__all__ = ["Counted", "Tallies", "Tally", "TallySlice"]

_SLICES: Final = 60
"""Slices of a window that are kept apart. One more counts, so that nothing counts too short."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A kind of event that is counted by key, within a window of time up to now."""

    kind: str
    window: timedelta

    @property
    def slice(self) -> timedelta:
        """Time whose events are counted together."""
        return self.window / _SLICES


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one key within the window."""

    number: int = 0
    resets_s: float | None = None
    """Seconds until the oldest of them count no more; None: there are none."""


class TallySlice(NamedTuple):
    """Events of one slice."""

    age_s: float
    """Seconds since the slice began."""
    number: int


class Tallies(Protocol):
    """Events by kind and key. Each method is one transaction. Raises from all: StoreError.

    The database's clock says when something happened; a database within the process takes the
    service's time.
    """

    async def look(self, counted: Counted, key: str) -> Tally:
        """Return how often something has happened. A point read."""
        ...

    async def take(self, counted: Counted, key: str, most: int, user_id: int) -> Tally | None:
        """Count one more event of a user, unless there are `most` of the key.

        Returns: None: it was counted; else how many there are, and nothing was written
        """
        ...

    async def give_back(self, counted: Counted, key: str) -> None:
        """Take one event of a key back, the newest."""
        ...

    async def share(self, counted: Counted, added: Mapping[str, int]) -> Mapping[str, Tally]:
        """Count events, by key, and return how many there are of each of these keys."""
        ...

    async def slices(self, counted: Counted, key: str, added: int = 0) -> Sequence[TallySlice]:
        """Return the slices of a key, oldest first. Args: added: events that are counted before"""
        ...
