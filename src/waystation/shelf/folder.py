"""FolderShelf: copies as files of a folder, for one machine or a share that several see.

How it works: a file is written beside the others, made durable, and then renamed, so that a name
stands for a whole file. The first two characters of a name are its folder.

Rules: nothing of this waits in the event loop; files are read and written by threads.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from io import FileIO
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog

from waystation import sentences
from waystation.errors import ConfigurationError, MediaFailed, MediaGone
from waystation.ports import Clock, MediaFile, ShelfRoom

__all__ = ["THREADS", "FolderShelf"]

_PIECE_BYTES: Final = 256 * 1024
"""Read by one thread in one go: most pictures are a few of these."""

_INCOMING: Final = "incoming"

_MARK: Final = "shelf.id"
"""File that tells this folder from any other."""

_FOLDER_NAME: Final = 2
"""Characters of a folder's name."""

THREADS: Final = 4
"""Files that are read or written in the same moment."""

_P = ParamSpec("_P")
_T = TypeVar("_T")

_log = structlog.get_logger("waystation.media")


class FolderShelf:
    """Implements `ports.Shelf`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="shelf")

    def make(self) -> None:
        """Make the folder. Raises: ConfigurationError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self._folder / _INCOMING).mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(
                f"The folder of copies {self._folder} cannot be made: {error.strerror}. Set "
                "WAYSTATION_MEDIA to local:<a folder that this user may write>, or to refresh."
            ) from error

    def path_of(self, name: str) -> Path:
        """Return where a file lies."""
        return self._folder / name[:_FOLDER_NAME] / name

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> tuple[bytes, int]:
        digest, size = hashlib.sha256(), 0
        try:
            opened, incoming = await self._run(_created, self._folder / _INCOMING, name)
            file = _Opened(self._threads, opened)
            try:
                async for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    await file.run(_write, chunk)
                await file.run(_settle, incoming, self.path_of(name))
            finally:
                # after its last thread, which may have renamed it
                file.close(incoming)
        except OSError as error:
            raise _unusable("written", error) from None
        return digest.digest(), size

    @asynccontextmanager
    async def open(
        self, name: str, first: int = 0, last: int | None = None
    ) -> AsyncIterator[MediaFile]:
        try:
            opened, size = await self._run(_opened, self.path_of(name), first)
        except FileNotFoundError:
            raise MediaGone from None
        except OSError as error:
            raise _unusable("read", error) from None
        file = _Opened(self._threads, opened)
        chunks = _chunks(file, None if last is None else last + 1 - first)
        try:
            yield MediaFile(size, first, chunks)
        finally:
            await chunks.aclose()
            file.close()

    async def drop(self, name: str) -> None:
        try:
            await self._run(self._drop, name)
        except OSError as error:
            raise _unusable("removed", error) from None

    async def old(self, age: timedelta) -> AsyncGenerator[Sequence[str], None]:
        try:
            for folder in await self._run(lambda: sorted(self._folder.iterdir())):
                # beside ours a disk has folders of its own, which nobody may read
                if folder.name != _INCOMING and len(folder.name) != _FOLDER_NAME:
                    continue
                yield await self._run(_old, folder, (self._clock.wall() - age).timestamp())
        except OSError as error:
            raise _unusable("listed", error) from None

    async def room(self) -> ShelfRoom | None:
        try:
            usage = await self._run(shutil.disk_usage, self._folder)
        except OSError as error:
            raise _unusable("looked at", error) from None
        return ShelfRoom(usage.free, usage.total)

    async def mark(self) -> str | None:
        try:
            return await self._run(self._marked)
        except OSError as error:
            raise _unusable("read", error) from None

    async def set_mark(self, mark: str) -> None:
        try:
            await self._run((self._folder / _MARK).write_text, f"{mark}\n", "utf-8")
        except OSError as error:
            raise _unusable("written", error) from None

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))

    def _marked(self) -> str | None:
        try:
            return (self._folder / _MARK).read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def _drop(self, name: str) -> None:
        for folder in (self._folder / _INCOMING, self.path_of(name).parent):
            for path in folder.glob(f"{name}.*"):
                path.unlink(missing_ok=True)
        self.path_of(name).unlink(missing_ok=True)


class _Opened:
    """A file that threads work on, one after another.

    How it works: whoever waits for a thread may be cancelled, and the thread goes on. So the file
    is closed when its last thread has ended: its number could be another file's by then.
    """

    def __init__(self, threads: ThreadPoolExecutor, file: FileIO) -> None:
        self._threads = threads
        self._file = file
        self._last: Future[Any] | None = None

    async def run(
        self, work: Callable[Concatenate[FileIO, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        future = self._last = self._threads.submit(work, self._file, *args, **kwargs)
        return await asyncio.wrap_future(future)

    def close(self, leftover: Path | None = None) -> None:
        """Close it, and remove what was never renamed, once its last thread has ended."""
        if self._last is None:
            self._over(leftover)
        else:
            self._last.add_done_callback(lambda done: self._over(leftover))

    def _over(self, leftover: Path | None) -> None:
        self._file.close()
        if leftover is not None:
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _created(folder: Path, name: str) -> tuple[FileIO, Path]:
    """Make a file that is nobody else's: two may keep the same picture in the same moment."""
    descriptor, path = tempfile.mkstemp(prefix=f"{name}.", dir=folder)
    return FileIO(descriptor, "wb"), Path(path)


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _settle(file: FileIO, incoming: Path, place: Path) -> None:
    """Make a file durable under its name."""
    os.fsync(file.fileno())
    place.parent.mkdir(mode=0o700, exist_ok=True)
    incoming.rename(place)
    for folder in (place.parent, place.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _opened(path: Path, first: int) -> tuple[FileIO, int]:
    file = FileIO(path)
    file.seek(first)
    return file, os.fstat(file.fileno()).st_size


async def _chunks(file: _Opened, wanted: int | None) -> AsyncGenerator[bytes, None]:
    while wanted is None or wanted > 0:
        piece = _PIECE_BYTES if wanted is None else min(wanted, _PIECE_BYTES)
        try:
            chunk = await file.run(FileIO.read, piece)
        except OSError as error:
            raise _unusable("read", error) from None
        if not chunk:
            return
        wanted = None if wanted is None else wanted - len(chunk)
        yield chunk


def _old(folder: Path, before: float) -> Sequence[str]:
    """Return the names of files of a folder that were changed before a moment."""
    found = set()
    with suppress(NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                name = entry.name.partition(".")[0]
                if name and entry.stat().st_mtime < before:
                    found.add(name)
    return sorted(found)


def _unusable(done: str, error: OSError) -> MediaFailed:
    _log.warning(f"media.shelf_not_{done.replace(' ', '_')}", reason=error.strerror)
    return MediaFailed(sentences.SHELF_BROKEN.text, details=error.strerror)
