"""Fetcher: bounded download of the pictures that callers name (R42, R43).

Every way it can fail is one sentence of v2, to which the caller's own URL belongs as it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Final, Literal

import aiohttp
import structlog

from waystation import sentences
from waystation.errors import PreconditionFailed
from waystation.outbound.connector import GuardedResponse, blocked_of, reason_of
from waystation.outbound.guard import Network, loggable, objection, out_of_reach, read_url, routable
from waystation.outbound.pictures import KINDS, brightest, inverted, recognise, sound
from waystation.ports import Fetched

__all__ = ["THREADS", "FetchLimits", "PictureFetcher"]

MAX_REDIRECTS: Final = 5
MAX_QUOTED_BODY: Final = 500
"""Characters of a failed answer that are told to the caller (R5)."""
MAX_QUOTED_URL: Final = 1024
_WHITE: Final = 128
"""From how bright on, of 255, a spot of a mask counts as white. Our choice."""
THREADS: Final = 2
"""Threads that look at pictures: a decoded mask has 64 MiB at most, so all together 128."""
_BODY_READ_BYTES: Final = 4096
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = {"Accept": "image/*", "Accept-Encoding": "identity"}

_TAKEN: Final = ", ".join(kind.content_type for kind in KINDS)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Limits of one fetch and of all fetches together."""

    max_bytes: int
    """After decoding."""
    max_pixels: int
    """Width times height. Pillow refuses above about 178,000,000 in any case."""
    timeout_s: float
    """For all redirects and the body together."""
    max_mask_pixels: int = 1 << 24
    """4096 x 4096, the largest picture that a region can be varied in; a mask is decoded here."""


class PictureFetcher:
    """Implements `ports.Fetcher` on a guarded session.

    Args: repaints: the colour of a mask that Midjourney paints anew; allow_networks: the operator's
    exceptions, as the session has them
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limits: FetchLimits,
        repaints: Literal["white", "black"],
        allow_networks: Sequence[Network] = (),
    ) -> None:
        self._session = session
        self._repaints = repaints
        self._allow_networks = allow_networks
        self._limits = limits
        self.pool = ThreadPoolExecutor(THREADS, "pictures")
        """The pictures' threads, also for whoever cuts pictures."""

    def out_of_reach(self, url: str) -> str | None:
        return out_of_reach(url, self._allow_networks)

    async def fetch(self, url: str, frank: bool) -> Fetched:
        if (reason := objection(url)) is not None:
            raise _failed(url, reason)
        return await self.inspect(await self._download(url, frank), _quoted(url))

    async def inspect(self, data: bytes, name: str) -> Fetched:
        return await self._beside(partial(self._inspected, data, name))

    async def mask(self, data: bytes, name: str, fits: Callable[[Fetched], None]) -> Fetched:
        mask = await self.inspect(data, name)
        if mask.size is not None and mask.size[0] * mask.size[1] > self._limits.max_mask_pixels:
            raise PreconditionFailed(
                sentences.PICTURE_PIXELS.said(picture=name, limit=self._limits.max_mask_pixels)
            )
        fits(mask)
        return await self._beside(partial(self._painted, mask, name))

    async def _beside(self, look: Callable[[], Fetched]) -> Fetched:
        """Look at a picture in a thread: a hostile one keeps it busy, and no thread of others."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, look)

    def _inspected(self, data: bytes, name: str) -> Fetched:
        if len(data) > self._limits.max_bytes:
            raise PreconditionFailed(
                sentences.PICTURE_BYTES.said(picture=name, limit=self._limits.max_bytes)
            )
        recognised = recognise(data)
        if recognised is None:
            raise _unknown(name)
        kind, (width, height) = recognised
        if width * height > self._limits.max_pixels:
            raise PreconditionFailed(
                sentences.PICTURE_PIXELS.said(picture=name, limit=self._limits.max_pixels)
            )
        if not sound(data, kind):
            raise _unknown(name)
        return Fetched(data, kind.content_type, kind.extension, (width, height))

    def _painted(self, mask: Fetched, name: str) -> Fetched:
        try:
            if brightest(mask.data) < _WHITE:
                raise PreconditionFailed(sentences.MASK_BLACK.said(field=name))
            if self._repaints == "white":
                return mask
            return Fetched(inverted(mask.data), "image/png", "png", mask.size)
        except OSError:  # sound at its head, broken further on
            raise _unknown(name) from None

    async def _download(self, url: str, frank: bool) -> bytes:
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                return await self._follow(url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            told = reason_of(error)
            reason = blocked_of(error) or told
            _log.info("fetch.failed", url=loggable(url), reason=reason, error=type(error).__name__)
            raise _failed(url, reason if frank else told) from error

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
    return PreconditionFailed(sentences.GET_FAILED.said(url=_quoted(url), reason=reason))


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
    file = BytesIO()  # gives its bytes away without a copy
    async for chunk in response.content.iter_any():
        file.write(chunk)
        if file.tell() > limit:
            return None
    return file.getvalue()


def _unknown(name: str) -> PreconditionFailed:
    return PreconditionFailed(
        sentences.MIME_TYPE.said(picture=name), details=f"Accepted are {_TAKEN}."
    )
