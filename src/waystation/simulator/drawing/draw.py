"""Follows a recipe down to pixels, at any size.

How it works: every plan is drawn from its parent's picture, drawn at the size it is needed in.
Nothing is remembered in between. What a plan adds by chance is keyed by the plan's kind, its seed
and the tile, so that the four tiles of a grid differ and a repeated drawing does not.
"""

from __future__ import annotations

import math
from itertools import product
from random import Random
from typing import Final

from PIL import Image, ImageOps

from waystation.simulator.drawing.canvas import (
    Animated,
    Blended,
    Canvas,
    Continued,
    Edited,
    Imagined,
    Outpainted,
    Picked,
    Repainted,
    Strength,
    Upscaled,
    Varied,
)
from waystation.simulator.drawing.paint import (
    Palette,
    Size,
    fresh_colours,
    marked,
    painting,
    palette,
)
from waystation.simulator.drawing.photo import mask, photo, widespread

__all__ = ["colours", "draw"]


def draw(canvas: Canvas, n: int, size: Size) -> Image.Image:
    """Draw tile `n`; of clips, the first frame.

    Returns: mode RGB, exactly `size`
    """
    match canvas.plan:
        case Imagined(prompt=prompt):
            return _imagined(prompt, canvas.seed, n, size)
        case Blended(photos=photos):
            return _blended(photos, canvas.seed, n, size)
        case Edited(base=base, prompt=prompt):
            return _edited(base.photos, prompt, canvas.seed, n, size)
        case Varied() as plan:
            return _varied(plan, canvas.seed, n, size)
        case Outpainted() as plan:
            return _outpainted(plan, canvas.seed, n, size)
        case Repainted() as plan:
            return _repainted(plan, canvas.seed, n, size)
        case Upscaled() as plan:
            return _upscaled(plan, canvas.seed, size)
        case Picked(parent=parent, n=tile):
            return draw(parent, tile, size)
        case Animated(parent=parent) | Continued(parent=parent):
            return draw(parent, 1, size)


def colours(canvas: Canvas) -> Palette:
    """Return the colours that a canvas is painted with; of photographs, the most widespread."""
    match canvas.plan:
        case Imagined(prompt=prompt):
            return palette(_chance("palette", prompt, canvas.seed))
        case Blended(photos=photos):
            return _colours_of(photos)
        case Edited(base=base):
            return _colours_of(base.photos)
        case Repainted() as plan:
            return (*_repaint(plan, canvas.seed), *colours(plan.parent))
        case plan:
            return colours(plan.parent)


_BENDS: Final = {Strength.SUBTLE: 0.04, Strength.STRONG: 0.1}
"""How far a variation moves what its parent shows. Units: shares of a side"""

_MARKS: Final = {
    "subtle": (2, (0.04, 0.07)),
    "strong": (4, (0.09, 0.13)),
    "outpaint": (22, (0.05, 0.13)),
    "creative": (32, (0.03, 0.045)),
    "edit": (6, (0.06, 0.1)),
    "blend": (6, (0.06, 0.1)),
}
"""How many marks each kind of plan adds, and how small and large, as `marked` takes them."""

_CELLS: Final = 4
"""Cells of the net on a side by which a variation bends its parent."""

_LEAST_SHARE: Final = 0.6
"""The least share of each picture of a blend, as a part of an equal share."""

_LARGEST_DRAWN: Final = 2048
"""Longest side that an upscale is drawn at; beyond it the drawing is enlarged."""


def _chance(*key: object) -> Random:
    return Random("\0".join(map(str, key)))


def _imagined(prompt: str, seed: int, n: int, size: Size) -> Image.Image:
    return painting(
        palette(_chance("palette", prompt, seed)),
        _chance("tile", prompt, seed, n),
        n,
        _chance("subjects", prompt, seed),
        size,
    )


def _blended(photos: tuple[bytes, ...], seed: int, n: int, size: Size) -> Image.Image:
    """Lay the pictures over one another, each tile with other shares and other marks."""
    chance = _chance("blend", seed, n)
    mixed, laid = Image.new("RGB", size), 0.0
    for kept, share in zip(photos, _shares(len(photos), chance), strict=True):
        laid += share
        fitted = ImageOps.fit(photo(kept), size, Image.Resampling.BILINEAR)
        mixed = Image.blend(mixed, fitted, share / laid)
    return marked(mixed, _colours_of(photos), chance, *_MARKS["blend"])


def _edited(photos: tuple[bytes, ...], prompt: str, seed: int, n: int, size: Size) -> Image.Image:
    """Mark the pictures in the colours of the words, each of the four elsewhere."""
    mixed = _blended(photos, seed, n, size)
    chance = _chance("edit", prompt, seed, n)
    return marked(mixed, palette(_chance("palette", prompt, seed)), chance, *_MARKS["edit"])


