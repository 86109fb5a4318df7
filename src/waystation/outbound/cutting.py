"""Cutting: a quarter, a smaller size or another format of a picture (R43).

How it works: the size is read from the head, so that nothing with too many pixels is decoded. Then
the picture is cut in the pictures' pool, of which each thread holds one decoded picture.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, Final

from PIL import Image

from waystation import sentences
from waystation.errors import InvalidRequest, MediaFailed
from waystation.media.files import (
    AVIF,
    FORMATS,
    HEAD_BYTES,
    JPEG,
    PNG,
    WEBP,
    MediaKind,
    Wish,
    kind_of,
)
from waystation.outbound.pictures import decoded, recognise

__all__ = ["MOST_PIXELS", "PictureCutter"]

MOST_PIXELS: Final = 3 << 23
"""Of a picture that is cut: 25 million, 96 MiB when decoded. Midjourney's largest have 20 million.
"""

_WRITES: Final[dict[MediaKind, dict[str, Any]]] = {
    PNG: {"compress_level": 6},
    JPEG: {"quality": 88},
    WEBP: {"quality": 82, "method": 4},
    AVIF: {"quality": 62, "speed": 8},
}
"""How each format is written. Our choice: small, and in a fraction of a second."""

_BY_NAME: Final = {kind.name: kind for kind in FORMATS}


class PictureCutter:
    """Implements `ports.Cutter`. Args: pool: the pictures' threads"""

    def __init__(self, pool: ThreadPoolExecutor, most_pixels: int = MOST_PIXELS) -> None:
        self._pool = pool
        self._most_pixels = most_pixels

    async def cut(self, data: bytes, wish: Wish) -> tuple[bytes, MediaKind]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._cut, data, wish)

    def _cut(self, data: bytes, wish: Wish) -> tuple[bytes, MediaKind]:
        came_as, found = kind_of(data[:HEAD_BYTES]), recognise(data)
        if came_as is not None and not came_as.is_picture:
            raise InvalidRequest(sentences.NO_CUT.text)
        if came_as is None or found is None:
            raise MediaFailed(sentences.MEDIA_BAD.text)
        kind, (width, height) = found
        if width * height > self._most_pixels:
            raise MediaFailed(sentences.MEDIA_BAD.text, details=f"{width}x{height} pixels")
        try:
            picture = decoded(data, kind)
        except OSError:
            raise MediaFailed(sentences.MEDIA_BAD.text) from None
        wanted = came_as if wish.format is None else _BY_NAME[wish.format]
        return _written(_shown(picture, wish), wanted), wanted


def _shown(picture: Image.Image, wish: Wish) -> Image.Image:
    if wish.tile is not None:
        picture = picture.crop(_quarter(picture.size, wish.tile))
    if wish.size is not None:
        picture.thumbnail((wish.size, wish.size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _quarter(size: tuple[int, int], tile: int) -> tuple[int, int, int, int]:
    """Return the box of a quarter; of an odd size the middle row and column go to no quarter."""
    width, height = size[0] // 2, size[1] // 2
    left = (size[0] - width) * ((tile - 1) % 2)
    top = (size[1] - height) * ((tile - 1) // 2)
    return left, top, left + width, top + height


def _written(picture: Image.Image, kind: MediaKind) -> bytes:
    file = BytesIO()
    if kind is JPEG and picture.mode != "RGB":
        picture = picture.convert("RGB")
    picture.save(file, kind.name.upper(), **_WRITES[kind])
    return file.getvalue()
