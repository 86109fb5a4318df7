"""The stream of the events of all jobs of a user.

An id is an era of the database and a place in the user's feed. `reset` tells a reader that the
stream cannot go on from its place, or that it came without one: it begins here, and what was before
is in the list of jobs. A client that lists its jobs after each `reset` misses nothing.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from typing import Final

from waystation.api.answer import Answer
from waystation.api.call import Call
from waystation.api.places import Places
from waystation.api.streams.stream import RESET, EventStream, News, event_frame
from waystation.engine.feed import Watch
from waystation.engine.service import Service
from waystation.ports import User

__all__ = ["PAGE", "FeedEvents"]

PAGE: Final = 20
"""Events that a stream holds at once."""

_CURSOR = re.compile(r"([0-9a-f]{8})-(\d{1,18})", re.ASCII)


class FeedEvents:
    """The call for it."""

    def __init__(self, service: Service, places: Places) -> None:
        self._service = service
        self._places = places

    async def read(self, call: Call, user: User) -> Answer:
        """Answer the events of all jobs of the caller, from the one after `Last-Event-ID`."""
        after = _CURSOR.fullmatch(call.header(b"last-event-id") or "")
        era, place = (after[1], int(after[2])) if after else ("", 0)
        return _FeedStream(self._service, self._places, call, user, (era, place)).answer()


class _FeedStream(EventStream):
    def __init__(
        self, service: Service, places: Places, call: Call, user: User, after: tuple[str, int]
    ) -> None:
        super().__init__(service, places, call, user)
        self._era, self._place = after

    def watching(self) -> AbstractContextManager[Watch]:
        return self.service.reads.watching_all(self.user)

    async def news(self) -> News:
        page = await self.service.reads.feed_after(self.user, self._place, PAGE)
        if page.era != self._era or not page.purged <= self._place <= page.last:
            # also a reader that is too slow for the retention
            self._era, self._place = page.era, page.last
            return News([RESET])
        frames = [event_frame(f"{page.era}-{one.place}", one.event, one.job) for one in page.events]
        if page.events:
            self._place = page.events[-1].place
        return News(frames, more=len(page.events) == PAGE)
