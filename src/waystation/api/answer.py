"""Answer: one HTTP response as a value, and the one place that turns errors into answers.

How it works: every refusal has the shape `{"error", "errorDetails"?, …, "code"}`,
where `code` repeats the HTTP status. 429, 503 and the 409 of a request that is not answered
yet carry `Retry-After`; a limit of ours that was
reached is told in the RateLimit headers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from waystation.errors import (
    Busy,
    ButtonRepeated,
    NotAnsweredYet,
    RangeNotSatisfiable,
    WaystationError,
)
from waystation.quotas import Quota

__all__ = [
    "NO_CONTENT",
    "Answer",
    "ErrorForm",
    "Headers",
    "Stream",
    "error_answer",
    "json_answer",
    "quota_headers",
    "refusal",
]

Headers = Sequence[tuple[bytes, bytes]]
"""Response headers, names in lower case, as ASGI wants them."""

_JSON = b"application/json"

_RETRY_AFTER_S = 5
"""Wait named on 503: a stop or a busy database is over in seconds."""

_SILENT_STATUSES = frozenset({500, 503})
"""Statuses whose details stay in the log: they speak of our inside, not of the request."""

_encode = msgspec.json.Encoder().encode


ExecutingJobs = Annotated[
    Sequence[str] | None, Meta(description="429 of full slots: the jobs that fill them")
]
Pressed = Annotated[str | None, Meta(description="409: what was pressed already")]
EndedJob = Annotated[str | None, Meta(description="the job that ended so; 409: the earlier job")]


class ErrorForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The one error shape."""

    error: str
    error_details: Annotated[str | None, Meta(description="more of it, when there is more")] = None
    executing_jobs: ExecutingJobs = None
    button: Pressed = None
    jobid: EndedJob = None
    status: Annotated[str | None, Meta(description="of that job")] = None
    code: Annotated[int, Meta(description="repeats the HTTP status")]


class Stream(Protocol):
    """A body without a length."""

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield its pieces as they come."""
        ...

    async def close(self) -> None:
        """Let go of what it holds; called once, also when nothing was sent."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    """Those of this answer alone; length, type and request id are added on its way out."""
    content_type: bytes = _JSON
    stream: Stream | None = None
    """Sent piece by piece in the place of the body, for as long as it goes on."""


NO_CONTENT = Answer(204)


def json_answer(body: object, status: int = 200, headers: Headers = ()) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, _encode(body), headers)


def refusal(
    status: int, error: str, *, details: str | None = None, headers: Headers = ()
) -> Answer:
    """Return an answer in the one error shape."""
    return json_answer(ErrorForm(error=error, error_details=details, code=status), status, headers)


def error_answer(error: WaystationError) -> Answer:
    """Return an error in the one error shape, with the headers that belong to its status."""
    status = error.status_hint
    form = ErrorForm(error=error.message, code=status)
    if status not in _SILENT_STATUSES:
        form.error_details = error.details
    if isinstance(error, Busy):
        form.executing_jobs = error.executing_jobs
    elif isinstance(error, ButtonRepeated):
        form.button, form.jobid = error.button, error.jobid
    return json_answer(form, status, _headers_of(error))


def _headers_of(error: WaystationError) -> Headers:
    match error.status_hint:
        case 401:
            return ((b"www-authenticate", b"Bearer"),)
        case 429 if isinstance(error, Busy):
            return ((b"retry-after", b"%d" % error.retry_after_s), *_reached(error.quota))
        case 409 if isinstance(error, NotAnsweredYet):
            return ((b"retry-after", b"%d" % error.retry_after_s),)
        case 416 if isinstance(error, RangeNotSatisfiable):
            return ((b"content-range", b"bytes */%d" % error.length),)
        case 503:
            return ((b"retry-after", b"%d" % _RETRY_AFTER_S),)
        case _:
            return ()


def quota_headers(*quotas: Quota) -> Headers:
    """Return the headers that tell limits and what is left of each; none for no limit.

    Source: Internet-Draft draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4
    """
    if not quotas:
        return ()
    policies, left = zip(*map(_quota_items, quotas), strict=True)
    return (
        (b"ratelimit-policy", ", ".join(policies).encode()),
        (b"ratelimit", ", ".join(left).encode()),
    )


def _reached(quota: Quota | None) -> Headers:
    return () if quota is None else quota_headers(quota)


def _quota_items(quota: Quota) -> tuple[str, str]:
    """Return an item of each of the two lists."""
    name = f'"{quota.policy}"'
    counts = ';qu="concurrent-requests"' if quota.window_s is None else f";w={quota.window_s}"
    resets = "" if quota.resets_s is None else f";t={quota.resets_s}"
    partition = f";pk=:{b64encode(quota.partition.encode()).decode()}:" if quota.partition else ""
    return f"{name};q={quota.limit}{counts}{partition}", f"{name};r={quota.left}{resets}{partition}"
