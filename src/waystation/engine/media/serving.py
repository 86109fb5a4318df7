"""Media: the files of jobs, read through us (R42, R43, R47).

How it works: a file is named by its job and its number. Discord's link to it is renewed when it has
ended, and the bytes pass through in pieces; a picture that is cut is read as a whole first. A file
is answered only when its first bytes are those of a known kind.

Rules: a foreign job answers exactly as an absent one (I13); of one user few files are read at once;
whoever comes by a signed link takes other places than the user, so that a link that went round
locks nobody out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from waystation import sentences
from waystation.engine.links import Links
from waystation.engine.media.keys import Keys
from waystation.errors import (
    InvalidRequest,
    MediaFailed,
    MediaGone,
    NotFound,
    RangeNotSatisfiable,
    SubscriptionExpired,
    Throttled,
    Unauthorized,
)
from waystation.jobs import Job
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import HEAD_BYTES, MediaKind, Wish, etag, is_grid, kind_of, owner_of
from waystation.media.links import has_ended, is_signed, path_of, share_until
from waystation.ports import Clock, Cutter, MediaFile, MediaSource, Store, User
from waystation.shares import Shares
from waystation.wire.message import Attachment

__all__ = ["CUT_BYTES", "PLACE_WAIT_S", "Found", "Media", "Opened"]

CUT_BYTES: Final = 64 * 1024 * 1024
"""Largest file that is cut: it is held as a whole meanwhile. Midjourney's largest have 30 MiB."""

PLACE_WAIT_S: Final = 20.0
"""How long a request waits for one of its user's places."""

