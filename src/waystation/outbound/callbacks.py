"""Sender: POST one callback attempt to the caller's replyUrl (R41, R42)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import structlog
from yarl import URL

from waystation.callbacks import TAKEN, Attempt, Callback
from waystation.outbound.connector import USER_AGENT, reason_of
from waystation.outbound.guard import loggable, objection, read_url
from waystation.ports import Clock

__all__ = ["CallbackSender", "retry_after_s"]

MAX_ANSWER_BYTES: Final = 4096
"""Read so that the receiver can finish writing; the text is not used."""
ANSWER_WAIT_S: Final = 2.0
"""How long the body of an answer is waited for, the status being known."""

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
_RUN_BEFORE: Final = frozenset({302, 303})
_REDIRECTS: Final = _RUN_BEFORE | {301, 307, 308}

_log = structlog.get_logger(__name__)


class CallbackSender:
    """Implements `ports.Sender` on a guarded session."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, timeout_s: float) -> None:
        self._session = session
        self._clock = clock
        self._timeout_s = timeout_s

    async def send(self, callback: Callback, headers: Mapping[str, str]) -> Attempt:
        started = self._clock.monotonic()
        status, reason, retry_after_s = await self._post(callback, headers)
        return Attempt(status, reason, self._clock.monotonic() - started, retry_after_s)

    async def _post(
        self, callback: Callback, headers: Mapping[str, str]
    ) -> tuple[int | None, str | None, float | None]:
        """Return the receiver's status, what is to be said of it, and how long it wants rest."""
        if (reason := objection(callback.url)) is not None:
            return None, reason, None
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._session.post(
                    read_url(callback.url),
                    data=callback.body,
                    headers={**_HEADERS, **headers},
                    allow_redirects=False,
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.debug(
                "callback.unanswered",
                callback_id=callback.callback_id,
                jobid=callback.jobid,
                error=type(error).__name__,
            )
            return None, reason_of(error), None
        async with response:
            await _hear_out(response)
        # a date is one of the receiver's clock, and so is its Date (R28)
        now = _date(response.headers.get("Date")) or self._clock.wall()
        wait_s = retry_after_s(response.headers.get("Retry-After"), now)
        return response.status, _redirect(callback.url, response), wait_s


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After`: a number of them, or a date. None: nothing readable.

    Args: now: by the clock of whoever has sent it
    Source: RFC 9110, 10.2.3
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = _date(text)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _date(text: str | None) -> datetime | None:
    """Return the moment of an HTTP date. None: nothing readable."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _redirect(url: str, response: aiohttp.ClientResponse) -> str | None:
    """Return what a redirect means; None when the answer is none. It is never followed.

    302 and 303 lead to a page that tells how it went, so the receiver has run; unless they lead to
    the same place under another name, which is how servers send away whoever took the wrong one.
    """
    if response.status not in _REDIRECTS:
        return None
    asked = read_url(url)
    try:
        target = asked.join(read_url(response.headers["Location"]))
    except (KeyError, ValueError):
        target = None
    if response.status in _RUN_BEFORE and (target is None or not _renames(asked, target)):
        return TAKEN
    if target is None:
        return "a redirect to no readable URL"
    return f"a redirect; set replyUrl to {loggable(str(target))}"


def _renames(asked: URL, target: URL) -> bool:
    """Tell whether two URLs differ in scheme, `www.` or a final slash, and in nothing else."""
    return _place(asked) == _place(target) and asked.with_fragment(None) != target.with_fragment(
        None
    )


def _place(url: URL) -> tuple[str, int | None, str, str]:
    host = (url.host or "").removeprefix("www.")
    port = None if url.is_default_port() else url.port
    return host, port, url.raw_path.removesuffix("/"), url.raw_query_string


async def _hear_out(response: aiohttp.ClientResponse) -> None:
    """Read the answer's body up to its limits; whatever it does, the status stands."""
    left = MAX_ANSWER_BYTES
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
    except (aiohttp.ClientError, OSError):
        pass
