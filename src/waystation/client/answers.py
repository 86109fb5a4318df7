"""Answers: what the service said, as a value or as the error that it raised itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from waystation.errors import (
    Busy,
    ButtonRepeated,
    Conflict,
    Halted,
    InvalidRequest,
    NotAnsweredYet,
    NotFound,
    PreconditionFailed,
    RemoteProtocolError,
    SubscriptionExpired,
    TooLarge,
    TransportError,
    Unanswered,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
    WaystationError,
)

__all__ = ["is_account", "is_accounts", "is_form", "is_job", "is_jobids", "read"]

_ERRORS: Mapping[int, type[WaystationError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    402: SubscriptionExpired,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    415: UnsupportedMedia,
    502: TransportError,
    503: Unavailable,
    596: Halted,
}


_PROXIES = frozenset({502, 503, 504})
"""Statuses with which a proxy says that the service has not answered it."""


def read(response: aiohttp.ClientResponse, data: bytes) -> object:
    """Return the JSON of an answer; None when it has no body.

    Raises: the class of `waystation.errors` that fits the status; RemoteProtocolError: no JSON
    """
    if response.status == 204:
        return None
    body = _decode(response, data)
    if response.status < 300 or _is_job(body):
        return body
    raise _error(response, body if isinstance(body, dict) else {})


def _decode(response: aiohttp.ClientResponse, data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        said = f"{response.url.origin()} does not answer like Waystation"
        details = f"HTTP status {response.status}, {response.content_type}"
        if response.status in _PROXIES:
            raise Unanswered(said, details=details, broken=True) from None
        raise RemoteProtocolError(said, details=details) from None


def is_form(value: object) -> bool:
    """Tell whether an answer is an object."""
    return isinstance(value, dict)


def is_job(value: object) -> bool:
    """Tell whether an answer is a job that can be asked for again."""
    return isinstance(value, dict) and isinstance(value.get("jobid"), str)


def is_jobids(value: object) -> bool:
    """Tell whether an answer is a list of jobids."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def is_account(value: object) -> bool:
    """Tell whether an answer is a Discord account."""
    return isinstance(value, dict) and {"channel", "discord", "maxJobs"} <= value.keys()


def is_accounts(value: object) -> bool:
    """Tell whether an answer holds Discord accounts by channel."""
    return isinstance(value, dict) and all(is_account(one) for one in value.values())


def _is_job(body: object) -> bool:
    return isinstance(body, dict) and "jobid" in body and "status" in body


def _error(response: aiohttp.ClientResponse, body: Mapping[str, Any]) -> WaystationError:
    message, details = _text(body.get("error")), _text(body.get("errorDetails"))
    if response.status == 429:
        executing = body.get("executingJobs")
        return Busy(
            message,
            executing_jobs=executing if isinstance(executing, list) else None,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
            details=details,
        )
    if response.status == 409 and "Retry-After" in response.headers:
        return NotAnsweredYet(_seconds(response.headers["Retry-After"]))
    if response.status == 409 and (earlier := _text(body.get("jobid"))) is not None:
        return ButtonRepeated(message, button=_text(body.get("button")) or "", jobid=earlier)
    return _ERRORS.get(response.status, WaystationError)(
        message or f"HTTP status {response.status}", details=details
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(header: str | None) -> int:
    if header is None or not (header.isascii() and header.isdecimal() and len(header) <= 9):
        return 10
    return int(header)
