"""Media: a file of a job as callers name it, and the answers that it may become.

A wish names one of a job's attachments: as it came, a quarter of a grid, smaller, or in another
format. The sets are closed, so that nobody can have a picture drawn in endless variants.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from waystation.jobs import Job

__all__ = [
    "AVIF",
    "FORMATS",
    "GIF",
    "HEAD_BYTES",
    "JPEG",
    "MP4",
    "PNG",
    "SIZES",
    "TILES",
    "WEBP",
    "MediaKind",
    "Wish",
    "digits_of",
    "etag",
    "file_name",
    "is_grid",
    "kind_of",
    "owner_of",
]

SIZES: Final = (320, 640, 1280)
"""Longest sides that a picture can be asked for in, in pixels."""

TILES: Final = (1, 2, 3, 4)
"""Quarters of a grid, in reading order."""

HEAD_BYTES: Final = 16
"""Bytes of a file that tell its kind."""

_CUTTING: Final = 1
"""Number of the way in which pictures are cut; another way gives other bytes."""

_JOBID: Final = re.compile(r"job:(\d{17})-user:(\d{1,18})-channel:.*", re.ASCII | re.DOTALL)
"""Source: R9."""

_TILE_BUTTON: Final = "U4"
"""A result with this button shows four pictures."""

_ISO_BRANDS: Final = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42"})
"""Brands of MP4 files that browsers play (ISO/IEC 14496-12, 4.3)."""


@dataclass(frozen=True, slots=True)
class MediaKind:
    """One kind of file that is answered."""

    name: str
    """The word by which `format` names it."""
    content_type: str
    extension: str
    is_picture: bool = True


PNG: Final = MediaKind("png", "image/png", "png")
JPEG: Final = MediaKind("jpeg", "image/jpeg", "jpg")
WEBP: Final = MediaKind("webp", "image/webp", "webp")
AVIF: Final = MediaKind("avif", "image/avif", "avif")
GIF: Final = MediaKind("gif", "image/gif", "gif", is_picture=False)
MP4: Final = MediaKind("mp4", "video/mp4", "mp4", is_picture=False)

FORMATS: Final[Sequence[MediaKind]] = (PNG, JPEG, WEBP, AVIF)
"""Formats that a picture can be asked for in."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A file of a job, as it is asked for."""

    jobid: str
    number: int
    """Of the attachment, from 0."""
    tile: int | None = None
    """One of TILES; None: the whole picture."""
    size: int | None = None
    """One of SIZES, the longest side; None: as large as it is. Pictures are never enlarged."""
    format: str | None = None
    """The name of one of FORMATS; None: the format of the file."""

    @property
    def is_original(self) -> bool:
        """True when the file is wished for as it came."""
        return self.tile is None and self.size is None and self.format is None


def kind_of(head: bytes) -> MediaKind | None:
    """Return the kind of a file by its first bytes, None for what is never answered.

    Args: head: `HEAD_BYTES` of it, or all of it
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[4:8] == b"ftyp" and head[8:12] in _ISO_BRANDS:
        return MP4
    return None


def is_grid(job: Job) -> bool:
    """Tell whether a job's picture shows four."""
    return any(button.label == _TILE_BUTTON for button in job.buttons)


def owner_of(jobid: str) -> int | None:
    """Return the user whom a jobid names, None for what is no jobid (R9)."""
    found = _JOBID.fullmatch(jobid)
    return None if found is None else int(found[2])


def digits_of(jobid: str) -> str:
    """Return the digits of a jobid, which are its date and a number; empty for what is none."""
    found = _JOBID.fullmatch(jobid)
    return "" if found is None else found[1]


def file_name(wish: Wish, kind: MediaKind) -> str:
    """Return the name of a file, made of nothing that a caller or the bot has written."""
    tile = "" if wish.tile is None else f"-{wish.tile}"
    size = "" if wish.size is None else f"-{wish.size}px"
    return f"{digits_of(wish.jobid)}-{wish.number}{tile}{size}.{kind.extension}"


def etag(wish: Wish, attachment_id: str) -> str:
    """Return the entity tag of a wish.

    Discord never changes the file of an attachment. A picture that is cut or written anew may
    differ from one version of a library to the next, so its tag is a weak one.

    Source: RFC 9110, section 8.8.3
    """
    named = (attachment_id, wish.number, wish.tile, wish.size, wish.format)
    digest = hashlib.sha256(repr((_CUTTING, *named)).encode()).hexdigest()[:32]
    return f'"{digest}"' if wish.is_original else f'W/"{digest}"'
