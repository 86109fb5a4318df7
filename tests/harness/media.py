"""Files without a Discord, pictures that nobody draws, and keys that no database keeps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from waystation.errors import MediaFailed
from waystation.media.files import WEBP, MediaKind, Wish
from waystation.ports import MediaFile, MediaKey

__all__ = ["Cutter", "MediaKeys", "MediaSource"]


class MediaSource:
    """Has files by their links, and counts those that are open."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fails: Exception | None = None
        self.asked: list[tuple[str, int, int | None]] = []
        self.takes_ranges = True
        self.lengths = True
        self.open_files = 0
        self.chunk_bytes = 10
        self.breaks_after: int | None = None

    @asynccontextmanager
    async def open(
        self, link: str, first: int = 0, last: int | None = None
    ) -> AsyncIterator[MediaFile]:
        self.asked.append((link, first, last))
        if self.fails is not None:
            raise self.fails
        data = self.files[link]
        begins = first if self.takes_ranges else 0
        self.open_files += 1
        chunks = self._chunks(data[begins:])
        try:
            yield MediaFile(len(data) if self.lengths else None, begins, chunks)
        finally:
            await chunks.aclose()
            self.open_files -= 1

    async def _chunks(self, data: bytes) -> AsyncGenerator[bytes, None]:
        for at in range(0, len(data), self.chunk_bytes):
            if self.breaks_after is not None and at >= self.breaks_after:
                raise MediaFailed
            yield data[at : at + self.chunk_bytes]


class Cutter:
    """Cuts nothing, and says what it was asked for."""

    async def cut(self, data: bytes, wish: Wish) -> tuple[bytes, MediaKind]:
        return b"cut %d %d" % (wish.tile or 0, len(data)), WEBP


class MediaKeys:
    """Keeps keys in memory."""

    def __init__(self) -> None:
        self.keys: dict[int, MediaKey] = {}

    async def get(self, user_id: int) -> MediaKey | None:
        return self.keys.get(user_id)

    async def add(self, key: MediaKey) -> MediaKey:
        return self.keys.setdefault(key.user_id, key)

    async def replace(self, key: MediaKey) -> None:
        self.keys[key.user_id] = key