def _colours_of(photos: tuple[bytes, ...]) -> Palette:
    return tuple(colour for kept in photos for colour in widespread(kept))


def _shares(count: int, chance: Random) -> list[float]:
    """Divide 1 by chance, but so that each of `count` gets most of an equal share."""
    favours = [chance.random() ** 2 for _ in range(count)]
    rest = (1 - _LEAST_SHARE) / sum(favours)
    return [_LEAST_SHARE / count + rest * favour for favour in favours]


def _varied(plan: Varied, seed: int, n: int, size: Size) -> Image.Image:
    chance = _chance("variation", plan.strength, seed, n)
    bent = _bent(draw(plan.parent, plan.n, size), chance, _BENDS[plan.strength])
    return marked(bent, colours(plan.parent), chance, *_MARKS[plan.strength])


def _outpainted(plan: Outpainted, seed: int, n: int, size: Size) -> Image.Image:
    """Mirror the old picture outwards, paint over that, and lay the old picture on top."""
    width, height = size
    left, right = (round(share * width) for share in (plan.held.left, plan.held.right))
    top, bottom = (round(share * height) for share in (plan.held.top, plan.held.bottom))
    held = draw(plan.parent, 1, (max(1, right - left), max(1, bottom - top)))
    around = _mirrored(held, (left, top), size)
    chance = _chance("outpaint", seed, n)
    around = marked(around, colours(plan.parent), chance, *_MARKS["outpaint"])
    around.paste(held, (left, top))
    return around


def _repainted(plan: Repainted, seed: int, n: int, size: Size) -> Image.Image:
    picture = painting(
        _repaint(plan, seed),
        _chance("region", plan.prompt, seed, n),
        n,
        _chance("region subjects", plan.prompt, seed),
        size,
    )
    return Image.composite(picture, draw(plan.parent, 1, size), mask(plan.mask, size))


def _repaint(plan: Repainted, seed: int) -> Palette:
    chance = _chance("region palette", plan.prompt, seed)
    return fresh_colours(colours(plan.parent), chance, 5)


def _upscaled(plan: Upscaled, seed: int, size: Size) -> Image.Image:
    shrink = max(1.0, max(size) / _LARGEST_DRAWN)
    width, height = (max(1, round(side / shrink)) for side in size)
    picture = draw(plan.parent, 1, (width, height))
    if plan.upscale.creative:
        chance = _chance("creative", seed)
        picture = marked(picture, colours(plan.parent), chance, *_MARKS["creative"])
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def _mirrored(image: Image.Image, at: tuple[int, int], size: Size) -> Image.Image:
    """Tile a plane with a picture and its mirror images, and cut out what surrounds it."""
    step_x, step_y = image.size
    plane = Image.new("RGB", size)
    for column in range(-math.ceil(at[0] / step_x), math.ceil(size[0] / step_x)):
        across = ImageOps.mirror(image) if column % 2 else image
        for row in range(-math.ceil(at[1] / step_y), math.ceil(size[1] / step_y)):
            piece = ImageOps.flip(across) if row % 2 else across
            plane.paste(piece, (at[0] + column * step_x, at[1] + row * step_y))
    return plane


def _bent(image: Image.Image, chance: Random, far: float) -> Image.Image:
    """Move the inner knots of a net over a picture, and everything between them along."""
    width, height = image.size
    if min(width, height) < _CELLS:
        return image  # too thin for the net
    steps = range(_CELLS + 1)
    knots = {
        (column, row): (_moved(column, chance, far) * width, _moved(row, chance, far) * height)
        for row in steps
        for column in steps
    }
    edges = [(round(step * width / _CELLS), round(step * height / _CELLS)) for step in steps]
    mesh = []
    for column, row in product(range(_CELLS), repeat=2):
        cell = (edges[column][0], edges[row][1], edges[column + 1][0], edges[row + 1][1])
        # Upper left, lower left, lower right, upper right: the order that Pillow asks for.
        turns = ((column, row), (column, row + 1), (column + 1, row + 1), (column + 1, row))
        mesh.append((cell, tuple(value for knot in turns for value in knots[knot])))
    resample = Image.Resampling.BILINEAR
    return image.transform(image.size, Image.Transform.MESH, mesh, resample=resample)


def _moved(knot: int, chance: Random, far: float) -> float:
    """Place a knot by chance, but never one at the edge: nothing from outside may come in."""
    step = chance.uniform(-far, far)
    return knot / _CELLS + (step if 0 < knot < _CELLS else 0)
