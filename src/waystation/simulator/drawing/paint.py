"""Paints pictures from a palette and chance: grounds, subjects and single marks.

Everything is placed in shares of width and height, so that a picture is the same at any size. The
four tiles of a grid take four different grounds and four different subjects: no two can be
mistaken for one another, however small they are drawn.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple, TypeAlias

from PIL import Image, ImageDraw

__all__ = ["Colour", "Palette", "Size", "fresh_colours", "marked", "painting", "palette"]

Colour: TypeAlias = tuple[int, int, int]
"""sRGB, 0-255."""

Palette: TypeAlias = tuple[Colour, ...]
"""Colours of one picture, at least four; the first is the ground of tile 1, and so on."""

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


def palette(chance: Random) -> Palette:
    """Mix five colours, far apart in lightness and free in hue."""
    hue = chance.random()
    hues = [(hue + step + chance.uniform(-0.05, 0.05)) % 1 for step in _HUE_STEPS]
    chance.shuffle(hues)
    colours = [
        _colour(each, lightness + chance.uniform(-0.05, 0.05), chance.uniform(0.35, 0.8))
        for each, lightness in zip(hues, _LIGHTNESSES, strict=True)
    ]
    chance.shuffle(colours)
    return tuple(colours)


def fresh_colours(old: Palette, chance: Random, count: int) -> Palette:
    """Mix colours that differ from every old one and from one another, as far as tries allow."""
    tries = [
        _colour(chance.random(), chance.uniform(0.15, 0.85), chance.uniform(0.5, 1.0))
        for _ in range(_CANDIDATES)
    ]
    apart = {colour: min(math.dist(colour, each) for each in old) for colour in tries}
    fresh: list[Colour] = []
    while len(fresh) < count:
        chosen = max(apart, key=apart.__getitem__)
        fresh.append(chosen)
        apart = {colour: min(far, math.dist(colour, chosen)) for colour, far in apart.items()}
    return tuple(fresh)


def painting(colours: Palette, chance: Random, n: int, subjects: Random, size: Size) -> Image.Image:
    """Paint tile `n`: its own ground and its own subject.

    Args: subjects: deals the subjects out; in the same state for all tiles of a grid
    """
    turned = (*colours[n - 1 :], *colours[: n - 1])
    subject = subjects.sample(_SUBJECTS, 4)[n - 1]
    return _fine(_ground(turned[0], turned[1], size), lambda brush: subject(brush, turned, chance))


def marked(
    image: Image.Image, colours: Palette, chance: Random, count: int, reach: tuple[float, float]
) -> Image.Image:
    """Scatter single marks over a picture, each in two colours: one of them shows on any ground.

    Args: reach: least and greatest radius of a mark. Units: shares of the shorter side
    """

    def scatter(brush: Brush) -> None:
        for _ in range(count):
            mark = chance.choice(_MARKS)
            at = (chance.random(), chance.random())
            mark(brush, at, chance.uniform(*reach), chance.sample(colours, 2), chance)

    return _fine(image, scatter)


class Brush(NamedTuple):
    """Draws in shares of width and height; radii in shares of the shorter side."""

    pen: ImageDraw.ImageDraw
    width: int
    height: int

    @property
    def short(self) -> int:
        """The shorter side in pixels."""
        return min(self.width, self.height)

    def disc(self, at: Point, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        self.pen.ellipse(self._around(at, radius), fill=colour)

    def ring(self, at: Point, radius: float, thick: float, colour: Colour) -> None:
        """Draw a circle as a line."""
        width = max(1, round(thick * self.short))
        self.pen.ellipse(self._around(at, radius), outline=colour, width=width)

    def shape(self, points: list[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self.pen.polygon([(x * self.width, y * self.height) for x, y in points], fill=colour)

    def star(self, at: Point, radius: float, corners: int, turn: float, colour: Colour) -> None:
        """Fill a regular polygon."""
        x, y = at[0] * self.width, at[1] * self.height
        angles = [turn + corner * math.tau / corners for corner in range(corners)]
        reach = radius * self.short
        self.pen.polygon(
            [(x + reach * math.cos(angle), y + reach * math.sin(angle)) for angle in angles],
            fill=colour,
        )

    def _around(self, at: Point, radius: float) -> tuple[float, float, float, float]:
        x, y, reach = at[0] * self.width, at[1] * self.height, radius * self.short
        return x - reach, y - reach, x + reach, y + reach


Point: TypeAlias = tuple[float, float]
Subject: TypeAlias = Callable[[Brush, Palette, Random], None]
Mark: TypeAlias = Callable[[Brush, Point, float, Sequence[Colour], Random], None]

_LIGHTNESSES: Final = (0.18, 0.36, 0.54, 0.7, 0.86)
_HUE_STEPS: Final = (0.0, 0.08, 0.25, 0.5, 0.66)

_CANDIDATES: Final = 48
"""Colours tried when some are sought that a picture does not have yet."""

_SMOOTHED: Final = ((256, 4), (1024, 2))
"""Up to which longest side a picture is drawn how many times too large, and then averaged.

