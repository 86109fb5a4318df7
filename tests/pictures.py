"""Pictures for tests: eight that prove the simulator really looks, and some that are none.

Each row of `PROOFS` states what was painted, written down from the painting and not from the code
under test. Shades are near, never equal to, the simulator's own colour table.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, ImageDraw

__all__ = [
    "PROOFS",
    "Proof",
    "animated_gif",
    "big_picture",
    "blue_twin",
    "bomb",
    "crimson_twin",
    "encoded",
    "landscape_twin",
    "not_a_picture",
    "portrait_twin",
    "proof",
    "reencoded",
    "rotated_jpeg",
    "stripes",
    "transparent_png",
    "truncated_picture",
    "webp",
]

Colour = tuple[int, int, int]

_AMBER: Colour = (248, 176, 46)
_BLUE: Colour = (40, 82, 206)
_CRIMSON: Colour = (188, 20, 56)
_GREEN: Colour = (40, 154, 64)
_IVORY: Colour = (246, 238, 216)
_LEMON: Colour = (248, 242, 148)
_LIME: Colour = (156, 222, 46)
_NAVY: Colour = (24, 30, 88)
_PEACH: Colour = (250, 208, 168)
_PINE: Colour = (28, 76, 46)
_TEAL: Colour = (20, 114, 122)
_VIOLET: Colour = (142, 64, 204)


@dataclass(frozen=True, slots=True)
class Proof:
    """A picture and what there is to see in it."""

    filename: str
    content_type: str
    build: Callable[[], bytes]
    width: int
    """Pixels, upright."""
    height: int
    """Pixels, upright."""
    ratio: str
    """As `--ar` has it."""
    orientation: str
    colours: tuple[str, ...]
    """Most widespread first."""
    light: str
    transparent: bool = False
    frames: int = 1


def stripes(size: tuple[int, int], *colours: Colour) -> Image.Image:
    """Paint upright stripes: the first colour covers seven tenths, the others share the rest."""
    width, height = size
    picture = Image.new("RGB", size, colours[0])
    draw = ImageDraw.Draw(picture)
    start, others = round(width * 0.7), colours[1:]
    for i, colour in enumerate(others):
        left = start + (width - start) * i // len(others)
        draw.rectangle((left, 0, width, height), fill=colour)
    return picture


def encoded(picture: Image.Image, format: str, **options: Any) -> bytes:
    """Return the picture as a file of the given format."""
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def reencoded(data: bytes, format: str, **options: Any) -> bytes:
    """Return the same (first) picture in another format."""
    with Image.open(BytesIO(data)) as picture:
        return encoded(picture, format, **options)


@cache
def rotated_jpeg() -> bytes:
    """Stored lying on its side, 400 x 300, to be shown upright as 300 x 400."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encoded(stripes((400, 300), _TEAL, _AMBER), "JPEG", quality=90, exif=exif)


@cache
def transparent_png() -> bytes:
    """A violet disc; what is see-through around it hides a lime that nobody may mention."""
    picture = Image.new("RGBA", (300, 300), (*_LIME, 0))
    ImageDraw.Draw(picture).ellipse((60, 60, 240, 240), fill=(*_VIOLET, 255))
    return encoded(picture, "PNG")


@cache
def animated_gif() -> bytes:
    """Three frames, of which the first is lemon and green and the others are navy."""
    first = stripes((200, 125), _LEMON, _GREEN)
    others = [
        stripes((200, 125), _NAVY, _CRIMSON),
        stripes((200, 125), _NAVY, _AMBER),
    ]
    return encoded(first, "GIF", save_all=True, append_images=others, duration=100, loop=0)


@cache
def webp() -> bytes:
    return encoded(stripes((640, 360), _IVORY, _PEACH), "WEBP", quality=90)


@cache
def crimson_twin() -> bytes:
    return encoded(stripes((420, 300), _CRIMSON, _IVORY), "PNG")


@cache
def blue_twin() -> bytes:
    """The crimson twin with blue in place of crimson, and of much the same luminance."""
    return encoded(stripes((420, 300), _BLUE, _IVORY), "PNG")


@cache
def landscape_twin() -> bytes:
    return encoded(_twin(), "PNG")


@cache
def portrait_twin() -> bytes:
    """The landscape twin, turned."""
    return encoded(_twin().transpose(Image.Transpose.ROTATE_90), "PNG")


def _twin() -> Image.Image:
    return stripes((480, 320), _NAVY, _PINE)


PROOFS = (
    Proof(
        "rotated.jpg", "image/jpeg", rotated_jpeg,
        300, 400, "3:4", "portrait", ("teal", "amber"), "balanced light",
    ),
    Proof(
        "disc.png", "image/png", transparent_png,
        300, 300, "1:1", "square", ("violet",), "flat light", transparent=True,
    ),
    Proof(
        "moving.gif", "image/gif", animated_gif,
        200, 125, "8:5", "landscape", ("lemon", "green"), "bright light", frames=3,
    ),
    Proof(
        "pale.webp", "image/webp", webp,
        640, 360, "16:9", "landscape", ("ivory", "peach"), "bright light",
    ),
    Proof(
        "crimson.png", "image/png", crimson_twin,
        420, 300, "7:5", "landscape", ("crimson", "ivory"), "strong contrast",
    ),
    Proof(
        "blue.png", "image/png", blue_twin,
        420, 300, "7:5", "landscape", ("blue", "ivory"), "strong contrast",
    ),
    Proof(
        "wide.png", "image/png", landscape_twin,
        480, 320, "3:2", "landscape", ("navy", "pine"), "dim light",
    ),
    Proof(
        "tall.png", "image/png", portrait_twin,
        320, 480, "2:3", "portrait", ("navy", "pine"), "dim light",
    ),
)  # fmt: skip
"""The eight proof pictures."""


def proof(filename: str) -> Proof:
    """Return the row of `PROOFS` with this file name."""
    return next(row for row in PROOFS if row.filename == filename)


def not_a_picture() -> bytes:
    """A page of text, as a server sends it where a picture was."""
    return b"<!doctype html><title>Not here</title><p>No such picture."


def truncated_picture() -> bytes:
    """The first half of a JPEG whose beginning is sound."""
    whole = encoded(stripes((640, 480), _TEAL, _AMBER, _IVORY), "JPEG", quality=95)
    return whole[: len(whole) // 2]


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A tiny PNG whose header promises more pixels than anyone should decode."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(bytes(1024)), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunks(chunks))


def big_picture(size_bytes: int) -> bytes:
    """A good PNG, followed by as many zeros as make a file of this size."""
    start = crimson_twin()
    if size_bytes < len(start):
        raise ValueError(f"a picture needs {len(start)} bytes")
    return start + bytes(size_bytes - len(start))


def _png_chunks(chunks: Iterable[bytes]) -> Iterable[bytes]:
    for chunk in chunks:
        yield struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