_CUT_AT_ONCE: Final = 2
"""Files that are held as a whole, in all; there are as many threads."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that there is, not read yet."""

    user_id: int
    wish: Wish
    job: Job
    attachment: Attachment

    @property
    def etag(self) -> str:
        """Its entity tag."""
        return etag(self.wish, self.attachment.id)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is being read."""

    kind: MediaKind
    length: int | None
    """Bytes of the whole file; None where nobody knows before it was read."""
    span: tuple[int, int] | None
    """The first and the last byte that `chunks` has; None: all."""
    chunks: AsyncGenerator[bytes, None]


class Media:
    """The use cases of whoever reads a file.

    Args: places: files of one user that are read at once, and of all
    """

    def __init__(
        self,
        store: Store,
        links: Links,
        source: MediaSource,
        cutter: Cutter,
        keys: Keys,
        clock: Clock,
        places: tuple[int, int],
    ) -> None:
        self._store = store
        self._links = links
        self._source = source
        self._cutter = cutter
        self._keys = keys
        self._clock = clock
        self._places = Shares(*places)
        self._held = Shares(CUT_BYTES, _CUT_AT_ONCE * CUT_BYTES)

    # ── who may ──

    async def user_of(self, wish: Wish, expires: str, given: str) -> User:
        """Return the user whose key has signed a link.

        Raises: Unauthorized: nobody's has, or the user has no token; MediaGone: the link has ended;
        SubscriptionExpired
        """
        user_id = owner_of(wish.jobid)
        user = None if user_id is None else await self._store.get_user(user_id)
        key = None if user is None else await self._keys.known(user.user_id)
        if user is None or user.revoked_at is not None or key is None:
            raise Unauthorized(sentences.BAD_LINK.text)
        if not is_signed(key, wish, expires, given):
            raise Unauthorized(sentences.BAD_LINK.text)
        now = self._clock.wall()
        if has_ended(expires, now):
            raise MediaGone(sentences.LINK_ENDED.text)
        if user.expires_at is not None and user.expires_at <= now:
            raise SubscriptionExpired
        return user

    async def share(self, user: User, wish: Wish, life: timedelta) -> tuple[str, datetime]:
        """Return a link to a file of the caller that needs no token, and its end.

        Raises: NotFound; InvalidRequest
        """
        await self.find(user, wish)
        expires = share_until(self._clock.wall(), life)
        path = path_of(await self._keys.of(user.user_id), wish, expires)
        return path, datetime.fromtimestamp(int(expires), UTC)

    async def rotate_key(self, user: User) -> None:
        """End every link that was signed for the caller."""
        await self._keys.rotate(user.user_id)

    # ── reading ──

    async def find(self, user: User, wish: Wish) -> Found:
        """Return a file of a job of the caller. Raises: NotFound; InvalidRequest: no such tile."""
        job = await self._store.get_job(wish.jobid, user.user_id)
        if job is None:
            raise NotFound(sentences.UNKNOWN_JOB.said(jobid=wish.jobid))
        if not (wish.number < len(job.attachments) and job.attachments[wish.number].url):
            raise NotFound(sentences.NO_MEDIA.said(jobid=wish.jobid, number=wish.number))
        if wish.tile is not None and not is_grid(job):
            raise InvalidRequest(sentences.NO_GRID.text)
        return Found(user.user_id, wish, job, job.attachments[wish.number])

    @asynccontextmanager
    async def opened(
        self, found: Found, part: ByteRange | None, *, signed: bool
    ) -> AsyncIterator[Opened]:
        """Read a file, or a part of it, as long as it is needed.

        Raises: Throttled; RangeNotSatisfiable; InvalidRequest: a clip cannot be cut; MediaGone,
        MediaLate, MediaFailed, which the chunks raise, too
        """
        async with AsyncExitStack() as held:
            # users are numbered from 1, so that no other user has these places
            holder = -found.user_id if signed else found.user_id
            await _take(held, self._places, holder, 1)
            link = await self._links.working(found.job.account_id, found.attachment.url)
            if link is None:
                raise MediaFailed(sentences.NOT_RENEWED.text)
            if found.wish.is_original:
                yield await self._original(held, link, found.attachment.size, part)
            else:
                yield await self._cut(held, link, found, part)

    async def _original(
        self, held: AsyncExitStack, link: str, size: int | None, part: ByteRange | None
    ) -> Opened:
        span = _span(part, size) if size else None
        if span is None:
            file = await held.enter_async_context(self._source.open(link))
            head, chunks = await _begun(file)
            return Opened(_known(head), file.length, None, chunks)
        async with self._source.open(link, 0, HEAD_BYTES - 1) as beginning:
            head, _ = await _begun(beginning)
        kind = _known(head)
        file = await held.enter_async_context(self._source.open(link, *span))
        if file.length not in (None, size) or file.begins > span[0]:
            raise MediaFailed
        return Opened(kind, size, span, _between(file, *span))

    async def _cut(
        self, held: AsyncExitStack, link: str, found: Found, part: ByteRange | None
    ) -> Opened:
        most = min(found.attachment.size or CUT_BYTES, CUT_BYTES)
        async with AsyncExitStack() as whole:
            await _take(whole, self._held, found.user_id, most)
            async with self._source.open(link) as file:
                data = await _whole(file, most)
            picture, kind = await self._cutter.cut(data, found.wish)
            del data
        span = _span(part, len(picture))
        first, last = span or (0, len(picture) - 1)
        return Opened(kind, len(picture), span, _once(picture[first : last + 1]))


async def _take(held: AsyncExitStack, places: Shares, holder: int, amount: int) -> None:
    """Take some of what a user may hold, for as long as `held`. Raises: Throttled."""
    try:
        await held.enter_async_context(places.hold(holder, amount, PLACE_WAIT_S))
    except TimeoutError:
        raise Throttled(sentences.TOO_MANY_MEDIA.text, retry_after_s=5) from None


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


async def _whole(file: MediaFile, most: int) -> bytes:
    """Return a file. Raises: MediaFailed: it has more bytes."""
    data = bytearray()
    async for chunk in file.chunks:
        data += chunk
        if len(data) > most:
            raise MediaFailed(sentences.MEDIA_BAD.text, details=f"more than {most} bytes")
    return bytes(data)


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data
