"""COLOURS: names of colours, and which of them a pixel looks most like.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = ["COLOURS", "nearest"]

COLOURS: Final = {
    "black": (10, 10, 12),
    "charcoal": (54, 56, 60),
    "grey": (128, 128, 128),
    "silver": (192, 194, 198),
    "white": (250, 250, 250),
    "ivory": (248, 240, 220),
    "beige": (222, 203, 170),
    "tan": (196, 160, 115),
    "brown": (115, 74, 42),
    "chocolate": (70, 42, 28),
    "rust": (168, 76, 36),
    "maroon": (110, 24, 36),
    "crimson": (184, 24, 52),
    "red": (226, 36, 36),
    "coral": (244, 120, 96),
    "salmon": (240, 160, 140),
    "peach": (252, 206, 172),
    "orange": (246, 136, 28),
    "amber": (250, 180, 40),
    "gold": (212, 168, 60),
    "yellow": (250, 228, 50),
    "lemon": (250, 244, 140),
    "olive": (124, 124, 40),
    "lime": (160, 220, 50),
    "green": (44, 150, 60),
    "pine": (26, 80, 44),
    "sage": (156, 175, 136),
    "mint": (170, 232, 196),
    "emerald": (12, 180, 110),
    "teal": (16, 118, 120),
    "turquoise": (60, 206, 200),
    "azure": (72, 160, 236),
    "ice": (206, 228, 244),
    "blue": (36, 84, 212),
    "navy": (22, 32, 84),
    "indigo": (64, 44, 140),
    "slate": (96, 112, 132),
    "lavender": (196, 180, 232),
    "violet": (138, 66, 200),
    "purple": (104, 30, 120),
    "plum": (120, 58, 100),
    "mauve": (176, 134, 164),
    "magenta": (224, 40, 170),
    "pink": (248, 170, 196),
    "rose": (226, 94, 128),
}
"""Colour names a prompt may use, each with its sRGB value."""


@lru_cache(maxsize=32**3)
def nearest(red: int, green: int, blue: int) -> str:
    """Return the name of `COLOURS` that looks most alike."""
    lightness, a, b = _oklab(red, green, blue)

    def distance(name: str) -> float:
        other_lightness, other_a, other_b = _OKLAB[name]
        return (lightness - other_lightness) ** 2 + (a - other_a) ** 2 + (b - other_b) ** 2

    return min(_OKLAB, key=distance)


def _oklab(red: int, green: int, blue: int) -> tuple[float, float, float]:
    """Convert sRGB to Oklab, where distance is close to how different two colours look.

    Units: 0-255 in; lightness 0-1, the two colour axes about -0.4 to 0.4 out
    Source: Bjorn Ottosson, "A perceptual color space for image processing", 2020
    """
    r, g, b = (_LINEAR[value] for value in (red, green, blue))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


_LINEAR: Final = [
    value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4
    for value in range(256)
]
"""Linear light by sRGB value. Source: IEC 61966-2-1."""

_OKLAB: Final = {name: _oklab(*rgb) for name, rgb in COLOURS.items()}
