"""Copies: files of jobs that Waystation keeps, and the shelf where they lie (R40)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from waystation.jobs import JobId
from waystation.ports.media import MediaFile

__all__ = ["Copies", "CopiesKept", "KeptCopy", "Shelf", "ShelfRoom", "WantedCopy"]


@dataclass(frozen=True, slots=True)
class WantedCopy:
    """A file of a job that is to be copied."""

    jobid: JobId
    number: int
    """Of the attachment, from 0."""
    attachment_id: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """A file on the shelf."""

    name: str
    """On the shelf."""
    size: int
    """Bytes."""
    cut_size: int | None = None
    """Bytes of the picture that was asked for with it; None: that one is not kept."""


@dataclass(frozen=True, slots=True)
class CopiesKept:
    """Totals of the shelf."""

    size: int = 0
    """Bytes, with the pictures that were cut."""
    files: int = 0
    waiting: int = 0
    """Files that are still to be copied."""


class Copies(Protocol):
    """Durable knowledge of what lies on the shelf. Files with the same bytes are kept once."""

    async def claim(self, at: datetime, until: datetime, limit: int) -> Sequence[WantedCopy]:
        """Take copies that are due until `until`, those of the oldest jobs first."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the next copy is due, None when nothing waits."""
        ...

    async def keep(self, wanted: WantedCopy, name: str, digest: bytes, size: int) -> str | None:
        """Record a file that lies on the shelf.

        Args: digest: SHA-256 of its bytes
        Returns: the name under which these bytes are kept, which may be an earlier one's; None: no
        such copy is wanted any more
        """
        ...

    async def put_off(self, wanted: WantedCopy, next_at: datetime | None) -> None:
        """Count a try that has failed; the next is at `next_at`, or there is none."""
        ...

    async def rest(self, until: datetime) -> None:
        """Let nothing be due before `until`, and count no try: the shelf has no room."""
        ...

    async def resume(self, at: datetime) -> None:
        """Let what was not tried yet be due at `at`, also what a process has claimed that died."""
        ...

    async def find(
        self, jobid: JobId, number: int, attachment_id: str, cut: str = ""
    ) -> KeptCopy | None:
        """Return the copy of a file. A point read. Args: cut: names a picture made of it"""
        ...

    async def add_cut(self, name: str, cut: str, size: int) -> bool:
        """Record a picture that was cut of a kept file; False: the file is not kept any more."""
        ...

    async def lose(self, name: str, at: datetime) -> None:
        """Forget a file that does not lie on the shelf; its copies are due again at `at`."""
        ...

    async def let_go(self, limit: int) -> int:
        """Forget the copies of the oldest jobs, at most so many; return how many those were."""
        ...

    async def unused(self, limit: int) -> Sequence[str]:
        """Forget files that no copy names, and return their names: whoever asks removes them."""
        ...

    async def known(self, names: Sequence[str]) -> frozenset[str]:
        """Return those of the names that are kept."""
        ...

    async def mark(self, new: str) -> str:
        """Return the mark of the place where all copies lie; `new` where there was none."""
        ...

    async def kept(self) -> CopiesKept:
        """Return totals."""
        ...


@dataclass(frozen=True, slots=True)
class ShelfRoom:
    """Room where the shelf is, in bytes."""

    free: int
    total: int


class Shelf(Protocol):
    """Shelf: the place of copies, files by their names.

    Raises from all: MediaFailed: it cannot be used
    """

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> tuple[bytes, int]:
        """Keep a file, whole and durable, or nothing of it.

        Returns: the SHA-256 of its bytes, and how many they are
        """
        ...

    def open(
        self, name: str, first: int = 0, last: int | None = None
    ) -> AbstractAsyncContextManager[MediaFile]:
        """Read a file, of which the bytes from `first` to `last` are wanted.

        Raises: MediaGone: no such file lies there
        """
        ...

    async def drop(self, name: str) -> None:
        """Remove a file and the pictures that were cut of it; nothing where there is none."""
        ...

    def old(self, age: timedelta) -> AsyncGenerator[Sequence[str], None]:
        """Yield the names of files of that age and more, some at a time."""
        ...

    async def room(self) -> ShelfRoom | None:
        """Return how much room there is; None where nobody can tell."""
        ...

    async def mark(self) -> str | None:
        """Return by which mark this place is known; None: it has none."""
        ...

    async def set_mark(self, mark: str) -> None:
        """Give this place a mark."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
