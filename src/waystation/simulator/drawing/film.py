"""Moves a camera over a single picture: the frames of clips.

How it works: a clip is a way, a sequence of views into a picture that does not itself move. The
first view is the whole picture. Each of the four clips of a grid goes its own way; extending a clip
appends another leg to the way it went.
"""

from __future__ import annotations

import math
from random import Random
from typing import Final, NamedTuple

from PIL import Image

from waystation.simulator.drawing.canvas import Animated, Canvas, Continued, Motion, Picked
from waystation.simulator.drawing.draw import draw
from waystation.simulator.drawing.paint import Size

__all__ = ["FRAMES", "FRAME_MS", "frames"]

FRAMES: Final = 8
"""Frames per leg: few, because a thousand jobs must stay cheap."""

FRAME_MS: Final = 650
"""How long each is shown; a leg then lasts about as long as the bot's, 5 s."""


def frames(canvas: Canvas, n: int, size: Size) -> list[Image.Image]:
    """Film clip `n`.

    Returns: `FRAMES` pictures, and as many again for each time it was extended
    Raises: ValueError: the canvas does not move
    """
    still = draw(canvas, n, size)
    width, height = size
    return [
        still.resize(size, Image.Resampling.BILINEAR, box=view.box(width, height))
        for view in _way(canvas, n)
    ]


class _View(NamedTuple):
    """The view of the camera. Units: shares of the picture's sides"""

    x: float
    y: float
    """The middle."""
    share: float
    angle: float
    """The path of the camera to this view."""

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        half = self.share / 2
        left, top = max(0.0, self.x - half), max(0.0, self.y - half)
        right, bottom = min(1.0, self.x + half), min(1.0, self.y + half)
        return left * width, top * height, right * width, bottom * height


_WHOLE: Final = _View(0.5, 0.5, 1.0, 0.0)

_SHARES: Final = {Motion.LOW: 0.84, Motion.HIGH: 0.58}
"""How much of the picture is seen at the end of a leg."""

_APART: Final = math.tau / 5
"""Between the directions of two clips, and of any clip and the leg before it."""


def _way(canvas: Canvas, n: int) -> list[_View]:
    match canvas.plan:
        case Picked(parent=parent, n=tile):
            return _way(parent, tile)
        case Animated(motion=motion):
            return [_WHOLE, *_leg(_WHOLE, motion, canvas.seed, n, FRAMES - 1)]
        case Continued(parent=parent, motion=motion):
            before = _way(parent, 1)
            return [*before, *_leg(before[-1], motion, canvas.seed, n, FRAMES)]
        case _:
            raise ValueError("this canvas does not move")


def _leg(start: _View, motion: Motion, seed: int, n: int, steps: int) -> list[_View]:
    turn = Random(f"leg\0{motion}\0{seed}").uniform(-_APART / 4, _APART / 4)
    angle, share = start.angle + n * _APART + turn, _SHARES[motion]
    # To the edge of a square, not of a circle: corners are reached as well as sides.
    across, down = math.cos(angle), math.sin(angle)
    reach = (1 - share) / 2 / max(abs(across), abs(down))
    end = _View(0.5 + reach * across, 0.5 + reach * down, share, angle)
    return [
        _View(
            start.x + (end.x - start.x) * step / steps,
            start.y + (end.y - start.y) * step / steps,
            start.share + (end.share - start.share) * step / steps,
            angle,
        )
        for step in range(1, steps + 1)
    ]
