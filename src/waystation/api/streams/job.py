"""The stream of one job's events. An id is the number of an event of its job."""

from __future__ import annotations

from contextlib import AbstractContextManager

from waystation.api.answer import Answer
from waystation.api.call import Call
from waystation.api.places import Places
from waystation.api.streams.stream import RESET, EventStream, News, event_frame
from waystation.engine.feed import Watch
from waystation.engine.service import Service
from waystation.jobs import Job, JobEvent
from waystation.ports import User
from waystation.telling import Created, beginning, told

__all__ = ["JobEvents"]


class JobEvents:
    """The call for it."""

    def __init__(self, service: Service, places: Places) -> None:
        self._service = service
        self._places = places

    async def read(self, call: Call, user: User) -> Answer:
        """Answer the events of a job, from the one after `Last-Event-ID`; 204 after the last one.

        204 ends the attempts of a reader that resumes by itself.
        """
        reads, jobid = self._service.reads, call.path("jobid")
        job = await reads.get_job(user, jobid)
        after = _placed(call.header(b"last-event-id"), job)
        if after is not None and job.final and not await self._is_more(user, jobid, after):
            return Answer(204)
        return _JobStream(self._service, self._places, call, user, (jobid, after)).answer()

    async def _is_more(self, user: User, jobid: str, after: int) -> bool:
        if after < 0:
            return True
        events = await self._service.reads.events_after(user, jobid, after)
        job = await self._service.reads.get_job(user, jobid)
        return bool(list(told(events, job)))


class _JobStream(EventStream):
    def __init__(
        self, service: Service, places: Places, call: Call, user: User, at: tuple[str, int | None]
    ) -> None:
        super().__init__(service, places, call, user)
        self._jobid, after = at
        self._is_reset = after is None
        self._last = -1 if after is None else after

    def watching(self) -> AbstractContextManager[Watch]:
        return self.service.reads.watching(self._jobid)

    async def news(self) -> News:
        reads = self.service.reads
        events = await reads.events_after(self.user, self._jobid, max(0, self._last))
        job = await reads.get_job(self.user, self._jobid)
        frames = [RESET] if self._is_reset else []
        news: list[tuple[int, JobEvent | Created]] = []
        if self._last < 0:
            news.append((0, beginning(events, job)))
        news += told(events, job)
        frames += [event_frame(str(number), event, job) for number, event in news]
        self._is_reset = False
        self._last = events[-1][0] if events else max(0, self._last)
        return News(frames, ended=job.final and self._last >= job.version)


def _placed(given: str | None, job: Job) -> int | None:
    """Return the number of the last event that a reader has; None where the job has none such.

    -1: the reader has none yet.
    """
    if not given:
        return -1
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        return None
    return int(given) if int(given) <= job.version else None
