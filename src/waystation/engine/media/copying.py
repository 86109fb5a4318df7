"""Copying: the files of completed jobs, brought to the shelf while Discord still has them (R40).

How it works: what a job's end has written down as wanted falls due a moment later, when its
callback is on its way. A file is read from Discord as a caller would read it, put on the shelf
under a new name, and then recorded. A file goes again where the same bytes lie there already. The
copies of the oldest jobs make room for it; without any of them nothing more is copied until there
is room.

Rules: nothing here fails a job, or makes one wait. A file on the shelf that no row names is of a
process that was killed, and goes a day later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from waystation.engine.links import Links
from waystation.engine.media.reading import once
from waystation.engine.outbox.due import DueLoop
from waystation.errors import MediaFailed, MediaGone, StoreError, WaystationError
from waystation.media.copying import Bounds, can_have_room, next_copy_at, wants_room
from waystation.media.files import HEAD_BYTES, kind_of
from waystation.ports import (
    Clock,
    IdSource,
    Jobs,
    MediaFile,
    MediaSource,
    Shelf,
    Store,
    WantedCopy,
)

__all__ = ["IN_FLIGHT", "NO_ROOM", "Copying"]

IN_FLIGHT: Final = 4
"""Files that are copied at once: callers' own readings come first."""

_CLAIM: Final = timedelta(minutes=10)
"""How long one copy may take: 25 MiB at 45 KiB a second."""

NO_ROOM: Final = _CLAIM
"""Pause when nothing may go and there is no room."""

_ROUND_S: Final = 600.0
"""Pause between two looks at what no row names any more."""

_SWEPT_AT_ONCE: Final = 50
_NAME_LENGTH: Final = 24
_ORPHAN_AGE: Final = timedelta(days=1)
"""Age from which on a file that no row names belongs to nobody."""

_log = structlog.get_logger("waystation.media")


