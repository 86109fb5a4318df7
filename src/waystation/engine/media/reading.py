"""Reading: a file, or a part of it, wherever it lies.

How it works: the kind of a file is told from its first bytes, also where a part is wanted that
begins behind them: then these are read first. A source may give more than was asked for, and may
not say how long a file is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from waystation import sentences
from waystation.errors import MediaFailed, RangeNotSatisfiable
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import HEAD_BYTES, MediaKind, kind_of
from waystation.ports import MediaFile

__all__ = ["Opened", "Place", "Source", "cut_opened", "gathered", "once", "opened", "whole"]


class Source(Protocol):
    """Has files by their names: Discord by their links, a shelf by the names of copies."""

    def open(
        self, name: str, first: int = 0, last: int | None = None, /
    ) -> AbstractAsyncContextManager[MediaFile]:
        """Read a file, of which the bytes from `first` to `last` are wanted."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a file is read from."""

    source: Source
    name: str
    size: int | None
    """Bytes of the whole file; None: unknown."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is being read."""

    kind: MediaKind
    length: int | None
    """Bytes of the whole file; None where nobody knows before it was read."""
    span: tuple[int, int] | None
    """The first and the last byte that `chunks` has; None: all."""
    chunks: AsyncGenerator[bytes, None]


async def opened(held: AsyncExitStack, place: Place, part: ByteRange | None) -> Opened:
    """Open a file as it is, for as long as `held`.

    Raises: RangeNotSatisfiable; MediaGone, MediaLate, MediaFailed, which the chunks raise, too
    """
    size = place.size
    span = _span(part, size) if size else None
    if size is None or span is None:
        file = await held.enter_async_context(place.source.open(place.name))
        head, chunks = await _begun(file)
        return Opened(_known(head), file.length, None, chunks)
    async with place.source.open(place.name, 0, HEAD_BYTES - 1) as beginning:
        head, _ = await _begun(beginning)
    kind = _known(head)
    file = await held.enter_async_context(place.source.open(place.name, *span))
    if file.length not in (None, size) or file.begins > span[0]:
        raise MediaFailed
    return Opened(kind, size, span, _between(file, *span))


def cut_opened(picture: bytes, kind: MediaKind, part: ByteRange | None) -> Opened:
    """Open a picture that is in memory. Raises: RangeNotSatisfiable."""
    span = _span(part, len(picture))
    first, last = span or (0, len(picture) - 1)
    return Opened(kind, len(picture), span, once(picture[first : last + 1]))


async def whole(place: Place, most: int) -> bytes:
    """Return a file. Raises: MediaFailed: it has more bytes; as its source."""
    async with place.source.open(place.name) as file:
        return await gathered(file.chunks, most)


async def gathered(chunks: AsyncIterable[bytes], most: int) -> bytes:
    """Return all that comes. Raises: MediaFailed: it is more; as its source."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > most:
            raise MediaFailed(sentences.MEDIA_BAD.text, details=f"more than {most} bytes")
    return bytes(data)


async def once(data: bytes) -> AsyncGenerator[bytes, None]:
    """Yield bytes that are there."""
    yield data


def _span(part: ByteRange | None, length: int) -> tuple[int, int] | None:
    """Return the first and the last byte of a part; None: all. Raises: RangeNotSatisfiable."""
    if part is None:
        return None
    span = part.within(length)
    if span is None:
        raise RangeNotSatisfiable(length)
    return span


def _known(head: bytes) -> MediaKind:
    kind = kind_of(head[:HEAD_BYTES])
    if kind is None:
        raise MediaFailed(sentences.MEDIA_BAD.text)
    return kind


async def _begun(file: MediaFile) -> tuple[bytes, AsyncGenerator[bytes, None]]:
    """Return the beginning of a file, enough to tell its kind, and the whole of it."""
    head = b""
    async for chunk in file.chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break

    async def all_of_it() -> AsyncGenerator[bytes, None]:
        yield head
        async for chunk in file.chunks:
            yield chunk

    return head, all_of_it()


async def _between(file: MediaFile, first: int, last: int) -> AsyncGenerator[bytes, None]:
    """Yield a part of a file, also where its source gives more."""
    at, wanted = file.begins, last + 1
    async for chunk in file.chunks:
        begin, end = max(first - at, 0), min(wanted - at, len(chunk))
        at += len(chunk)
        if begin < end:
            yield chunk[begin:end]
        if at >= wanted:
            return
    raise MediaFailed  # its source has ended before
