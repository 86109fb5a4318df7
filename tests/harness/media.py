"""Files without a Discord, pictures that nobody draws, and keys that no database keeps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from tests.build import replace
from tests.fakes import FakeClock, FakeIds, FakeSealer
from tests.harness.face import JOB, USER
from waystation.engine.media.keys import Keys
from waystation.engine.media.serving import Found, Media
from waystation.errors import MediaFailed
from waystation.jobs import Button, Job
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import WEBP, MediaKind, Wish
from waystation.media.links import KEPT, path_of
from waystation.ports import MediaFile, MediaKey, User
from waystation.wire.message import Attachment

__all__ = ["FILE", "GRID", "LINK", "STRANGER", "WISH", "Cutter", "Desk", "MediaKeys", "MediaSource"]

LINK = "https://cdn.example/fox.png"
FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(92))
GRID = (Button("U4", "MJ::JOB::upsample::4::x"),)
WISH = Wish(JOB.jobid, 0)
STRANGER = replace(USER, user_id=2, email="bob@example.org")


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


class Desk:
    """Media over one job with a file."""

    def __init__(self, size: int | None = len(FILE), places: tuple[int, int] = (2, 4)) -> None:
        self.job: Job = replace(
            JOB, attachments=(Attachment("77", "fox.png", LINK, size=size),), buttons=GRID
        )
        self.users: dict[int, User] = {1: USER, 2: STRANGER}
        self.renews = True
        self.clock = FakeClock()
        self.source, self.cutter, self.kept = MediaSource(), Cutter(), MediaKeys()
        self.source.files[LINK] = FILE
        self.keys = Keys(self.kept, FakeSealer(), self.clock, FakeIds())
        desk = cast(Any, self)
        self.media = Media(
            desk, desk, self.source, self.cutter, self.keys, self.clock, places=places
        )

    # the store and the links

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        return self.job if (jobid, user_id) == (self.job.jobid, 1) else None

    async def get_user(self, user_id: int) -> User | None:
        return self.users.get(user_id)

    async def working(self, account_id: str, link: str) -> str | None:
        assert account_id == self.job.account_id
        return link if self.renews else None

    # what is asked

    async def found(self, wish: Wish = WISH) -> Found:
        return await self.media.find(USER, wish)

    async def read(
        self, wish: Wish = WISH, part: ByteRange | None = None, *, signed: bool = False
    ) -> tuple[MediaKind, int | None, tuple[int, int] | None, bytes]:
        async with self.media.opened(await self.found(wish), part, signed=signed) as opened:
            data = b"".join([chunk async for chunk in opened.chunks])
            return opened.kind, opened.length, opened.span, data

    async def signed(self, wish: Wish = WISH, expires: str = KEPT) -> str:
        path = path_of(await self.keys.of(1), wish, expires)
        return parse_qs(urlsplit(path).query)["signature"][0]
