"""Feeds: the durable order of what users are told of all their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from waystation.jobs import Job, JobEvent
from waystation.telling import Created

__all__ = ["FeedEvent", "FeedPage", "Feeds"]


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event in its user's feed."""

    place: int
    """Its number in the feed; one that was committed later has a greater one (R37)."""
    event: JobEvent | Created
    job: Job
    """As it is now."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A feed after a place, and how far it goes; all read at one moment."""

    era: str
    """Another one after a restore: places of before mean nothing then."""
    purged: int
    """The last place that may be missing, because retention has run out for its job."""
    last: int
    """The last place that was given; 0 before the first."""
    events: Sequence[FeedEvent]


class Feeds(Protocol):
    """Feeds: what users are told of all their jobs."""

    async def after(self, user_id: int, place: int, limit: int) -> FeedPage:
        """Return the first events of a user after a place, in order; of nobody else's jobs."""
        ...