Small ones need it most: edges must fall where they fall in large ones. Beyond, steps are too small
to see.
"""


def _fine(image: Image.Image, draw: Callable[[Brush], None]) -> Image.Image:
    """Draw on a picture, several times too large where that smooths the edges."""
    width, height = image.size
    times = next((times for side, times in _SMOOTHED if max(image.size) <= side), 1)
    large = image.resize((times * width, times * height), Image.Resampling.NEAREST)
    draw(Brush(ImageDraw.Draw(large), *large.size))
    return large.reduce(times) if times > 1 else large


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _between(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _ground(colour: Colour, other: Colour, size: Size) -> Image.Image:
    """Fill a picture with one colour that leans towards another at the bottom."""
    strip = Image.new("RGB", (1, 2), colour)
    strip.putpixel((0, 1), _between(colour, other, 0.3))
    return strip.resize(size, Image.Resampling.BILINEAR)


# --- subjects: rows of `_SUBJECTS`


def _hills(brush: Brush, colours: Palette, chance: Random) -> None:
    sun = (chance.uniform(0.2, 0.8), chance.uniform(0.2, 0.4))
    radius = chance.uniform(0.1, 0.18)
    brush.disc(sun, radius, colours[4])
    brush.ring(sun, radius * 1.4, 0.012, colours[4])
    for layer, colour in enumerate(colours[1:4]):
        base, rise = 0.5 + 0.15 * layer, chance.uniform(0.05, 0.12)
        waves, shift = chance.uniform(0.7, 1.8), chance.random()
        ridge = [
            (x / 24, base + rise * math.sin(math.tau * (waves * x / 24 + shift))) for x in range(25)
        ]
        brush.shape([(0, 1), *ridge, (1, 1)], colour)


def _planets(brush: Brush, colours: Palette, chance: Random) -> None:
    for _ in range(12):
        brush.disc((chance.random(), chance.random()), chance.uniform(0.004, 0.014), colours[4])
    spots = [(0.3, 0.33), (0.68, 0.62), (0.25, 0.78)]
    for spot, radius, colour in zip(spots, (0.24, 0.2, 0.1), colours[1:4], strict=True):
        at = (spot[0] + chance.uniform(-0.14, 0.14), spot[1] + chance.uniform(-0.14, 0.14))
        brush.disc(at, radius, colour)
        brush.ring(at, radius * chance.uniform(1.15, 1.5), 0.02, colours[4])


def _shards(brush: Brush, colours: Palette, chance: Random) -> None:
    middle = (chance.uniform(0.3, 0.7), chance.uniform(0.3, 0.7))
    turn = chance.random()
    for shard in range(9):
        angle = math.tau * (turn + shard / 9 + chance.uniform(-0.03, 0.03))
        long, wide = chance.uniform(0.3, 0.6), chance.uniform(0.1, 0.25)
        tips = [
            (middle[0] + long * math.cos(angle + lean), middle[1] + long * math.sin(angle + lean))
            for lean in (-wide, wide)
        ]
        brush.shape([middle, *tips], colours[1 + shard % 4])


def _towers(brush: Brush, colours: Palette, chance: Random) -> None:
    brush.disc((chance.uniform(0.2, 0.8), 0.25), chance.uniform(0.08, 0.15), colours[4])
    for row, colour in enumerate(colours[1:4]):
        left = -chance.uniform(0, 0.1)
        while left < 1:
            right = left + chance.uniform(0.08, 0.2)
            top = chance.uniform(0.3, 0.6) + 0.15 * row
            brush.shape([(left, 1), (left, top), (right, top), (right, 1)], colour)
            left = right + chance.uniform(0.02, 0.14)


_SUBJECTS: Final[tuple[Subject, ...]] = (_hills, _planets, _shards, _towers)
"""Motifs of a picture."""


# --- marks: rows of `_MARKS`


def _moon(brush: Brush, at: Point, reach: float, pair: Sequence[Colour], chance: Random) -> None:
    brush.disc(at, reach, pair[1])
    brush.disc(at, reach * 0.65, pair[0])


def _halo(brush: Brush, at: Point, reach: float, pair: Sequence[Colour], chance: Random) -> None:
    brush.ring(at, reach, reach * 0.3, pair[0])
    brush.ring(at, reach * 0.7, reach * 0.3, pair[1])


def _gem(brush: Brush, at: Point, reach: float, pair: Sequence[Colour], chance: Random) -> None:
    corners, turn = chance.randint(3, 6), chance.random() * math.tau
    brush.star(at, reach * 1.2, corners, turn, pair[1])
    brush.star(at, reach * 0.7, corners, turn, pair[0])


_MARKS: Final[tuple[Mark, ...]] = (_moon, _halo, _gem)
"""Shapes that can be scattered over a picture."""
