"""Tiles: which of the four pictures of a grid another picture shows, measured on the pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["tile_of"]

_SIDE = 64
"""Pixels to which both are brought before they are compared."""


def tile_of(grid: Path, single: Path) -> int:
    """Return the number, 1 to 4 line by line, of the tile that differs least from a picture.

    Returns: 0 when a file is no picture
    Purity: blocks; two pictures are read and made small
    """
    from PIL import Image

    try:
        with Image.open(grid) as four, Image.open(single) as one:
            width, height = four.size
            corners = [(x, y) for y in (0, height // 2) for x in (0, width // 2)]
            boxes = [(x, y, x + width // 2, y + height // 2) for x, y in corners]
            tiles = [_small(four.crop(box)) for box in boxes]
            wanted = _small(one)
    except OSError:
        return 0
    return 1 + min(range(4), key=lambda number: _difference(tiles[number], wanted))


def _small(picture: Image) -> Image:
    return picture.convert("RGB").resize((_SIDE, _SIDE))


def _difference(one: Image, other: Image) -> float:
    from PIL import ImageChops, ImageStat

    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)
