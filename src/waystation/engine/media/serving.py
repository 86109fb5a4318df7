"""Media: the files of jobs, read through us (R42, R43, R47).

How it works: a file is named by its job and its number. It is read from the shelf where a copy of
it lies, else from Discord, whose link is renewed when it has ended. The bytes pass through in
pieces; a picture that is cut is read as a whole first, and a small one is kept on the shelf, too. A
file is answered only when its first bytes are those of a known kind.

Rules: a foreign job answers exactly as an absent one (I13); of one user few files are read at once;
whoever comes by a signed link takes other places than the user, so that a link that went round
locks nobody out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from waystation import sentences
from waystation.engine.links import Links
from waystation.engine.media.copying import Copying
from waystation.engine.media.keys import Keys
from waystation.engine.media.reading import Opened, Place, cut_opened, opened, whole
from waystation.errors import (
    InvalidRequest,
    MediaFailed,
    MediaGone,
    NotFound,
    SubscriptionExpired,
    Throttled,
    Unauthorized,
)
from waystation.jobs import Job
from waystation.media.byte_ranges import ByteRange
from waystation.media.copying import cut_name
from waystation.media.files import MediaKind, Wish, etag, is_grid, owner_of
from waystation.media.links import has_ended, is_signed, path_of, share_until
from waystation.ports import Clock, CopiesKept, Cutter, MediaSource, Store, User
from waystation.shares import Part, Shares
from waystation.wire.message import Attachment

__all__ = ["CUT_BYTES", "PLACE_WAIT_S", "Found", "Media", "take"]

CUT_BYTES: Final = 64 * 1024 * 1024
"""Largest file that is cut: it is held as a whole meanwhile. Midjourney's largest have 30 MiB."""

PLACE_WAIT_S: Final = 20.0
"""How long a request waits for one of its user's places."""

_log = structlog.get_logger("waystation.media")

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


class Media:
    """The use cases of whoever reads a file.

    Args: places: files of one user that are read at once, and of all; copying: looks after the
    copies, None: there are none
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
        copying: Copying | None = None,
    ) -> None:
        self._store = store
        self._links = links
        self._source = source
        self._cutter = cutter
        self._keys = keys
        self._clock = clock
        self._copying = copying
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

    async def copies(self) -> tuple[CopiesKept, bool] | None:
        """Return totals of the copies, and whether they have no room; None: none are made."""
        if self._copying is None:
            return None
        return await self._store.copies.kept(), (
            self._copying.is_full or self._copying.is_elsewhere
        )

    # ── reading ──

    async def job(self, user: User, jobid: str) -> Job:
        """Return a job of the caller. Raises: NotFound."""
        job = await self._store.get_job(jobid, user.user_id)
        if job is None:
            raise NotFound(sentences.UNKNOWN_JOB.said(jobid=jobid))
        return job

    async def find(self, user: User, wish: Wish) -> Found:
        """Return a file of a job of the caller. Raises: NotFound; InvalidRequest: no such tile."""
        job = await self.job(user, wish.jobid)
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
            await take(held, self._places, holder, 1)
            yield await self._kept(held, found, part) or await self._read(held, found, part)

    async def _kept(
        self, held: AsyncExitStack, found: Found, part: ByteRange | None
    ) -> Opened | None:
        """Read a file from the shelf; None: no copy lies there."""
        if self._copying is None:
            return None
        cut, shelf = cut_name(found.wish), self._copying.shelf
        copies, attachment = self._store.copies, found.attachment
        copy = await copies.find(found.job.jobid, found.wish.number, attachment.id, cut)
        if copy is None:
            return None
        file = Place(shelf, copy.name, copy.size)
        try:
            if found.wish.is_original:
                return await opened(held, file, part)
            if copy.cut_size is not None:
                # a picture that somebody has removed is cut anew
                with suppress(MediaGone):
                    kept = Place(shelf, f"{copy.name}.{cut}", copy.cut_size)
                    return await opened(held, kept, part)
            picture, kind = await self._cut(file, found)
        except MediaGone:
            await self._copying.lose(copy.name)
            return None
        except MediaFailed as error:
            # Discord may still have what cannot be read here
            _log.warning("media.copy_not_read", name=copy.name, reason=error.message)
            return None
        if cut:
            await self._copying.keep_cut(copy.name, cut, picture)
        return cut_opened(picture, kind, part)

    async def _read(self, held: AsyncExitStack, found: Found, part: ByteRange | None) -> Opened:
        """Read a file from Discord."""
        link = await self._links.working(found.job.account_id, found.attachment.url)
        if link is None:
            raise MediaFailed(sentences.NOT_RENEWED.text)
        place = Place(self._source, link, found.attachment.size)
        if found.wish.is_original:
            return await opened(held, place, part)
        return cut_opened(*await self._cut(place, found), part)

    async def _cut(self, place: Place, found: Found) -> tuple[bytes, MediaKind]:
        most = min(place.size or CUT_BYTES, CUT_BYTES)
        async with AsyncExitStack() as held:
            await take(held, self._held, found.user_id, most)
            return await self._cutter.cut(await whole(place, most), found.wish)


async def take(held: AsyncExitStack, places: Shares, holder: int, amount: int) -> Part:
    """Take some of what a user may hold, for as long as `held`. Raises: Throttled."""
    try:
        return await held.enter_async_context(places.hold(holder, amount, PLACE_WAIT_S))
    except TimeoutError:
        raise Throttled(sentences.TOO_MANY_MEDIA.text, retry_after_s=5) from None
