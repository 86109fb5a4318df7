"""Saving: the pictures of a job as files.

Rules: a file is written under a temporary name and renamed once it is whole. What has that name
already stays: the same picture is not written twice, another one gets a number behind its name.
"""

from __future__ import annotations

import filecmp
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rich.console import RenderableType
from rich.text import Text

from waystation.cli.screen import Screen, link
from waystation.errors import InvalidRequest, PreconditionFailed, WaystationError
from waystation.jobs import FINAL

if TYPE_CHECKING:
    from waystation.client import Client

__all__ = ["Saved", "folder_at", "folder_of", "named", "save"]

_MOST_BYTES = 100 * 1024 * 1024
"""Per picture: what a server on Discord takes at most."""

_HEAD_BYTES = 256 * 1024
"""In which a picture tells its size."""

_LONGEST_NAME = 180
"""Bytes; file systems take 255, and a number may come behind it."""

_UNSAFE = re.compile(r"[^\w.() -]+")


@dataclass(frozen=True, slots=True)
class Saved:
    """The outcome of saving pictures."""

    paths: list[Path] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Link, which is empty where there was none, and why."""
    may_come: bool = True
    """True when trying again can help."""

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` adds it to the job."""
        found: dict[str, object] = {"saved": [str(path) for path in self.paths]}
        if self.failures:
            found["unsaved"] = [{"url": url, "error": why} for url, why in self.failures]
        return found

    def shown(self) -> Iterator[RenderableType]:
        """Yield a line for each path."""
        for path in self.paths:
            line = Text.assemble("saved ", link(str(path)))
            line.no_wrap = True
            yield line

    def tell(self, screen: Screen) -> None:
        """Say on stderr what could not be saved."""
        for _, why in self.failures:
            screen.note(f"✗ not saved: {why}", "red")


def folder_of(path: Path | None, singles: bool) -> Path | None:
    """Return the directory of `--save` as `folder_at` does, None where nothing is to be saved.

    Raises: InvalidRequest: `--singles` without it; PreconditionFailed
    """
    if path is None and singles:
        raise InvalidRequest("--singles saves pictures; say where with --save DIR")
    return None if path is None else folder_at(path)


def folder_at(path: Path) -> Path:
    """Return a directory that can be written into, made when it is missing.

    Raises: PreconditionFailed
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PreconditionFailed(f"{path} cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise PreconditionFailed(f"{path} cannot be written into")
    return path


async def save(
    client: Client, job: Mapping[str, object], folder: Path | None, *, singles: bool = False
) -> Saved | None:
    """Fetch every picture of a completed job into a folder; what cannot be had is told.

    Args:
        folder: None where nothing is to be saved
        singles: the single pictures and clips of a grid too, which Midjourney's own host shows
    """
    if folder is None:
        return None
    status = job.get("status")
    links = [*_attached(job), *(_single(job) if singles else ())]
    if status != "completed":
        why = f"the job is {status or 'unknown'}, not completed"
        return Saved(failures=[("", why)], may_come=status not in FINAL)
    if not links:
        return Saved(failures=[("", "the job has no picture")], may_come=False)
    found = Saved()
    for url, name in links:
        try:
            found.paths.append(await _save(client, url, folder / name))
        except WaystationError as error:
            found.failures.append((url, error.message))
        except OSError as error:
            found.failures.append((url, f"{folder / name}: {error.strerror}"))
    return found


def _attached(job: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for url, attachment in _shown(job, "attachments"):
        yield url, named(str(attachment.get("filename") or _parts(url)[-1]))


def _single(job: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for field_name in ("imageUx", "videoUx"):
        for url, _ in _shown(job, field_name):
            # the last part, such as 0_1.png, is the same for every grid
            yield url, named("_".join(_parts(url)[-2:]))


def _shown(
    job: Mapping[str, object], field_name: str
) -> Iterator[tuple[str, Mapping[str, object]]]:
    found = job.get(field_name)
    for one in found if isinstance(found, list) else []:
        if isinstance(one, dict) and one.get("url"):
            yield str(one["url"]), one


def named(given: str) -> str:
    """Return a file name that stays in its folder, steers no terminal and is no option.

    Args: given: foreign text; only what stands behind its last separator counts
    """
    name = _UNSAFE.sub("_", re.split(r"[/\\]", given)[-1]).lstrip(".- ")
    path = PurePosixPath(name or "picture")
    suffix = path.suffix if len(path.suffix) <= 10 else ""
    stem = path.name.removesuffix(suffix).encode()[: _LONGEST_NAME - len(suffix.encode())]
    return stem.decode("utf-8", "ignore") + suffix


def _parts(url: str) -> list[str]:
    return unquote(urlsplit(url).path).split("/")


async def _save(client: Client, url: str, wanted: Path) -> Path:
    with _part(wanted.parent) as file:
        await client.download(url, file, most_bytes=_MOST_BYTES)
        file.flush()
        temporary = Path(file.name)
        return _placed(temporary, wanted.with_suffix(_suffix(temporary, wanted.suffix)))


def _suffix(file: Path, told: str) -> str:
    """Return the suffix of the picture that the bytes are; the one told where they are none."""
    from waystation.outbound.pictures import recognise

    with file.open("rb") as opened:
        found = recognise(opened.read(_HEAD_BYTES))
    if found is None or told.lower() in (".jpeg", f".{found[0].extension}"):
        return told
    return f".{found[0].extension}"


@contextmanager
def _part(folder: Path) -> Iterator[IO[bytes]]:
    """Yield a new file; nothing is left of its name."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _placed(temporary: Path, wanted: Path) -> Path:
    """Give a whole file its name, or the next one that is free."""
    for number in count(1):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            with path.open("xb") as mine:
                mode = os.fstat(mine.fileno()).st_mode
        except FileExistsError:
            if path.is_file() and filecmp.cmp(temporary, path, shallow=False):
                return path
            continue
        temporary.chmod(mode)
        return temporary.replace(path)
    raise AssertionError("numbers do not end")
