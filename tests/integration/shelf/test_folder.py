"""Copies as files of a folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import START, FakeClock
from waystation.errors import ConfigurationError, MediaFailed, MediaGone
from waystation.shelf.folder import FolderShelf

DATA = bytes(range(256)) * 4096
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
async def shelf(folder: Path) -> AsyncIterator[FolderShelf]:
    made = FolderShelf(folder, FakeClock())
    made.make()
    yield made
    await made.close()


async def pieces(data: bytes, fails: Exception | None = None) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 100_000):
        yield data[at : at + 100_000]
    if fails is not None:
        raise fails


async def read(shelf: FolderShelf, name: str, *span: int) -> bytes:
    async with shelf.open(name, *span) as file:
        return b"".join([chunk async for chunk in file.chunks])


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


async def test_a_file_is_read_as_it_was_put(shelf: FolderShelf, folder: Path) -> None:
    assert await shelf.put("abc", pieces(DATA)) == (hashlib.sha256(DATA).digest(), len(DATA))
    assert await read(shelf, "abc") == DATA
    assert await read(shelf, "abc", 300_000, 700_000) == DATA[300_000:700_001]
    async with shelf.open("abc", 5) as file:
        assert (file.length, file.begins) == (len(DATA), 5)
    assert files(folder) == {"ab/abc"}
    assert shelf.path_of("abc").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_breaks_off_leaves_nothing(shelf: FolderShelf, folder: Path) -> None:
    with pytest.raises(MediaFailed):
        await shelf.put("abc", pieces(DATA, MediaFailed()))
    assert files(folder) == set()
    with pytest.raises(MediaGone):
        await read(shelf, "abc")


async def test_a_put_that_is_cancelled_leaves_nothing(shelf: FolderShelf, folder: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        begun.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(shelf.put("abc", endless()))
    await begun.wait()
    putting.cancel()
    await asyncio.wait({putting})
    assert files(folder) == set()


async def test_a_file_goes_with_its_cuts_and_no_other(shelf: FolderShelf, folder: Path) -> None:
    for name in ("abc", "abc.small", "abcd", "abcd.small"):
        await shelf.put(name, pieces(b"data"))
    for _ in range(2):
        await shelf.drop("abc")
    assert files(folder) == {"ab/abcd", "ab/abcd.small"}


async def test_old_files_are_named_each_once(shelf: FolderShelf, folder: Path) -> None:
    for name in ("abc", "abc.small", "xyz"):
        await shelf.put(name, pieces(b"data"))
        age = 3 * 86_400 if name.startswith("abc") else 60
        moment = START.timestamp() - age
        os.utime(shelf.path_of(name), (moment, moment))
    assert [name async for names in shelf.old(DAY) for name in names] == ["abc"]
    left = folder / "incoming" / "never.x1"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    found = [name async for names in shelf.old(DAY) for name in names]
    assert sorted(found) == ["abc", "never"]
    await shelf.drop("never")
    assert not left.exists()


async def test_few_threads_read_and_write(shelf: FolderShelf) -> None:
    names = [f"n{number}" for number in range(12)]
    await asyncio.gather(*(shelf.put(name, pieces(b"data")) for name in names))
    assert await asyncio.gather(*(read(shelf, name) for name in names)) == [b"data"] * 12
    assert sum("shelf" in thread.name for thread in threading.enumerate()) == 4


async def test_the_room_is_that_of_the_disk(shelf: FolderShelf) -> None:
    room = await shelf.room()
    assert room is not None
    assert 0 < room.free <= room.total


async def test_a_file_that_is_still_read_is_whole_when_it_is_dropped(shelf: FolderShelf) -> None:
    await shelf.put("abc", pieces(DATA))
    async with shelf.open("abc") as file:
        first = await anext(aiter(file.chunks))
        await shelf.drop("abc")
        rest = b"".join([chunk async for chunk in file.chunks])
    assert first + rest == DATA


@pytest.fixture
def full() -> Iterator[Path]:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is full")
    yield Path("/dev/full")


async def test_a_full_disk_is_told(
    shelf: FolderShelf, folder: Path, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_it(prefix: str, dir: Path) -> tuple[int, str]:
        return os.open(full, os.O_WRONLY), str(dir / prefix)

    monkeypatch.setattr(tempfile, "mkstemp", on_it)
    with pytest.raises(MediaFailed, match="The copy of the file cannot be used"):
        await shelf.put("abc", pieces(b"data"))
    monkeypatch.undo()
    (folder / "incoming").rmdir()
    with pytest.raises(MediaFailed):
        await shelf.put("abc", pieces(b"data"))


async def test_two_may_put_the_same_name_at_once(shelf: FolderShelf, folder: Path) -> None:
    await asyncio.gather(*(shelf.put("abc.small", pieces(DATA)) for _ in range(4)))
    assert await read(shelf, "abc.small") == DATA
    assert files(folder) == {"ab/abc.small"}


async def test_folders_of_others_are_passed_by(shelf: FolderShelf, folder: Path) -> None:
    await shelf.put("abc", pieces(b"data"))
    (folder / "lost+found").mkdir()
    for strange in ("ab/.nfs01", "lost+found/x"):
        (folder / strange).write_bytes(b"")
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    found = [name async for names in shelf.old(DAY) for name in names]
    assert found == ["abc"]


async def test_a_place_keeps_its_mark(shelf: FolderShelf) -> None:
    assert await shelf.mark() is None
    await shelf.set_mark("one")
    assert await shelf.mark() == "one"


def test_a_folder_that_cannot_be_made_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="WAYSTATION_MEDIA"):
        FolderShelf(tmp_path / "file" / "media", FakeClock()).make()