class Copying:
    """Copies files by its `loop`, and sweeps the shelf. Args: drain_s: as in `DueLoop`"""

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        source: MediaSource,
        links: Links,
        clock: Clock,
        ids: IdSource,
        bounds: Bounds,
        drain_s: float,
    ) -> None:
        self._jobs: Jobs = store
        self._copies = store.copies
        self.shelf = shelf
        self._source = source
        self._links = links
        self._clock = clock
        self._ids = ids
        self._bounds = bounds
        self._room = asyncio.Lock()
        self._kept = 0
        """Bytes on the shelf, as this process counts them between two rounds."""
        self._is_counted = False
        self._held = 0
        """Bytes of what is being copied."""
        self._cutting: set[tuple[str, str]] = set()
        """Pictures that are being kept."""
        self.is_elsewhere = False
        """True while the shelf is not the one where the copies lie."""
        self.is_full = False
        """True while nothing more is copied because there is no room."""
        self._mark: str | None = None
        self.loop = DueLoop("copy", store.copies, clock, self._take, drain_s)

    # ── copying ──

    async def _take(self) -> tuple[int, bool]:
        places = IN_FLIGHT - self.loop.under_way
        if places <= 0:
            return 0, False  # the end of one of them rings
        now = self._clock.now()
        if not await self.is_ours():
            due = await self._copies.next_due()
            if due is not None and due <= now:
                await self._copies.rest(now + NO_ROOM)
            return 0, False
        wanted = await self._copies.claim(now, now + _CLAIM, places)
        for one in wanted:
            self.loop.start(self._settle(one))
        return len(wanted), False

    async def _settle(self, wanted: WantedCopy) -> None:
        """Copy one file, or record that it could not be."""
        try:
            async with asyncio.timeout(_CLAIM.total_seconds()):
                await self._copy(wanted)
        except StoreError:
            raise
        except Exception as error:
            # whatever it was, this file is tried again ever later, and the others go on
            is_over = isinstance(error, MediaGone)
            now = self._clock.now()
            next_at = None if is_over else next_copy_at(wanted.attempts, now)
            reason = error.message if isinstance(error, WaystationError) else repr(error)
            _log.info(
                "media.not_copied",
                jobid=wanted.jobid,
                number=wanted.number,
                reason=reason,
                given_up=next_at is None,
            )
            await self._copies.put_off(wanted, next_at)
        finally:
            self.loop.nudge()

    async def _copy(self, wanted: WantedCopy) -> None:
        """Copy one file. Raises: MediaGone: it is not to be had; MediaFailed, MediaLate"""
        job = await self._jobs.get_job(wanted.jobid, None)
        if job is None or wanted.number >= len(job.attachments):
            raise MediaGone
        attachment = job.attachments[wanted.number]
        if attachment.id != wanted.attachment_id:
            raise MediaGone
        async with self._room_for(attachment.size or 0) as has_room:
            if not has_room:
                await self._copies.rest(self._clock.now() + NO_ROOM)
                return
            link = await self._links.working(job.account_id, attachment.url)
            if link is None:
                raise MediaFailed
            name = self._ids.token(_NAME_LENGTH)
            async with self._source.open(link) as file:
                digest, size = await self.shelf.put(name, _checked(file, attachment.size))
            if await self._copies.keep(wanted, name, digest, size) == name:
                self._kept += size
            else:
                await self.shelf.drop(name)

    # ── the place ──

    async def is_ours(self) -> bool:
        """Tell whether the copies lie here: a disk may not be mounted, or be another machine's.

        Then nothing is copied, lost or removed, and files are read from Discord.
        """
        if self._mark is None:
            self._mark = await self._copies.mark(self._ids.token(_NAME_LENGTH))
        try:
            found = await self.shelf.mark()
            if found is None and not (await self._copies.kept()).files:
                await self.shelf.set_mark(self._mark)
                found = self._mark
        except MediaFailed:
            found = None
        if found != self._mark and not self.is_elsewhere:
            _log.error(
                "media.copies_are_not_here",
                mend=f"mount the folder, or write {self._mark} into its file shelf.id",
            )
        self.is_elsewhere = found != self._mark
        return not self.is_elsewhere

    # ── room ──

    @asynccontextmanager
    async def _room_for(self, size: int) -> AsyncIterator[bool]:
        """Hold room for a file: the copies of the oldest jobs go until there is; False: none is.

        Raises: MediaFailed: the shelf cannot be used
        """
        async with self._room:
            has_room = await self._has_room(size)
            self.is_full = not has_room
            held = size if has_room else 0
            self._held += held
        try:
            yield has_room
        finally:
            self._held -= held

    async def _has_room(self, size: int) -> bool:
        if not self._is_counted:
            await self._count()
        while True:
            taken, room = self._kept + self._held, await self._shelf_room()
            if not wants_room(size, taken, self._bounds, room):
                return True
            # others may fill the disk: then no copy goes in vain
            may_go = can_have_room(size + self._held, self._kept, self._bounds, room)
            if not may_go or not await self._copies.let_go(_SWEPT_AT_ONCE):
                if not self.is_full:
                    _log.warning("media.shelf_full")
                return False
            await self._sweep()
            await self._count()

    async def _count(self) -> None:
        self._kept = (await self._copies.kept()).size
        self._is_counted = True

    async def keep_cut(self, name: str, cut: str, picture: bytes) -> None:
        """Keep a picture that was cut of a file, if that can be; nobody waits for more."""
        if (name, cut) in self._cutting:
            return
        self._cutting.add((name, cut))
        try:
            if not await self.is_ours():
                return
            async with self._room_for(len(picture)) as has_room:
                if not has_room:
                    return
                await self.shelf.put(f"{name}.{cut}", once(picture))
                if await self._copies.add_cut(name, cut, len(picture)):
                    self._kept += len(picture)
                else:
                    await self.shelf.drop(name)
        except (MediaFailed, StoreError) as error:
            _log.warning("media.cut_not_kept", name=name, reason=error.message)
        finally:
            self._cutting.discard((name, cut))

    async def lose(self, name: str) -> None:
        """Copy anew a file that does not lie there: somebody has removed it by hand."""
        if not await self.is_ours():
            return
        _log.warning("media.copy_missing", name=name)
        await self._copies.lose(name, self._clock.now())
        self.loop.nudge()

    async def round(self) -> None:
        """Remove what no row names any more, and count anew. Raises: MediaFailed, StoreError."""
        async with self._room:
            await self._sweep()
            await self._count()

    async def remove_orphans(self) -> None:
        """Remove old files that no row names. Raises: MediaFailed, StoreError."""
        async for names in self.shelf.old(_ORPHAN_AGE):
            for name in set(names) - await self._copies.known(names):
                await self.shelf.drop(name)

    async def run(self) -> None:
        """Look after the shelf until cancelled."""
        next_orphans = self._clock.monotonic()
        resumed = False
        while True:
            try:
                if not resumed:
                    # another node may be copying it: then it is copied twice and kept once
                    await self._copies.resume(self._clock.now())
                    resumed = True
                    self.loop.nudge()
                if await self.is_ours():
                    await self.round()
                    if self._clock.monotonic() >= next_orphans:
                        next_orphans = self._clock.monotonic() + _ORPHAN_AGE.total_seconds()
                        await self.remove_orphans()
            except (MediaFailed, StoreError) as error:
                _log.warning("media.shelf_round_failed", reason=error.message)
            except Exception:
                # one of the engine's loops: it records what happened and goes on
                _log.exception("media.shelf_round_failed")
            await self._clock.sleep(_ROUND_S)

    async def _shelf_room(self) -> tuple[int, int] | None:
        room = await self.shelf.room()
        return None if room is None else (room.free, room.total)

    async def _sweep(self) -> None:
        while names := await self._copies.unused(_SWEPT_AT_ONCE):
            for name in names:
                await self.shelf.drop(name)


async def _checked(file: MediaFile, size: int | None) -> AsyncIterator[bytes]:
    """Yield a file, of which the kind is known and the end is there. Raises: MediaFailed."""
    read, head = 0, b""
    async for chunk in file.chunks:
        if len(head) < HEAD_BYTES:
            head += chunk
            if len(head) >= HEAD_BYTES:
                yield _known(head)
        else:
            yield chunk
        read += len(chunk)
    if len(head) < HEAD_BYTES:
        yield _known(head)
    if read != (file.length or size or read):
        raise MediaFailed


def _known(head: bytes) -> bytes:
    if kind_of(head[:HEAD_BYTES]) is None:
        raise MediaGone  # it stays as it is
    return head
