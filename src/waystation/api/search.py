"""The path of the search: the caller's jobs, newest first, by what they say and are.

Rules: a cursor is the place of a page and a digest of the fields that it belongs to; it names no
user, and finds the caller's own jobs alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2s
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from waystation import sentences
from waystation.api.answer import Answer
from waystation.api.call import Call
from waystation.contract import STATUSES, JobForm, job_json
from waystation.engine.service import Service
from waystation.errors import InvalidRequest
from waystation.jobs import Job, JobStatus
from waystation.midjourney.commands import COMMANDS
from waystation.ports import JobSearch, JobsFound, User

__all__ = ["LONGEST_TEXT", "PAGE", "SHORTEST_TEXT", "Search", "SearchForm"]

PAGE: Final = 50
"""Jobs of a page."""

SHORTEST_TEXT: Final = 3
LONGEST_TEXT: Final = 200

_CURSOR = re.compile(r"([0-9a-f]{1,11})-([0-9a-f]{8})")

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_TOLD = {JobStatus.CREATED: (JobStatus.CREATED, JobStatus.SUBMITTED)}
"""v2's word for a status → what is stored, where that is more than the word itself."""

_FIELDS = (b"text", b"status", b"verb", b"channel", b"since", b"until")


class SearchForm(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of the caller's jobs."""

    jobs: Annotated[Sequence[JobForm], Meta(description="the newest first")]
    next: Annotated[
        str | None, Meta(description="the `cursor` of the next page; missing on the last one")
    ] = None
    complete: Annotated[
        bool, Meta(description="`false`: jobs of an older version are still being added")
    ]


class _Form(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The same with jobs that are JSON already."""

    jobs: Sequence[msgspec.Raw]
    next: str | None = None
    complete: bool


class Search:
    """The call for a page."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def find(self, call: Call, user: User) -> Answer:
        """Answer a page of the caller's jobs."""
        digest = _digest(call)
        search = _search(call, user.user_id, digest)
        found = await self._service.reads.search(search)
        jobs = [await self._form(job) for job in found.jobs]
        return _page(jobs, found, digest)

    async def _form(self, job: Job) -> msgspec.Raw:
        """Return a job as a GET shows it; one that waits has its place in the queue."""
        place = await self._service.place(job) if job.waiting else None
        return msgspec.Raw(job_json(job, place=place))


def _page(jobs: Sequence[msgspec.Raw], found: JobsFound, digest: str) -> Answer:
    form = _Form(
        jobs=jobs,
        next=None if found.next_ms is None else f"{found.next_ms:x}-{digest}",
        complete=found.complete,
    )
    return Answer(200, msgspec.json.encode(form))


def _digest(call: Call) -> str:
    """Return what tells one search from another."""
    fields = [call.query(name) or "" for name in _FIELDS]
    return blake2s(msgspec.json.encode(fields), digest_size=4).hexdigest()


def _search(call: Call, user_id: int, digest: str) -> JobSearch:
    """Read the query. Raises: InvalidRequest."""
    return JobSearch(
        user_id,
        PAGE,
        text=_text(call.query(b"text")),
        statuses=_statuses(call.query(b"status")),
        verb=_verb(call.query(b"verb")),
        channel=call.query(b"channel") or None,
        since_ms=_ms("since", call.query(b"since")),
        until_ms=_ms("until", call.query(b"until")),
        below_ms=_below(call.query(b"cursor"), digest),
    )


def _text(text: str | None) -> str | None:
    if not text:
        return None
    text = unicodedata.normalize("NFC", text)
    if len(text) < SHORTEST_TEXT:
        raise InvalidRequest(sentences.SHORT_TEXT.said(least=SHORTEST_TEXT))
    if len(text) > LONGEST_TEXT:
        raise InvalidRequest(sentences.LONG_TEXT.said(most=LONGEST_TEXT))
    return text


def _statuses(text: str | None) -> Sequence[JobStatus]:
    words = [] if not text else text.split(",")
    if not set(words) <= set(STATUSES):
        raise InvalidRequest(sentences.NO_SUCH_VALUE.said(field="status"))
    stored = (_TOLD.get(JobStatus(word), (JobStatus(word),)) for word in dict.fromkeys(words))
    return tuple(status for some in stored for status in some)


def _verb(text: str | None) -> str | None:
    if text and text not in COMMANDS:
        raise InvalidRequest(sentences.NO_SUCH_VALUE.said(field="verb"))
    return text or None


def _ms(field: str, text: str | None) -> int | None:
    if not text:
        return None
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError, OverflowError):
        raise InvalidRequest(sentences.NO_TIME.said(field=field)) from None
    return max(0, since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000)


def _below(cursor: str | None, digest: str) -> int | None:
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None or found[2] != digest:
        raise InvalidRequest(sentences.NO_CURSOR.text)
    return int(found[1], 16)
