"""EventStream: server-sent events that can be resumed, and how many of a user are open.

How it works: whoever is told that something was committed is woken, and reads the table from the
last event that was sent; a stream holds no events but those it sends just now. So a slow reader
holds up nobody, and what was committed while nobody listened is read like the rest. Control frames
have no id, so that a reader which is cut off resumes where it was.

Source: HTML standard, server-sent events; R37; R48
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import msgspec

from waystation import sentences
from waystation.api.answer import Answer
from waystation.api.call import Call
from waystation.api.places import Places
from waystation.contract import job_json
from waystation.engine.feed import Watch
from waystation.engine.service import Service
from waystation.errors import StoreError, WaystationError
from waystation.jobs import (
    Acknowledged,
    Granted,
    Job,
    JobEvent,
    JobStatus,
    Progressed,
    PutBack,
    Reacted,
    Shown,
)
from waystation.ports import User
from waystation.telling import Created
from waystation.wire.message import Attachment

__all__ = ["KEEP_ALIVE_S", "RESET", "STREAMS", "EventStream", "News", "event_frame", "streams"]

STREAMS: Final = 20
"""Streams of one user at once (R48)."""

KEEP_ALIVE_S: Final = 15.0
"""Silence after which a comment is sent, and the token is looked at again."""

RESET: Final = b"event: reset\ndata: {}\n\n"
"""Told where a stream cannot go on from the place that its reader has."""

_TYPE = b"text/event-stream"
_HEADERS = ((b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
_OPEN = b"retry: 3000\n\n"
_DRAIN = b"retry: 1000\n\n"
_ALIVE = b": still here\n\n"

_encode = msgspec.json.Encoder().encode


class _ShownForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A running job as an event shows it, under the names of the job form."""

    jobid: str
    status: str
    message_id: str | None = None
    content: str | None = None
    progress: int | None = None
    attachments: tuple[Attachment, ...] = ()


class _WaitForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A job that was not sent yet as an event shows it, under the names of the job form."""

    jobid: str
    status: str
    verb: str | None = None
    reply_ref: str | None = None
    waiting: bool | None = None
    channel: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class News:
    """The frames to send next."""

    frames: Sequence[bytes]
    more: bool = False
    """True: there may be more at once."""
    ended: bool = False
    """True: nothing comes after them."""


def streams() -> Places:
    """Return the places of streams that are open."""
    return Places("streams", STREAMS, sentences.TOO_MANY_STREAMS, retry_after_s=5)


class EventStream(ABC):
    """One stream; once answered it holds one of its user's places until it is closed."""

    def __init__(self, service: Service, places: Places, call: Call, user: User) -> None:
        self.service = service
        self.user = user
        self._places = places
        self._call = call

    def answer(self) -> Answer:
        """Return the answer that is this stream. Raises: Throttled: its user has no place left."""
        self._places.take(self.user.user_id)
        return Answer(200, headers=_HEADERS, content_type=_TYPE, stream=self)

    @abstractmethod
    def watching(self) -> AbstractContextManager[Watch]:
        """Be woken whenever there may be news."""

    @abstractmethod
    async def news(self) -> News:
        """Read what comes after the last event that was read. Raises: WaystationError."""

    async def close(self) -> None:
        """Give the place back."""
        self._places.give_back(self.user.user_id)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield what is sent, the first bytes at once; end with the events, or with the service."""
        yield _OPEN
        with self.watching() as watch:
            while True:
                watch.rest()
                try:
                    news = await self.news()
                except (StoreError, WaystationError):
                    return  # the reader resumes, and is told why
                for frame in news.frames:
                    yield frame
                if news.ended:
                    return
                if watch.released:
                    yield _DRAIN
                    return
                if not news.more and not await _woken(watch):
                    if not await self._may_go_on():
                        return
                    yield _ALIVE

    async def _may_go_on(self) -> bool:
        """Tell whether the token still is a good one: it may end while a stream is open."""
        try:
            await self.service.logins.authenticate(
                self._call.header(b"authorization"), self._call.peer
            )
        except WaystationError:
            return False
        return True


def event_frame(place: str, event: JobEvent | Created, job: Job) -> bytes:
    """Return one event as it is sent: the job as it was then, the end with the whole job."""
    match event:
        case Created(waits):
            form = _WaitForm(
                jobid=job.jobid,
                status=JobStatus.CREATED,
                verb=job.verb,
                reply_ref=job.reply_ref,
                waiting=waits or None,
            )
            name, data = "created", _encode(form)
        case Granted(channel):
            form = _WaitForm(jobid=job.jobid, status=JobStatus.CREATED, channel=channel)
            name, data = "granted", _encode(form)
        case PutBack(reason):
            form = _WaitForm(jobid=job.jobid, status=JobStatus.CREATED, waiting=True, reason=reason)
            name, data = "waiting", _encode(form)
        case Reacted():
            name, data = "started", _encode(_ShownForm(jobid=job.jobid, status="started"))
        case Acknowledged(shown=shown):
            name, data = "started", _form("started", shown, job)
        case Progressed(shown=shown):
            name, data = "progress", _form("progress", shown, job)
        case _:
            name, data = job.status, job_json(job)
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (place.encode(), name.encode(), data)


async def _woken(watch: Watch) -> bool:
    try:
        async with asyncio.timeout(KEEP_ALIVE_S):
            await watch.wait()
    except TimeoutError:
        return False
    return True


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
