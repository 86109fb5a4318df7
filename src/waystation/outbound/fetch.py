"""Fetcher: bounded download of the pictures that callers name (R42, R43).

Every way it can fail is one sentence of v2, to which the caller's own URL belongs as it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

import aiohttp
import structlog

from waystation.errors import PreconditionFailed
from waystation.outbound.connector import GuardedResponse, reason_of
from waystation.outbound.guard import Network, loggable, objection, out_of_reach, read_url, routable
from waystation.outbound.pictures import brightest, inverted, recognise, sound
from waystation.ports import Fetched

__all__ = ["FetchLimits", "PictureFetcher"]

MAX_REDIRECTS: Final = 5
MAX_QUOTED_BODY: Final = 500
"""Characters of a failed answer that are told to the caller (R5)."""
MAX_QUOTED_URL: Final = 1024
_WHITE: Final = 128
"""From how bright on, of 255, a spot of a mask counts as white. Our choice."""
_BODY_READ_BYTES: Final = 4096
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = {"Accept": "image/*", "Accept-Encoding": "identity"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one fetch and all fetches together may take."""

    max_bytes: int = 10 * 1024 * 1024
    """After decoding. Discord's own limit for uploads."""
    max_pixels: int = 50_000_000
    """Width times height. Pillow refuses above about 178,000,000 in any case."""
    timeout_s: float = 20.0
    """For all redirects and the body together; as long again may be waited for a place."""
    per_user: int = 4
    in_all: int = 16


@dataclass(slots=True)
class _Lane:
    """The places of one user."""

    places: asyncio.Semaphore
    users: int = 0


class PictureFetcher:
    """Implements `ports.Fetcher` on a guarded session.

    Args: repaints: the colour of a mask that Midjourney paints anew; allow_networks: the operator's
    exceptions, as the session has them
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limits: FetchLimits | None = None,
        repaints: Literal["white", "black"] = "white",
        allow_networks: Sequence[Network] = (),
    ) -> None:
        self._session = session
        self._repaints = repaints
        self._allow_networks = allow_networks
        self._limits = limits or FetchLimits()
        self._places = asyncio.Semaphore(self._limits.in_all)
        self._lanes: dict[int, _Lane] = {}

    def out_of_reach(self, url: str) -> str | None:
        return out_of_reach(url, self._allow_networks)

    async def fetch(self, url: str, user_id: int) -> Fetched:
        if (reason := objection(url)) is not None:
            raise _failed(url, reason)
        async with self._place(url, user_id):
            data = await self._download(url)
        return await asyncio.to_thread(self.inspect, data, _quoted(url))

    def inspect(self, data: bytes, name: str) -> Fetched:
        if len(data) > self._limits.max_bytes:
            raise PreconditionFailed(f"{name} is larger than {self._limits.max_bytes} bytes")
        recognised = recognise(data)
        if recognised is None:
            raise PreconditionFailed(f"{name} unknown mime type")
        kind, (width, height) = recognised
        if width * height > self._limits.max_pixels:
            raise PreconditionFailed(f"{name} has more than {self._limits.max_pixels} pixels")
        if not sound(data, kind):
            raise PreconditionFailed(f"{name} unknown mime type")
        return Fetched(data, kind.content_type, kind.extension, (width, height))

    def mask(self, data: bytes, name: str) -> Fetched:
        mask = self.inspect(data, name)
        try:
            if brightest(data) < _WHITE:
                raise PreconditionFailed(f"{name} has nothing white: nothing would be painted anew")
            if self._repaints == "white":
                return mask
            return Fetched(inverted(data), "image/png", "png", mask.size)
        except OSError:  # sound at its head, broken further on
            raise PreconditionFailed(f"{name} unknown mime type") from None

    @asynccontextmanager
    async def _place(self, url: str, user_id: int) -> AsyncIterator[None]:
        """Hold one of the user's places and one of all."""
        lane = self._lanes.setdefault(user_id, _Lane(asyncio.Semaphore(self._limits.per_user)))
        lane.users += 1
        try:
            await self._take(url, lane.places)
            try:
                await self._take(url, self._places)
                try:
                    yield
                finally:
                    self._places.release()
            finally:
                lane.places.release()
        finally:
            lane.users -= 1
            if lane.users == 0:
                del self._lanes[user_id]

    async def _take(self, url: str, places: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                await places.acquire()
        except TimeoutError as error:
            raise _failed(url, "too many fetches at once") from error

    async def _download(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                return await self._follow(url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = reason_of(error)
            _log.info("fetch.failed", url=loggable(url), reason=reason, error=type(error).__name__)
            raise _failed(url, reason) from error

    async def _follow(self, url: str) -> bytes:
        """Return the body at the end of the redirects; each hop is judged like the first."""
        target = read_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._session.get(
                target, headers=_HEADERS, allow_redirects=False
            ) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return await self._read(url, response)
            target = target.join(read_url(location)).with_fragment(None)
            if (reason := objection(str(target))) is not None:
                raise _failed(url, f"a redirect to {reason}")
        raise _failed(url, f"more than {MAX_REDIRECTS} redirects")

    async def _read(self, url: str, response: aiohttp.ClientResponse) -> bytes:
        if not 200 <= response.status < 300:
            raise await _bad_status(url, response)
        limit = self._limits.max_bytes
        if response.headers.get("Content-Encoding") is None:
            length = response.content_length or 0
        else:
            length = 0  # of the encoded body, which says nothing about the decoded one
        data = None if length > limit else await _read_at_most(response, limit)
        if data is None:
            raise _failed(url, f"a body larger than {limit} bytes")
        return data


def _failed(url: str, reason: str) -> PreconditionFailed:
    return PreconditionFailed(f"GET {_quoted(url)} failed with {reason}")


def _quoted(url: str) -> str:
    return url if len(url) <= MAX_QUOTED_URL else url[:MAX_QUOTED_URL] + "…"


async def _bad_status(url: str, response: aiohttp.ClientResponse) -> PreconditionFailed:
    """Return v2's sentence; what private addresses answer is not quoted (R5)."""
    sentence = f"HTTP status {response.status}"
    peer = response.peer if isinstance(response, GuardedResponse) else None
    if peer is not None and routable(peer):
        sentence += f". Response body {await _quotable(response)}"
    return _failed(url, sentence)


async def _quotable(response: aiohttp.ClientResponse) -> str:
    """Return the start of a body as one line of printable text."""
    try:
        head = await response.content.read(_BODY_READ_BYTES)
    except (aiohttp.ClientError, OSError):  # the status alone is worth telling
        return ""
    text = head.decode("utf-8", "replace")
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MAX_QUOTED_BODY]


async def _read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """Return the decoded body, or None as soon as it is longer than the limit."""
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            return None
    return bytes(data)
