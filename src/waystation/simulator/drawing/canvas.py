"""Canvases: how a picture came about, with nothing about pixels; `draw.py` follows it.

A canvas shows four tiles, numbered 1 to 4 in reading order, or a single one, numbered 1. Its plan
names the earlier canvas that it was made of. `recipes.py` makes canvases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "DIMENSIONS",
    "MAX_ZOOM",
    "UPSCALES",
    "Animated",
    "Blended",
    "Box",
    "Canvas",
    "Continued",
    "Imagined",
    "Motion",
    "Outpainted",
    "Picked",
    "Plan",
    "Ratio",
    "Repainted",
    "Side",
    "Strength",
    "Upscaled",
    "Varied",
]

Ratio: TypeAlias = tuple[int, int]
"""Width and height as in `--ar w:h`, both positive, in lowest terms once inside a canvas."""

DIMENSIONS: Final[Mapping[str, Ratio]] = {
    "--ar 2:3": (2, 3),
    "--ar 1:1": (1, 1),
    "--ar 3:2": (3, 2),
}
"""Values of `dimensions` in `/blend`. Source: wire notes 3.2."""

MAX_ZOOM: Final = 2
"""Greatest factor of one Zoom Out. Source: wire notes 3.5, `--zoom n`, 1-2."""

PAN_SHARE: Final = Fraction(1, 2)
"""The width of a pan, as a part of the side that it extends. Our choice: no source states it."""


class Upscale(NamedTuple):
    """A row of `UPSCALES`: how much longer each side becomes, and whether detail is invented."""

    factor: int
    creative: bool = False


UPSCALES: Final[Mapping[str, Upscale]] = {
    "2x": Upscale(2),
    "4x": Upscale(4),
    "Subtle": Upscale(2),
    "Creative": Upscale(2, creative=True),
}
"""By the word in brackets on the buttons Upscale (…) and Redo Upscale (…)."""


class Strength(StrEnum):
    """How far a variation goes from its parent."""

    SUBTLE = "subtle"
    STRONG = "strong"


class Side(StrEnum):
    """Where a pan adds to the picture."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class Motion(StrEnum):
    """How far the camera of a clip travels."""

    LOW = "low"
    HIGH = "high"


class Box(NamedTuple):
    """Part of a picture. Units: shares of width and height, from the upper left corner, 0-1."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction


@dataclass(frozen=True, slots=True)
class Imagined:
    """Drawn from words alone."""

    prompt: str
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Blended:
    """Laid over one another from pictures that a caller sent."""

    photos: tuple[bytes, ...] = field(repr=False)
    """As `kept_photo` returns them."""
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Edited:
    """Words painted over pictures that a caller named."""

    base: Blended
    prompt: str


@dataclass(frozen=True, slots=True)
class Varied:
    """Bent from tile `n` of the parent, with its colours."""

    parent: Canvas
    n: int
    strength: Strength


@dataclass(frozen=True, slots=True)
class Outpainted:
    """Painted around a single picture: Zoom Out, the pans and Make Square."""

    parent: Canvas
    ratio: Ratio
    held: Box
    """Where the parent lies, whole and unchanged but for its scale."""


@dataclass(frozen=True, slots=True)
class Repainted:
    """Painted anew where the mask is white."""

    parent: Canvas
    mask: bytes = field(repr=False)
    """As `kept_mask` returns it."""
    prompt: str


@dataclass(frozen=True, slots=True)
class Picked:
    """Tile `n` of the parent by itself: U1-U4, of grids and of video grids."""

    parent: Canvas
    n: int


@dataclass(frozen=True, slots=True)
class Upscaled:
    """A single picture with longer sides."""

    parent: Canvas
    upscale: Upscale


@dataclass(frozen=True, slots=True)
class Animated:
    """Four clips that begin with a single picture."""

    parent: Canvas
    motion: Motion


@dataclass(frozen=True, slots=True)
class Continued:
    """Four clips that begin with a single clip, and go on from where it ends."""

    parent: Canvas
    motion: Motion


Plan: TypeAlias = (
    Imagined
    | Blended
    | Edited
    | Varied
    | Outpainted
    | Repainted
    | Picked
    | Upscaled
    | Animated
    | Continued
)
"""How a canvas comes about."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The recipe of one job's result: cheap to hold, equal to any other of the same making."""

    plan: Plan
    seed: int
    """The random part of the plan; another seed is another result."""

    @property
    def tiles(self) -> int:
        """How many pictures it shows: 4, or 1 after a pick or an upscale."""
        return 1 if isinstance(self.plan, Picked | Upscaled) else 4

    @property
    def ratio(self) -> Ratio:
        """The shape of each tile, and so of the grid."""
        match self.plan:
            case Imagined(ratio=ratio) | Blended(ratio=ratio) | Outpainted(ratio=ratio):
                return ratio
            case Edited(base=base):
                return base.ratio
            case _:
                return self.plan.parent.ratio

    @property
    def factor(self) -> int:
        """By how much upscaling made its sides longer, 1 where it did not."""
        return self.plan.upscale.factor if isinstance(self.plan, Upscaled) else 1

    @property
    def moving(self) -> bool:
        """True when it shows clips instead of pictures."""
        match self.plan:
            case Picked(parent=parent):
                return parent.moving
            case Animated() | Continued():
                return True
            case _:
                return False
