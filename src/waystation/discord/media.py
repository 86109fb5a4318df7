"""Media: the files of jobs, read from where Discord keeps them (R42).

Rules: only Discord's own hosts are asked, and no redirect is followed. A file is read as it is
needed, never as a whole: a slow reader of ours slows the connection down.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import structlog
from yarl import URL

from waystation import sentences
from waystation.discord.site import Site
from waystation.errors import MediaFailed, MediaGone, MediaLate
from waystation.ports import MediaFile

__all__ = ["DiscordMedia"]

_CONNECT_TIMEOUT_S: Final = 10.0
_SILENCE_S: Final = 20.0
"""Time without a byte of a file; a file as a whole takes as long as its reader."""

_CHUNK_BYTES: Final = 64 * 1024

_GONE: Final = frozenset({403, 404, 410})
"""Answers to a link that works, of a file that does not exist any more. Source: wire notes 1.6."""

_PLACE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", re.ASCII)

_log = structlog.get_logger("waystation.media")


class DiscordMedia:
    """Implements `ports.MediaSource`."""

    def __init__(self, site: Site, silence_s: float = _SILENCE_S) -> None:
        self._site = site
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=silence_s
        )

    @asynccontextmanager
    async def open(
        self, link: str, first: int = 0, last: int | None = None
    ) -> AsyncIterator[MediaFile]:
        response = await self._ask(link, first, last)
        chunks = _chunks(response)
        try:
            yield _file(response, chunks)
        finally:
            await chunks.aclose()
            response.close()  # what is left of it is not read

    async def _ask(self, link: str, first: int, last: int | None) -> aiohttp.ClientResponse:
        target = _url(link)
        if target is None or not self._site.may_read(target):
            _log.warning("media.host_refused", allow_with="WAYSTATION_MEDIA_HOSTS")
            raise MediaFailed
        headers = {"User-Agent": self._site.user_agent, "Accept-Encoding": "identity"}
        if first or last is not None:
            headers["Range"] = f"bytes={first}-{'' if last is None else last}"
        try:
            response = await self._site.http.get(
                target, headers=headers, allow_redirects=False, timeout=self._timeout
            )
        except TimeoutError:
            raise MediaLate from None
        except (aiohttp.ClientError, OSError) as error:
            _log.info("media.unread", error=type(error).__name__)
            raise MediaFailed from None
        if response.status in (200, 206):
            return response
        status = response.status
        response.close()
        _log.info("media.unread", status=status)
        if status in _GONE:
            raise MediaGone
        raise MediaFailed(details=f"Discord answered with HTTP status {status}")


def _url(link: str) -> URL | None:
    try:
        return URL(link, encoded=True)
    except ValueError:
        return None


def _file(response: aiohttp.ClientResponse, chunks: AsyncIterator[bytes]) -> MediaFile:
    length, begins = response.content_length, 0
    if response.headers.get("Content-Encoding"):
        length = None  # of the encoded bytes
    if response.status == 206:
        place = _PLACE.fullmatch(response.headers.get("Content-Range", ""))
        if place is None:
            raise MediaFailed(sentences.MEDIA_UNREAD.text)
        begins, length = int(place[1]), int(place[2])
    return MediaFile(length, begins, chunks)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            yield chunk
    except TimeoutError:
        raise MediaLate from None
    except (aiohttp.ClientError, OSError) as error:
        _log.info("media.unread", error=type(error).__name__)
        raise MediaFailed from None
