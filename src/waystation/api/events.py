"""The path of a job's events: a stream of server-sent events that can be resumed.

How it works: whoever is told of the job is woken, and reads the table from the last event that was
sent; a stream holds no events of its own. So a slow reader holds up nobody, and what was committed
while nobody listened is read like the rest. An id is the number of an event of its job; control
frames have none, so that a reader which is cut off resumes where it was.

Source: HTML standard, server-sent events; R37; R48
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

import msgspec

from waystation import sentences
from waystation.api.answer import Answer
from waystation.api.call import Call
from waystation.contract import job_json
from waystation.engine.feed import Watch
from waystation.engine.service import Service
from waystation.errors import StoreError, Throttled, WaystationError
from waystation.jobs import (
    Acknowledged,
    Cancelled,
    Completed,
    Expired,
    Failed,
    Job,
    JobEvent,
    Lost,
    Moderated,
    Progressed,
    Refused,
    Shown,
)
from waystation.ports import User
from waystation.quotas import Quota
from waystation.shares import Held
from waystation.wire.message import Attachment

__all__ = ["KEEP_ALIVE_S", "STREAMS", "Events", "JobStream"]

STREAMS: Final = 20
"""Streams of one user at once (R48)."""

KEEP_ALIVE_S: Final = 15.0
"""Silence after which a comment is sent, and the token is looked at again."""

_TYPE = b"text/event-stream"
_HEADERS = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
_OPEN = b"retry: 3000\n\n"
_DRAIN = b"retry: 1000\n\n"
_ALIVE = b": still here\n\n"

_ENDS = (Completed, Moderated, Failed, Refused, Lost, Expired, Cancelled)

_encode = msgspec.json.Encoder().encode


class _ShownForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A running job as an event shows it, under the names of the job form."""

    jobid: str
    status: str
    message_id: str
    content: str | None = None
    progress: int | None = None
    attachments: tuple[Attachment, ...] = ()


class Events:
    """The call for a stream."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held: Held[int] = Held()

    async def of_job(self, call: Call, user: User) -> Answer:
        """Answer the events of a job, from the one after `Last-Event-ID`; 204 after the last one.

        204 ends the attempts of a reader that resumes by itself.
        """
        reads, jobid = self._service.reads, call.path("jobid")
        job = await reads.get_job(user, jobid)
        after = _placed(call.header(b"last-event-id"), job)
        if after is not None and job.final and not await self._is_more(user, jobid, after):
            return Answer(204)
        if self._held[user.user_id] >= STREAMS:
            raise Throttled(
                sentences.TOO_MANY_STREAMS.said(limit=STREAMS),
                retry_after_s=5,
                quota=Quota("streams", STREAMS, 0),
            )
        stream = JobStream(self._service, call, user, jobid, after, self._held)
        return Answer(200, headers=_HEADERS, content_type=_TYPE, stream=stream)

    async def _is_more(self, user: User, jobid: str, after: int) -> bool:
        events = await self._service.reads.events_after(user, jobid, after)
        job = await self._service.reads.get_job(user, jobid)
        return bool(list(_shown(events, job)))


class JobStream:
    """One stream; it holds one of its user's places until it is closed."""

    def __init__(
        self,
        service: Service,
        call: Call,
        user: User,
        jobid: str,
        after: int | None,
        held: Held[int],
    ) -> None:
        self._service = service
        self._call = call
        self._user = user
        self._jobid = jobid
        self._after = after
        self._held = held
        held[user.user_id] += 1

    def close(self) -> None:
        """Give the place back."""
        self._held.give_back(self._user.user_id)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield what is sent, the first bytes at once; end with the job, or with the service."""
        yield _OPEN
        reads = self._service.reads
        with reads.watching(self._jobid) as watch:
            if self._after is None:
                yield b"event: reset\ndata: {}\n\n"
            last = self._after or 0
            while True:
                watch.rest()
                try:
                    events = await reads.events_after(self._user, self._jobid, last)
                    job = await reads.get_job(self._user, self._jobid)
                except (StoreError, WaystationError):
                    return  # the reader resumes, and is told why
                for number, name, data in _shown(events, job):
                    yield b"id: %d\nevent: %b\ndata: %b\n\n" % (number, name, data)
                last = events[-1][0] if events else last
                if job.final and last >= job.version:
                    return
                if watch.released:
                    yield _DRAIN
                    return
                if not await _woken(watch):
                    if not await self._may_go_on():
                        return
                    yield _ALIVE

    async def _may_go_on(self) -> bool:
        """Tell whether the token still is a good one: it may end while a stream is open."""
        try:
            await self._service.logins.authenticate(
                self._call.header(b"authorization"), self._call.peer
            )
        except WaystationError:
            return False
        return True


async def _woken(watch: Watch) -> bool:
    try:
        async with asyncio.timeout(KEEP_ALIVE_S):
            await watch.wait()
    except TimeoutError:
        return False
    return True


def _placed(given: str | None, job: Job) -> int | None:
    """Return the number of the last event that a reader has; None where the job has none such."""
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        return None
    return int(given) if int(given) <= job.version else None


def _shown(events: Sequence[tuple[int, JobEvent]], job: Job) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, name and data of each event that callers are told.

    The end is told once, with the whole job: a refusal may be followed by another attempt (R13).
    """
    ends = [number for number, event in events if isinstance(event, _ENDS)] if job.final else []
    for number, event in events:
        match event:
            case Acknowledged(shown=shown):
                yield number, b"started", _form("started", shown, job)
            case Progressed(shown=shown):
                yield number, b"progress", _form("progress", shown, job)
            case _ if ends and number == ends[-1]:
                yield number, job.status.encode(), job_json(job)
            case _:
                pass


def _form(status: str, shown: Shown, job: Job) -> bytes:
    return _encode(
        _ShownForm(
            jobid=job.jobid,
            status=status,
            message_id=shown.message_id,
            content=shown.content,
            progress=shown.progress,
            attachments=shown.attachments,
        )
    )
