"""Recipes: the canvas that each verb and button makes of an earlier one.

Every button is one function here, and most are one row of `Plan`. Buttons that the bot offers on
single pictures only (upscale, zoom, pan, region, animate) refuse a canvas of four: `pick` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from waystation.simulator.drawing.canvas import (
    MAX_ZOOM,
    PAN_SHARE,
    UPSCALES,
    Animated,
    Blended,
    Box,
    Canvas,
    Continued,
    Edited,
    Imagined,
    Motion,
    Outpainted,
    Picked,
    Ratio,
    Repainted,
    Side,
    Strength,
    Upscaled,
    Varied,
)
from waystation.simulator.drawing.photo import kept_mask, kept_photo
from waystation.simulator.drawing.pictures import look

__all__ = [
    "animate",
    "blend",
    "edit",
    "extend",
    "imagine",
    "make_square",
    "pan",
    "pick",
    "region",
    "reroll",
    "upscale",
    "variation",
    "zoom_out",
]


def imagine(prompt: str, seed: int, ratio: Ratio = (1, 1)) -> Canvas:
    """Make four pictures that only this prompt with this seed gives.

    Raises: ValueError: a side of the ratio is not positive
    """
    return Canvas(Imagined(prompt, _reduced(*ratio)), seed)


def blend(photos: Sequence[bytes], dimensions: Ratio = (1, 1), seed: int = 0) -> Canvas:
    """Mix pictures into four; each shows all of them, cut to shape around the middle.

    Raises: ValueError: fewer than two; UnreadablePicture: one is not a picture
    Purity: decodes every picture; call it in a thread
    """
    if len(photos) < 2:
        raise ValueError("a blend takes at least two pictures")
    return Canvas(Blended(tuple(map(kept_photo, photos)), _reduced(*dimensions)), seed)


def edit(photos: Sequence[bytes], prompt: str, seed: int = 0) -> Canvas:
    """Paint words over pictures; each of the four shows all of them, in the shape of the first.

    Raises: ValueError: there is none; UnreadablePicture: one is not a picture
    Purity: decodes every picture; call it in a thread
    """
    if not photos:
        raise ValueError("an edit takes at least one picture")
    seen = look(photos[0])
    base = Blended(tuple(map(kept_photo, photos)), _reduced(seen.width, seen.height))
    return Canvas(Edited(base, prompt), seed)


def variation(canvas: Canvas, n: int, strength: Strength, seed: int) -> Canvas:
    """Make four pictures with the colours of tile `n`, near it or less near."""
    return Canvas(Varied(canvas, _numbered(canvas, n), strength), seed)


def reroll(canvas: Canvas, seed: int) -> Canvas:
    """Make the same again by another chance: same prompt, same parents, other pictures."""
    return replace(canvas, seed=seed)


def pick(canvas: Canvas, n: int) -> Canvas:
    """Take tile `n` by itself.

    Raises: ValueError: there is no such tile
    """
    return Canvas(Picked(canvas, _numbered(canvas, n)), canvas.seed)


def upscale(canvas: Canvas, kind: str, seed: int = 0) -> Canvas:
    """Lengthen the sides of a single picture; a creative upscale also invents small detail.

    The sides are measured from the picture as it was picked: upscaling twice is upscaling once.

    Args: kind: a key of `UPSCALES`
    """
    return Canvas(Upscaled(_still(canvas), UPSCALES[kind]), seed)


def zoom_out(
    canvas: Canvas, factor: float | Fraction, seed: int = 0, ratio: Ratio | None = None
) -> Canvas:
    """Show more on all sides: the old picture lies in the middle, 1/factor as wide and as high.

    With factor 1 and its own ratio there is nothing to paint, and four equal tiles come out.

    Args: ratio: a new shape (`--ar` of Custom Zoom); the old picture at 1/factor of the largest
        size that fits
    Raises: ValueError: a factor outside 1 to `MAX_ZOOM`
    """
    scale = Fraction(factor).limit_denominator(1000)
    if not 1 <= scale <= MAX_ZOOM:
        raise ValueError(f"zoom factor must lie in 1..{MAX_ZOOM}, not {factor}")
    shape = _reduced(*(ratio or canvas.ratio))
    wider = Fraction(*shape) / Fraction(*canvas.ratio)
    width, height = min(Fraction(1), 1 / wider) / scale, min(Fraction(1), wider) / scale
    return _outpainted(canvas, shape, _box(width, height, Fraction(1, 2), Fraction(1, 2)), seed)


def make_square(canvas: Canvas, seed: int = 0) -> Canvas:
    """Add to the short sides until all sides are equal."""
    return zoom_out(canvas, 1, seed, (1, 1))


def pan(canvas: Canvas, side: Side, seed: int = 0) -> Canvas:
    """Add half as much again on one side; the old picture keeps to the opposite edge."""
    longer, kept, whole = 1 + PAN_SHARE, 1 / (1 + PAN_SHARE), Fraction(1)
    at_right, at_bottom = Fraction(side is Side.LEFT), Fraction(side is Side.UP)
    if side in (Side.LEFT, Side.RIGHT):
        shape, held = Fraction(*canvas.ratio) * longer, _box(kept, whole, at_right, at_bottom)
    else:
        shape, held = Fraction(*canvas.ratio) / longer, _box(whole, kept, at_right, at_bottom)
    return _outpainted(canvas, (shape.numerator, shape.denominator), held, seed)


def region(canvas: Canvas, mask: bytes, prompt: str, seed: int) -> Canvas:
    """Paint anew where the mask is white, and change nothing where it is black or transparent.

    A mask of another shape is stretched over the picture; grey counts as white from 128 on.

    Raises: UnreadablePicture: the mask is not a picture
    """
    return Canvas(Repainted(_still(canvas), kept_mask(mask), prompt), seed)


def animate(canvas: Canvas, motion: Motion, seed: int = 0) -> Canvas:
    """Make four clips that begin with a single picture and travel different ways."""
    return Canvas(Animated(_still(canvas), motion), seed)


def extend(canvas: Canvas, motion: Motion, seed: int = 0) -> Canvas:
    """Make four longer clips, each a single clip and then its own way onward.

    Raises: ValueError: not a single clip
    """
    if canvas.tiles != 1 or not canvas.moving:
        raise ValueError("only a single clip can be extended")
    return Canvas(Continued(canvas, motion), seed)


def _outpainted(canvas: Canvas, ratio: Ratio, held: Box, seed: int) -> Canvas:
    return Canvas(Outpainted(_still(canvas), ratio, held), seed)


def _box(width: Fraction, height: Fraction, across: Fraction, down: Fraction) -> Box:
    """Place a box in the unit square; 0 pushes it to the left or top, 1 to the right or bottom."""
    left, top = (1 - width) * across, (1 - height) * down
    return Box(left, top, left + width, top + height)


def _still(canvas: Canvas) -> Canvas:
    if canvas.tiles != 1 or canvas.moving:
        raise ValueError("this needs a single picture; pick one first")
    return canvas


def _numbered(canvas: Canvas, n: int) -> int:
    if not 1 <= n <= canvas.tiles:
        raise ValueError(f"there is no tile {n} of {canvas.tiles}")
    return n


def _reduced(width: int, height: int) -> Ratio:
    if width < 1 or height < 1:
        raise ValueError(f"{width}:{height} is no shape")
    shape = Fraction(width, height)
    return shape.numerator, shape.denominator
