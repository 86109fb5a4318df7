"""Files of jobs: where they are read from, how pictures are cut, and the keys that sign links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waystation.media.files import MediaKind, Wish

__all__ = ["Cutter", "MediaFile", "MediaKey", "MediaKeys", "MediaSource"]


@dataclass(frozen=True, slots=True)
class MediaKey:
    """The key that signs the links of one user."""

    user_id: int
    sealed: bytes
    made_at: datetime


class MediaKeys(Protocol):
    """Durable media keys, one per user."""

    async def get(self, user_id: int) -> MediaKey | None:
        """Return a user's key."""
        ...

    async def add(self, key: MediaKey) -> MediaKey:
        """Keep a user's first key; return the one that is kept, which may be another's."""
        ...

    async def replace(self, key: MediaKey) -> None:
        """Keep a key in the place of any other: links that were signed before work no more."""
        ...


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file that is being read, from a place on."""

    length: int | None
    """Bytes of the whole file; None where its source does not say."""
    begins: int
    """The place of the first byte that `chunks` gives."""
    chunks: AsyncIterator[bytes]
    """The file from there on, to its end or farther than was asked for."""


class MediaSource(Protocol):
    """Reads the files that Discord keeps."""

    def open(
        self, link: str, first: int = 0, last: int | None = None
    ) -> AbstractAsyncContextManager[MediaFile]:
        """Read a file, of which the bytes from `first` to `last` are wanted.

        Raises: MediaGone: there is no such file any more; MediaLate, MediaFailed: it could not be
        read; the chunks raise the same
        """
        ...


class Cutter(Protocol):
    """Cuts pictures."""

    async def cut(self, data: bytes, wish: Wish) -> tuple[bytes, MediaKind]:
        """Return the picture that is wished for, made of the whole file.

        Raises: MediaFailed: it is no whole picture, or too large to be decoded; InvalidRequest: it
        is no picture that can be cut
        """
        ...
