"""Gallery: turns works into files, away from the event loop unless they are tiny."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from PIL import Image

from waystation.simulator import drawing
from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.bot.works import Work
from waystation.simulator.drawing.mp4 import is_mp4, mp4_size

__all__ = ["Drawn", "Gallery", "Paint", "finished", "forgery", "nth", "preview", "singles"]

_TINY_PX = 128
"""Up to this size a picture takes less time than handing it to a thread is worth."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as a file. Units: pixels."""

    data: bytes
    extension: str
    width: int
    height: int

    @property
    def content_type(self) -> str:
        """Return the media type of the file."""
        return f"{'video' if self.extension == 'mp4' else 'image'}/{self.extension}"


Paint = Callable[[Work, int], tuple[Drawn, ...]]
"""The drawn part of a work, in a simulator whose square grids have sides of so many pixels."""


class Gallery:
    """Draws what a message will show."""

    def __init__(self, picture_size: int) -> None:
        self.picture_size = picture_size

    async def draw(self, paint: Paint, work: Work) -> tuple[Drawn, ...]:
        """Draw one thing; large ones in a thread."""
        if self.picture_size <= _TINY_PX:
            return paint(work, self.picture_size)
        return await asyncio.to_thread(paint, work, self.picture_size)


def finished(work: Work, size_px: int) -> tuple[Drawn, ...]:
    """Draw what a result's message shows: one grid, picture or clip."""
    return (_drawn(drawing.finished(work.canvas, size_px, _format(work))),)


def forgery(work: Work, size_px: int) -> tuple[Drawn, ...]:
    """Draw what looks like a work's result and is another picture."""
    canvas = drawing.imagine(work.prompt, work.seed + 1, work.canvas.ratio)
    return (_drawn(drawing.grid(canvas, size_px, _format(work))),)


def preview(percent: int) -> Paint:
    """Return what draws the smaller picture of a job so far. Units: percent, 0-100"""
    return partial(_preview, percent)


def _preview(percent: int, work: Work, size_px: int) -> tuple[Drawn, ...]:
    return (_drawn(drawing.preview(work.canvas, percent, size_px)),)


def singles(work: Work, size_px: int) -> tuple[Drawn, ...]:
    """Draw the pictures of a work one by one, as the message with its seed shows them."""
    if work.canvas.moving:
        return finished(work, size_px)
    tiles = range(1, work.canvas.tiles + 1)
    return tuple(_drawn(drawing.tile(work.canvas, n, size_px, _format(work))) for n in tiles)


def nth(n: int) -> Paint:
    """Return what draws picture or clip `n` of a work as Midjourney's own network has it."""
    return partial(_nth, n)


def _nth(n: int, work: Work, size_px: int) -> tuple[Drawn, ...]:
    if work.canvas.moving:
        return (_drawn(drawing.clip(work.canvas, n, size_px)),)
    return (_drawn(drawing.tile(work.canvas, n, size_px, "PNG")),)


def _format(work: Work) -> drawing.Format:
    return "PNG" if MODELS[work.version].extension == "png" else "WEBP"


def _drawn(data: bytes) -> Drawn:
    if is_mp4(data):
        return Drawn(data, "mp4", *mp4_size(data))
    with Image.open(BytesIO(data), formats=("WEBP", "PNG")) as image:
        return Drawn(data, str(image.format).lower(), *image.size)
