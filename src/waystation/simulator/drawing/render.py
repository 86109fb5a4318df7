"""Turns recipes into files: grids, single pictures, previews and clips.

`size_px` means one thing everywhere: the side of a square grid, the setting that a simulator is
started with. All other sizes follow from it: a tile has half its sides, an upscale two or four
times a tile's, a preview a quarter of the grid's; other shapes cover about the same area.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import Final, Literal, TypeAlias

from PIL import Image

from waystation.simulator.drawing.canvas import Canvas, Ratio
from waystation.simulator.drawing.draw import draw
from waystation.simulator.drawing.film import FRAME_MS, frames
from waystation.simulator.drawing.mp4 import mp4
from waystation.simulator.drawing.paint import Size

__all__ = [
    "CLIP_SIDE",
    "MAX_SIDE",
    "VIDEO_GRID_SIDE",
    "Format",
    "clip",
    "finished",
    "finished_size",
    "grid",
    "grid_size",
    "preview",
    "tile",
    "tile_size",
    "video_grid",
]

Format: TypeAlias = Literal["WEBP", "PNG"]
"""Formats of still pictures; moving ones are WebP."""

MAX_SIDE: Final = 16_383
"""Longest side in pixels. Source: RFC 9649, 2.5, the limit of WebP."""

VIDEO_GRID_SIDE: Final = 624
"""Side of a square video grid, unless pictures are set smaller. Source: wire notes 4.2."""

CLIP_SIDE: Final = 720
"""Side of a square clip, unless pictures are set smaller. Source: wire notes 4.2, 720p."""


def grid_size(canvas: Canvas, size_px: int) -> Size:
    """Return width and height of the grid of a canvas, both even."""
    return _times(2, canvas.ratio, size_px / 2)


def tile_size(canvas: Canvas, size_px: int) -> Size:
    """Return width and height of a single picture of a canvas, as upscaled as it is."""
    return _times(canvas.factor, canvas.ratio, size_px / 2)


def finished_size(canvas: Canvas, size_px: int) -> Size:
    """Return width and height of what `finished` returns."""
    match canvas.moving, canvas.tiles:
        case False, 1:
            return tile_size(canvas, size_px)
        case False, _:
            return grid_size(canvas, size_px)
        case True, 1:
            return _times(1, canvas.ratio, min(size_px, CLIP_SIDE))
        case _:
            return grid_size(canvas, min(size_px, VIDEO_GRID_SIDE))


def finished(canvas: Canvas, size_px: int, format: Format = "WEBP") -> bytes:
    """Draw what the bot attaches when a job is done: a grid or a single one, still or moving."""
    match canvas.moving, canvas.tiles:
        case False, 1:
            return tile(canvas, 1, size_px, format)
        case False, _:
            return grid(canvas, size_px, format)
        case True, 1:
            return clip(canvas, 1, size_px)
        case _:
            return video_grid(canvas, size_px)


def grid(canvas: Canvas, size_px: int, format: Format = "WEBP") -> bytes:
    """Draw the four tiles of a canvas, two by two in reading order.

    Raises: ValueError: the canvas is a single picture
    """
    return _encoded(_grid(canvas, grid_size(canvas, size_px)), format)


def tile(canvas: Canvas, n: int, size_px: int, format: Format = "WEBP") -> bytes:
    """Draw tile `n` at full size."""
    return _encoded(draw(canvas, n, tile_size(canvas, size_px)), format)


def preview(canvas: Canvas, pct: int, size_px: int, format: Format = "WEBP") -> bytes:
    """Draw what the bot shows in between: smaller, and the coarser the earlier it is.

    Args: pct: progress. Units: percent, 0-100
    """
    small = max(_LEAST_PREVIEW, min(_MOST_PREVIEW, size_px // 4))
    width, height = grid_size(canvas, small)
    image = (
        draw(canvas, 1, (width, height)) if canvas.tiles == 1 else _grid(canvas, (width, height))
    )
    detail = _FIRST_DETAIL + (1 - _FIRST_DETAIL) * max(0, min(pct, 100)) / 100
    coarse = (max(2, round(width * detail)), max(2, round(height * detail)))
    blurred = image.resize(coarse, Image.Resampling.BOX)
    return _encoded(blurred.resize((width, height), Image.Resampling.BICUBIC), format)


def video_grid(canvas: Canvas, size_px: int) -> bytes:
    """Draw the four clips of a canvas, two by two, as an animated WebP.

    Raises: ValueError: the canvas does not move, or is a single clip
    """
    width, height = finished_size(canvas, size_px)
    films = [frames(canvas, n, (width // 2, height // 2)) for n in _four(canvas)]
    return _animation([_joined(pictures) for pictures in zip(*films, strict=True)])


def clip(canvas: Canvas, n: int, size_px: int) -> bytes:
    """Draw clip `n` of a canvas, as an mp4.

    Raises: ValueError: the canvas does not move
    """
    size = _times(1, canvas.ratio, min(size_px, CLIP_SIDE))
    return mp4([_encoded(frame, "JPEG") for frame in frames(canvas, n, size)], size, FRAME_MS)


_LEAST_PREVIEW: Final = 32
_MOST_PREVIEW: Final = 512
"""Sides of square previews. Source: wire notes 4.2, up to 512."""

_FIRST_DETAIL: Final = 0.15
"""Part of a preview's pixels on a side that can be told apart at 0 %."""

