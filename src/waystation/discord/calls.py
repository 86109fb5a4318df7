"""Calls to Discord's REST API: limits kept, answers read, and repeated where that is harmless.

Rules: an interaction is written to a socket at most once and never follows a redirect (R12). What
reads, and uploads, may be repeated. Every request waits for the limits that earlier answers named
(R16), and none goes out while the breaker is open (R35).

How it works: what ends before the interaction's connection stood cannot have been executed, so it
is raised as `Unreachable`. From then on there is always an outcome, and it is `Unknown` unless
Discord's answer was read to its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import aiohttp
import msgspec
import stamina

from waystation import sentences
from waystation.actions import Outcome, Unknown
from waystation.discord.answers import Answer, error_of, outcome_of
from waystation.discord.buckets import Limits, Verdict, judge
from waystation.discord.routes import ROUTES, Request
from waystation.discord.site import Site
from waystation.errors import Unreachable, Withheld
from waystation.ports import Standing
from waystation.reasons import why
from waystation.secret import Secret

__all__ = [
    "FAILURES",
    "NOT_SENT",
    "Calls",
    "decoded",
    "read_answer",
    "repeated",
    "time_left_s",
    "within",
]

_READ_TIMEOUT_S: Final = 15.0
_CONNECT_TIMEOUT_S: Final = 10.0
_LONGEST_READ_WAIT_S: Final = 30.0
"""A read that Discord told to wait longer fails at once instead."""

_ANSWER_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Above any command index or page of messages; bounds memory."""

NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Raised only while a connection is being made: no byte of the request has left."""

FAILURES: Final = (aiohttp.ClientError, TimeoutError, OSError)
"""Raised when no answer came, or not to its end."""


_INTERACTIONS: Final = ROUTES["ask the bot"].request()

_T = TypeVar("_T")


class Calls:
    """One account's calls."""

    def __init__(self, site: Site, token: Secret) -> None:
        self._site = site
        self._token = token
        self._limits = Limits()
        self._last_refusal: Answer | None = None

    def standing(self) -> Standing | None:
        """Return what holds interactions back now, None when nothing does (R16, R35)."""
        stopped_s = self._site.stopped_s
        if stopped_s > 0:
            return Standing(stopped_s, "", is_breaker=True)
        wait_s = self._limits.wait_s(_INTERACTIONS.bucket, self._site.clock.monotonic())
        said = "" if self._last_refusal is None else self._last_refusal.text
        return Standing(wait_s, said) if wait_s > 0 else None

    async def await_turn(self, longest_s: float) -> None:
        """Wait for a short limit. Raises: Withheld: a longer one stands, or the breaker is open."""
        await self._await_limits(_INTERACTIONS, longest_s)

    async def post(self, request: Request, deadline: float) -> Outcome:
        """Ask once. Args: deadline: monotonic seconds."""
        timeout_s = time_left_s(self._site, deadline)
        try:
            answer, verdict = await self._send(request, timeout_s)
        except NOT_SENT as error:
            raise Unreachable(sentences.NO_CONNECTION.said(reason=why(error))) from error
        except FAILURES as error:
            return Unknown(sentences.NO_ANSWER.said(reason=why(error)))
        return outcome_of(answer, verdict.wait_s)

    async def read(self, request: Request, shape: type[_T]) -> _T:
        """Send a request that may be repeated, as often as needed. Raises: TransportError."""
        return await repeated(lambda: self.ask(request, shape))

    async def ask(self, request: Request, shape: type[_T]) -> _T:
        """Send a request that may be repeated, once. Raises: TransportError."""
        answer = await self.answer(request)
        if not answer.ok:
            raise error_of(answer)
        return decoded(answer, shape)

    async def answer(self, request: Request) -> Answer:
        """Return 2xx or a definite refusal. Raises: Unreachable for all that may pass."""
        await self._await_limits(request, _LONGEST_READ_WAIT_S)
        try:
            answer, _ = await self._send(request, _READ_TIMEOUT_S)
        except FAILURES as error:
            raise Unreachable(sentences.NO_ANSWER.said(reason=why(error))) from error
        if not answer.ok:
            passing = error_of(answer)
            if isinstance(passing, Unreachable):
                raise passing
        return answer

    async def _await_limits(self, request: Request, longest_s: float) -> None:
        stopped_s = self._site.stopped_s
        if stopped_s > 0:
            raise Withheld(sentences.BREAKER_OPEN.text, stopped_s)
        wait_s = self._limits.wait_s(request.bucket, self._site.clock.monotonic())
        if wait_s > longest_s:
            said = "" if self._last_refusal is None else self._last_refusal.text
            raise Withheld(
                sentences.DISCORD_ASKED_TO_WAIT.said(seconds=f"{wait_s:.0f}"), wait_s, said
            )
        if wait_s > 0:
            await self._site.clock.sleep(wait_s)

    async def _send(self, request: Request, timeout_s: float) -> tuple[Answer, Verdict]:
        headers = {"Authorization": self._token.reveal(), "User-Agent": self._site.user_agent}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        async with self._site.http.request(
            request.method,
            self._site.api(request.path),
            params=request.query,
            data=request.body,
            headers=headers,
            allow_redirects=False,
            timeout=within(timeout_s),
        ) as response:
            answer = await read_answer(response)
        return answer, self._note(request.bucket, answer)

    def _note(self, bucket: str, answer: Answer) -> Verdict:
        self._site.time.heard(answer.headers.get("Date"))
        verdict = judge(answer.status, answer.headers, answer.text)
        self._limits.note(bucket, verdict, self._site.clock.monotonic())
        if verdict.invalid:
            self._site.count_invalid()
        if answer.status == 429:
            self._last_refusal = answer
        return verdict


def time_left_s(site: Site, deadline: float) -> float:
    """Return the seconds until a deadline (monotonic). Raises: Unreachable: none is left."""
    left_s = deadline - site.clock.monotonic()
    if left_s <= 0:
        raise Unreachable(sentences.NO_TIME_LEFT.text)
    return left_s


async def repeated(once: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat a read or an upload while Discord cannot be reached."""
    async for attempt in stamina.retry_context(
        on=Unreachable, attempts=4, timeout=45.0, wait_initial=0.5, wait_max=8.0
    ):
        with attempt:
            return await once()
    raise AssertionError("the last attempt returns or raises")


def decoded(answer: Answer, shape: type[_T]) -> _T:
    """Read the body of an answer. Raises: Unreachable: it cannot be read."""
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Unreachable("Discord's answer could not be read") from error


def within(total_s: float) -> aiohttp.ClientTimeout:
    """Return the limits of a call that may take so long in all."""
    connect_s = min(_CONNECT_TIMEOUT_S, total_s / 2)
    return aiohttp.ClientTimeout(total=total_s, connect=connect_s, sock_connect=connect_s)


async def read_answer(response: aiohttp.ClientResponse) -> Answer:
    """Read an answer to its end. Raises: aiohttp.ClientPayloadError: it is too large."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > _ANSWER_LIMIT_BYTES:
            raise aiohttp.ClientPayloadError("the answer is above the limit")
    return Answer(response.status, response.headers, bytes(body))
