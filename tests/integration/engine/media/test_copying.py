"""Copying on a store and a folder: files are kept once, and the oldest make room."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests import build
from tests.fakes import START, FakeClock, FakeIds
from tests.harness.files import finished
from tests.harness.leases import claim
from tests.harness.media import MediaSource
from tests.limits import GHOST_AGE
from waystation.engine.media.copying import IN_FLIGHT, NO_ROOM, Copying
from waystation.errors import MediaGone, MediaLate
from waystation.jobs import Job
from waystation.media.copying import COPY_AFTER, Bounds
from waystation.ports import CopiesKept, ShelfRoom
from waystation.shelf.folder import FolderShelf
from waystation.store.sqlite.store import SqliteStore
from waystation.wire.message import Attachment

PNG = b"\x89PNG\r\n\x1a\n"
LINK = "https://cdn.test/"


class Links:
    """Renews each link, unless told not to."""

    def __init__(self) -> None:
        self.renews = True

    async def working(self, account_id: str, link: str) -> str | None:
        return link if self.renews else None


class Shelf(FolderShelf):
    """A folder of which the disk is as large as told."""

    told: ShelfRoom | None = None

    async def room(self) -> ShelfRoom | None:
        return self.told or await super().room()


class Attic:
    """A store, a shelf, and a loop that copies."""

    def __init__(self, store: SqliteStore, clock: FakeClock, folder: Path, most: int) -> None:
        self.store, self.clock = store, clock
        self.source, self.links = MediaSource(), Links()
        self.shelf = Shelf(folder, clock)
        self.shelf.make()
        self.copying = Copying(
            cast(Any, store),
            self.shelf,
            self.source,
            cast(Any, self.links),
            clock,
            FakeIds(),
            Bounds(most),
            drain_s=5.0,
        )
        self.folder = folder

    async def finished(self, number: int, *files: bytes) -> Job:
        attachments = []
        for place, data in enumerate(files):
            link = f"{LINK}{number}/{place}"
            self.source.files[link] = data
            attachments.append(Attachment(f"{number}{place}", url=link, size=len(data)))
        return await finished(cast(Any, self.store), number, *attachments, at_s=number)

    async def round(self) -> None:
        """Copy everything that is due, and wait until nothing is under way."""
        taken, _ = await self.copying._take()
        while taken or self.copying.loop.under_way:
            await asyncio.gather(*self.copying.loop._tasks)
            taken, _ = await self.copying._take()

    async def has(self, job: Job, number: int = 0) -> bool:
        found = await self.store.copies.find(job.jobid, number, job.attachments[number].id)
        return found is not None and self.shelf.path_of(found.name).is_file()

    @property
    def names(self) -> list[str]:
        found = (path.name for path in self.folder.rglob("*") if path.is_file())
        return sorted(name for name in found if name != "shelf.id")


@asynccontextmanager
async def attic(folder: Path, most: int = 10_000) -> AsyncIterator[Attic]:
    clock = FakeClock()
    store = await SqliteStore.open(folder / "w.db", clock, ghost_age=GHOST_AGE)
    await store.add_user("owner@example.org", b"hash", START)
    await store.put_account(build.setup())
    await claim(store, "account-1", "me")
    made = Attic(store, clock, folder / "media", most)
    made.shelf.told = ShelfRoom(50 * 1024**3, 100 * 1024**3)
    clock.advance(COPY_AFTER.total_seconds())
    try:
        yield made
    finally:
        await made.shelf.close()
        await store.close()


async def test_files_of_a_job_are_copied_and_found(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        job = await here.finished(1, PNG + b"one", PNG + b"two")
        await here.round()
        assert await here.has(job, 0) and await here.has(job, 1)
        assert (await here.store.copies.kept()).files == 2
        assert here.source.open_files == 0


async def test_the_same_picture_lies_there_once(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        jobs = [await here.finished(number, PNG + b"same") for number in (1, 2)]
        await here.round()
        assert [await here.has(job) for job in jobs] == [True, True]
        assert len(here.names) == 1


@pytest.mark.parametrize("trouble", ["late", "link", "short"])
async def test_a_file_that_cannot_be_read_is_tried_again(tmp_path: Path, trouble: str) -> None:
    async with attic(tmp_path) as here:
        job = await here.finished(1, PNG + b"one")
        if trouble == "late":
            here.source.fails = MediaLate()
        here.links.renews = trouble != "link"
        if trouble == "short":
            here.source.breaks_after = 10
        await here.round()
        assert not await here.has(job)
        assert here.names == []
        here.source.fails, here.links.renews, here.source.breaks_after = None, True, None
        here.clock.advance(60)
        await here.round()
        assert await here.has(job)


@pytest.mark.parametrize("data", [b"<html>no picture</html>", b"x"])
async def test_a_file_of_no_known_kind_is_never_kept(tmp_path: Path, data: bytes) -> None:
    async with attic(tmp_path) as here:
        await here.finished(1, data)
        await here.round()
        assert here.names == []
        assert await here.store.copies.next_due() is None


async def test_a_file_that_is_gone_is_given_up(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        await here.finished(1, PNG)
        here.source.fails = MediaGone()
        await here.round()
        assert await here.store.copies.next_due() is None


async def test_few_files_are_copied_at_once(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        await here.finished(1, *(PNG + bytes([number]) for number in range(9)))
        assert await here.copying._take() == (IN_FLIGHT, False)
        assert await here.copying._take() == (0, False)
        await here.round()
        assert len(here.names) == 9


async def test_copies_of_the_oldest_jobs_make_room(tmp_path: Path) -> None:
    async with attic(tmp_path, most=250) as here:
        jobs = []
        for number in (1, 2, 3):
            jobs.append(await here.finished(number, PNG + bytes([number]) * 92))
            await here.round()
        assert not await here.has(jobs[0])
        assert await here.has(jobs[2])
        assert (await here.store.copies.kept()).size <= 250
        assert len(here.names) == (await here.store.copies.kept()).files
        assert not here.copying.is_full


async def test_no_copy_goes_in_vain_when_others_fill_the_disk(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        kept = await here.finished(1, PNG + b"one")
        await here.round()
        here.shelf.told = ShelfRoom(1024**3, 100 * 1024**3)
        await here.finished(2, PNG + b"two")
        await here.round()
        assert here.copying.is_full
        assert await here.has(kept)


async def test_nothing_is_copied_lost_or_removed_while_the_folder_is_another(
    tmp_path: Path,
) -> None:
    async with attic(tmp_path) as here:
        job = await here.finished(1, PNG + b"one")
        await here.round()
        away = here.folder.rename(tmp_path / "away")
        here.shelf.make()
        other = await here.finished(2, PNG + b"two")
        await here.round()
        copy = await here.store.copies.find(job.jobid, 0, job.attachments[0].id)
        assert copy is not None and here.copying.is_elsewhere
        await here.copying.lose(copy.name)
        await here.copying.keep_cut(copy.name, "small", b"cut")
        assert here.names == []
        assert await here.store.copies.find(job.jobid, 0, job.attachments[0].id) == copy
        shutil.rmtree(here.folder)
        away.rename(here.folder)
        here.clock.advance(NO_ROOM.total_seconds())
        await here.round()
        assert await here.has(job) and await here.has(other)
        assert not here.copying.is_elsewhere


async def test_a_folder_may_be_taken_for_the_one_that_is_lost(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        await here.finished(1, PNG + b"one")
        await here.round()
        mark = await here.shelf.mark()
        assert mark is not None
        shutil.rmtree(here.folder)
        here.shelf.make()
        assert not await here.copying.is_ours()
        await here.shelf.set_mark(mark)
        assert await here.copying.is_ours()


async def test_a_failure_that_nobody_expects_counts_as_a_try(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        await here.finished(1, PNG + b"one")
        here.source.fails = RuntimeError("nobody expects it")
        await here.round()
        due = await here.store.copies.next_due()
        assert due is not None
        (again,) = await here.store.copies.claim(due, due, 10)
        assert again.attempts == 1


async def test_the_same_picture_is_kept_once_however_many_ask(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        job = await here.finished(1, PNG + b"one")
        await here.round()
        copy = await here.store.copies.find(job.jobid, 0, job.attachments[0].id)
        assert copy is not None
        keeping = (here.copying.keep_cut(copy.name, "small", b"cut") for _ in range(5))
        await asyncio.gather(*keeping)
        assert here.names == sorted([copy.name, f"{copy.name}.small"])
        assert (await here.store.copies.kept()).size == len(PNG + b"one") + len(b"cut")


async def test_nothing_is_copied_while_the_disk_has_no_room(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        here.shelf.told = ShelfRoom(1024**3, 100 * 1024**3)
        job = await here.finished(1, PNG + b"one")
        await here.round()
        assert here.copying.is_full
        assert await here.store.copies.next_due() == here.clock.now() + NO_ROOM
        here.shelf.told = ShelfRoom(50 * 1024**3, 100 * 1024**3)
        here.clock.advance(NO_ROOM.total_seconds())
        await here.round()
        assert await here.has(job)
        assert not here.copying.is_full


async def test_a_purged_job_takes_its_files_along(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        await here.finished(1, PNG + b"one")
        await here.round()
        assert await here.store.purge(build.later(99), build.later(99), 10) == 1
        await here.copying.round()
        assert here.names == []
        assert await here.store.copies.kept() == CopiesKept()


async def test_a_file_that_a_killed_process_left_goes_when_it_is_old(tmp_path: Path) -> None:
    async with attic(tmp_path) as here:
        job = await here.finished(1, PNG + b"one")
        await here.round()
        lost = here.shelf.path_of("zz-lost")
        lost.parent.mkdir()
        lost.write_bytes(PNG)
        for path in here.folder.rglob("*"):
            os.utime(path, (START.timestamp() - 90_000,) * 2)
        await here.copying.remove_orphans()
        assert not lost.exists()
        assert await here.has(job)


async def test_a_cut_is_kept_where_there_is_room(tmp_path: Path) -> None:
    async with attic(tmp_path, most=1000) as here:
        job = await here.finished(1, PNG + b"one")
        await here.round()
        copy = await here.store.copies.find(job.jobid, 0, job.attachments[0].id)
        assert copy is not None
        await here.copying.keep_cut(copy.name, "small", b"cut")
        assert here.names == sorted([copy.name, f"{copy.name}.small"])
        await here.copying.keep_cut("nobody", "small", b"cut")
        assert here.names == sorted([copy.name, f"{copy.name}.small"])