_QUALITY: Final = 90
"""Of WebP and JPEG, 0-100: high enough that tiles which differ little stay different."""

_EFFORT: Final = 0
"""Of WebP, 0-6: pictures are drawn to be looked at once, so time counts and bytes do not."""

_LEAST_STEPS: Final = 10
"""Below this many multiples of a ratio, the nearest one covers too different an area."""

_ROUNDING: Final = 0.25
"""Added before cutting off to a multiple: rather a little too small than a little too large."""


def _times(factor: int, ratio: Ratio, side: float) -> Size:
    """Multiply the size of a shape, which is smaller where the product would pass `MAX_SIDE`."""
    width, height = _shaped(ratio, side, MAX_SIDE // factor)
    return factor * width, factor * height


def _shaped(ratio: Ratio, side: float, longest: int) -> Size:
    """Find the even size of a shape that covers about `side` squared pixels.

    An exact multiple of the ratio where one is near, otherwise with a long side that is off by one
    pixel at most. Even, because WebP halves its colours: the tiles of a grid stay apart.
    """
    short, long = sorted(ratio)
    side = min(side, longest * math.sqrt(short / long))
    multiple = 2 * math.floor(side / math.sqrt(short * long) / 2 + _ROUNDING)
    multiple = min(multiple, longest // long // 2 * 2)
    if multiple >= _LEAST_STEPS:
        across, down = multiple * short, multiple * long
    else:
        across = max(2, 2 * round(side * math.sqrt(short / long) / 2))
        down = min(2 * round(across * long / short / 2), longest // 2 * 2)
    return (across, down) if ratio[0] <= ratio[1] else (down, across)


def _four(canvas: Canvas) -> range:
    if canvas.tiles != 4:
        raise ValueError("a single picture makes no grid")
    return range(1, 5)


def _grid(canvas: Canvas, size: Size) -> Image.Image:
    half = (size[0] // 2, size[1] // 2)
    return _joined([draw(canvas, n, half) for n in _four(canvas)])


def _joined(tiles: Sequence[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    whole = Image.new("RGB", (2 * width, 2 * height))
    for place, picture in enumerate(tiles):
        whole.paste(picture, (place % 2 * width, place // 2 * height))
    return whole


def _encoded(image: Image.Image, format: Format | Literal["JPEG"]) -> bytes:
    data = BytesIO()
    match format:
        case "WEBP":
            image.save(data, "WEBP", quality=_QUALITY, method=_EFFORT)
        case "PNG":
            image.save(data, "PNG", compress_level=1)
        case "JPEG":
            image.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()


def _animation(pictures: Sequence[Image.Image]) -> bytes:
    data = BytesIO()
    pictures[0].save(
        data,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=FRAME_MS,
        loop=0,
        quality=_QUALITY,
        method=_EFFORT,
    )
    return data.getvalue()
