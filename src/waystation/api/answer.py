"""Answer: one HTTP response as a value, and the one place that turns errors into answers.

How it works: every refusal has the shape `{"error", "errorDetails"?, …, "code"}`,
where `code` repeats the HTTP status. 429 and 503 carry `Retry-After`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from waystation.errors import Busy, ButtonRepeated, WaystationError

__all__ = ["NO_CONTENT", "Answer", "Headers", "error_answer", "json_answer", "refusal"]

Headers = Sequence[tuple[bytes, bytes]]
"""Response headers, names in lower case, as ASGI wants them."""

_JSON = b"application/json"

_RETRY_AFTER_S = 5
"""Wait named on 503: a stop or a busy database is over in seconds."""

_SILENT_STATUSES = frozenset({500, 503})
"""Statuses whose details stay in the log: they speak of our inside, not of the request."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    """Those of this answer alone; length, type and request id are added on its way out."""
    content_type: bytes = _JSON


NO_CONTENT = Answer(204)


def json_answer(body: object, status: int = 200, headers: Headers = ()) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, _encode(body), headers)


def refusal(
    status: int, error: str, *, details: str | None = None, headers: Headers = ()
) -> Answer:
    """Return an answer in the one error shape."""
    return _shaped(status, error, details, {}, headers)


def error_answer(error: WaystationError) -> Answer:
    """Return an error in the one error shape, with the headers that belong to its status."""
    status = error.status_hint
    details = None if status in _SILENT_STATUSES else error.details
    return _shaped(status, error.message, details, _fields_of(error), _headers_of(error))


def _fields_of(error: WaystationError) -> Mapping[str, object]:
    """Return the fields that only this error has."""
    match error:
        case Busy(executing_jobs=executing) if executing is not None:
            return {"executingJobs": executing}
        case ButtonRepeated(button=button, jobid=jobid):
            return {"button": button, "jobid": jobid}
        case _:
            return {}


def _shaped(
    status: int, error: str, details: str | None, fields: Mapping[str, object], headers: Headers
) -> Answer:
    body: dict[str, object] = {"error": error}
    if details is not None:
        body["errorDetails"] = details
    body |= fields
    body["code"] = status
    return json_answer(body, status, headers)


def _headers_of(error: WaystationError) -> Headers:
    match error.status_hint:
        case 401:
            return ((b"www-authenticate", b"Bearer"),)
        case 429 if isinstance(error, Busy):
            return ((b"retry-after", b"%d" % error.retry_after_s),)
        case 503:
            return ((b"retry-after", b"%d" % _RETRY_AFTER_S),)
        case _:
            return ()
