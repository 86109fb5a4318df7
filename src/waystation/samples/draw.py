"""Draws the shipped sample picture: a lighthouse at dusk.

`python -m waystation.samples.draw PATH` writes it again. Drawing uses no randomness: stars and
glints are spread by a fixed sequence, so each drawing is the same.

*How it works.* Everything is placed in a scene 300 units wide and 200 high and drawn at several
times its final size; scaling down afterwards smooths the edges.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

__all__ = ["SIZE", "lighthouse", "lighthouse_file"]

SIZE: Final = (1200, 800)
"""Width and height of the finished picture in pixels."""

Colour = tuple[int, int, int]
Point = tuple[float, float]

_SCENE: Final = (300, 200)
_OVERSIZE: Final = 2
_UNIT: Final = SIZE[0] * _OVERSIZE / _SCENE[0]
_HORIZON: Final = 128
_SUN: Final = (84, 127)

_SKY: Final[Sequence[Colour]] = (
    (24, 22, 66),
    (46, 36, 104),
    (104, 58, 132),
    (188, 88, 124),
    (240, 142, 96),
    (254, 204, 130),
)
_SEA: Final[Sequence[Colour]] = ((206, 128, 118), (116, 72, 122), (50, 40, 96), (20, 20, 54))
_ROCK: Final[Sequence[Colour]] = ((38, 30, 58), (16, 14, 34))
_TOWER: Final[Sequence[Colour]] = ((252, 226, 206), (216, 186, 192), (110, 92, 130))
_BAND: Final[Sequence[Colour]] = ((226, 76, 66), (184, 48, 64), (84, 26, 60))


def lighthouse() -> Image.Image:
    """Draw the picture.

    Returns: RGB of `SIZE`
    """
    scene = _gradient(_SKY, 0, _HORIZON)
    scene.paste(_gradient(_SEA, _HORIZON, _SCENE[1]), (0, _px(_HORIZON)))
    for draw_part in (_stars, _sun, _clouds, _glints, _headland, _beam, _rock, _tower, _house):
        scene = draw_part(scene)
    return scene.resize(SIZE, Image.Resampling.LANCZOS)


def lighthouse_file() -> bytes:
    """Draw the picture as the shipped WebP file."""
    file = BytesIO()
    lighthouse().save(file, "WEBP", quality=90, method=6)
    return file.getvalue()


def _px(length: float) -> int:
    return round(length * _UNIT)


def _at(*points: Point) -> list[Point]:
    return [(x * _UNIT, y * _UNIT) for x, y in points]


def _spread(count: int) -> Iterator[tuple[float, float, float]]:
    """Yield triples from 0 to 1 that fill space evenly without looking like a grid."""
    for i in range(1, count + 1):
        yield i * 0.8191725134 % 1, i * 0.6710436067 % 1, i * 0.5497004779 % 1


def _ramp(colours: Sequence[Colour], steps: int) -> Iterator[Colour]:
    """Yield `steps` colours that run evenly through the given ones."""
    for step in range(steps):
        place = step / max(steps - 1, 1) * (len(colours) - 1)
        left = min(int(place), len(colours) - 2)
        part = place - left
        red, green, blue = (
            round(a + (b - a) * part) for a, b in zip(colours[left], colours[left + 1], strict=True)
        )
        yield red, green, blue


def _gradient(colours: Sequence[Colour], top: float, bottom: float) -> Image.Image:
    """Return a full-width band that runs from the first colour down to the last."""
    height = _px(bottom) - _px(top)
    column = Image.new("RGB", (1, height))
    column.putdata(list(_ramp(colours, height)))
    canvas_height = _px(_SCENE[1]) if top == 0 else height
    canvas = Image.new("RGB", (_px(_SCENE[0]), canvas_height))
    canvas.paste(column.resize((_px(_SCENE[0]), height)))
    return canvas


def _glow(scene: Image.Image, light: Image.Image, colour: Colour, blur: float) -> Image.Image:
    """Lay a colour over the scene wherever `light` is, softly."""
    soft = light.filter(ImageFilter.GaussianBlur(blur * _UNIT)) if blur else light
    scene.paste(Image.new("RGB", scene.size, colour), mask=soft)
    return scene


def _dark(scene: Image.Image) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    light = Image.new("L", scene.size)
    return light, ImageDraw.Draw(light)


def _stars(scene: Image.Image) -> Image.Image:
    light, draw = _dark(scene)
    for x, y, size in _spread(110):
        depth = y**1.6
        radius = 0.16 + 0.34 * size**4
        (centre,) = _at((x * _SCENE[0], depth * 74))
        draw.circle(centre, radius * _UNIT, fill=round(235 * (1 - depth) * (0.45 + 0.55 * size)))
    return _glow(scene, light, (255, 250, 236), 0)


def _sun(scene: Image.Image) -> Image.Image:
    sky = scene.crop((0, 0, scene.width, _px(_HORIZON)))
    for radius, strength, blur in ((46, 90, 16), (22, 120, 7), (8.5, 255, 0.15)):
        light, draw = _dark(sky)
        draw.circle(_at(_SUN)[0], radius * _UNIT, fill=strength)
        sky = _glow(sky, light, (255, 232, 170), blur)
    scene.paste(sky)
    return scene


def _clouds(scene: Image.Image) -> Image.Image:
    rows = (
        (40, 84, 58, 1.9, 150), (128, 94, 46, 1.5, 165), (206, 78, 66, 2.2, 120),
        (70, 102, 40, 1.2, 190), (12, 98, 30, 1.3, 160), (168, 108, 54, 1.1, 180),
        (262, 100, 44, 1.5, 140), (110, 113, 30, 0.8, 190), (34, 116, 34, 0.8, 190),
    )  # fmt: skip
    lit, lit_draw = _dark(scene)
    shaded, shaded_draw = _dark(scene)
    for x, y, half_width, half_height, strength in rows:
        for side, thickness in ((0.0, 1.0), (-0.45, 0.7), (0.4, 0.8)):
            centre = x + side * half_width
            reach, rise = half_width * (1 - abs(side)), half_height * thickness
            lit_draw.ellipse(_at((centre - reach, y - rise), (centre + reach, y + rise)), strength)
            shaded_draw.ellipse(
                _at((centre - reach, y - 2.2 * rise), (centre + reach, y)), strength * 2 // 3
            )
    scene = _glow(scene, shaded, (92, 50, 110), 1.4)
    return _glow(scene, lit, (255, 172, 132), 0.9)


def _glints(scene: Image.Image) -> Image.Image:
    light, draw = _dark(scene)
    depth = _SCENE[1] - _HORIZON
    for x, y, size in _spread(520):
        near = y**1.5
        top = _HORIZON + 0.8 + near * depth
        middle = _SUN[0] + (x - 0.5) * (16 + 74 * near) * (0.4 + size)
        half_width = (0.8 + 5 * near) * (0.5 + size)
        faint = abs(x - 0.5) * 2
        draw.ellipse(
            _at((middle - half_width, top), (middle + half_width, top + 0.28 + 0.5 * near)),
            fill=round(230 * (1 - faint) * (1 - 0.6 * near)),
        )
    return _glow(scene, light, (255, 206, 140), 0.12)


def _headland(scene: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(scene)
    far = ((0, 120), (14, 117), (24, 119), (37, 122.5), (48, 126), (58, _HORIZON), (0, _HORIZON))
    near = ((146, _HORIZON), (166, 124.5), (190, 122.5), (214, 119), (300, 112), (300, _HORIZON))
    draw.polygon(_at(*near), fill=(112, 62, 112))
    draw.polygon(_at(*far), fill=(96, 52, 108))
    return scene


def _beam(scene: Image.Image) -> Image.Image:
    for spread, strength, blur in ((15, 70, 3.5), (8, 95, 1.5)):
        light, draw = _dark(scene)
        draw.polygon(_at((221, 39.5), (0, 52 - spread), (0, 52 + spread)), fill=strength)
        draw.polygon(_at((223, 39.5), (300, 33), (300, 33 + spread)), fill=strength // 2)
        fade = Image.linear_gradient("L").rotate(90).resize(scene.size)
        light = Image.composite(light, Image.new("L", scene.size), fade)
        scene = _glow(scene, light, (255, 236, 180), blur)
    return scene


def _rock(scene: Image.Image) -> Image.Image:
    outline = (
        (300, 138), (284, 134), (262, 131), (240, 130), (212, 130.5), (199, 132), (192, 137),
        (184, 140), (178, 149), (170, 154), (164, 164), (154, 170), (148, 181), (134, 188),
        (126, 200), (300, 200),
    )  # fmt: skip
    light, draw = _dark(scene)
    draw.polygon(_at(*outline), fill=255)
    shade = Image.new("RGB", scene.size)
    shade.paste(_gradient(_ROCK, 130, _SCENE[1]), (0, _px(130)))
    scene.paste(shade, mask=light)
    edges = ImageDraw.Draw(scene)
    edges.line(_at(*outline[4:15]), fill=(208, 112, 112), width=_px(0.55), joint="curve")
    for start, end in (
        ((205, 140), (194, 156)), ((194, 156), (188, 176)), ((226, 146), (212, 170)),
        ((184, 158), (170, 182)), ((252, 150), (240, 184)), ((172, 172), (158, 194)),
    ):  # fmt: skip
        edges.line(_at(start, end), fill=(48, 36, 66), width=_px(0.5))
    return scene


def _tower(scene: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(scene)
    top, foot = 47.0, 132.0
    bands = 7
    for i in range(bands):
        upper, lower = (top + (foot - top) * n / bands for n in (i, i + 1))
        _rounded_wall(draw, _TOWER if i % 2 else _BAND, upper, lower)
    for y in (62, 87, 111):
        draw.rectangle(_at((220.4, y), (222.4, y + 4.2)), fill=(255, 214, 122))
    _lantern(draw)
    return _lamp(scene)


def _rounded_wall(
    draw: ImageDraw.ImageDraw, shades: Sequence[Colour], upper: float, lower: float
) -> None:
    """Draw a stretch of the tapering wall, lit from the left."""
    strips = 40
    for i, shade in enumerate(_ramp(shades, strips)):
        left, right = i / strips * 2 - 1, (i + 1) / strips * 2 - 1
        corners = []
        for y, sides in ((upper, (left, right)), (lower, (right, left))):
            half_width = 7 + (y - 47) * 0.058
            sag = [0.9 * (1 - side * side) for side in sides]
            corners += [
                (222 + half_width * side, y + drop) for side, drop in zip(sides, sag, strict=True)
            ]
        draw.polygon(_at(*corners), fill=shade)


def _lantern(draw: ImageDraw.ImageDraw) -> None:
    dark, rim = (28, 22, 50), (196, 112, 116)
    draw.rectangle(_at((217, 33), (227, 45)), fill=(255, 238, 176))
    for x in (217, 220.2, 223.4, 226.6):
        draw.rectangle(_at((x, 33), (x + 0.5, 45)), fill=dark)
    draw.polygon(_at((215, 33.4), (229, 33.4), (224.5, 27.6), (219.5, 27.6)), fill=dark)
    draw.circle(_at((222, 26.4))[0], 1.5 * _UNIT, fill=dark)
    draw.rectangle(_at((221.75, 20), (222.25, 27)), fill=dark)
    draw.rectangle(_at((212.4, 45), (231.6, 47.6)), fill=dark)
    draw.rectangle(_at((212.4, 45), (231.6, 45.4)), fill=rim)
    for x in range(213, 232, 3):
        draw.rectangle(_at((x, 40.8), (x + 0.4, 45)), fill=dark)
    draw.rectangle(_at((212.4, 40.6), (231.6, 41.1)), fill=dark)


def _lamp(scene: Image.Image) -> Image.Image:
    for radius, strength, blur in ((17, 110, 7), (6, 190, 2.2), (2.6, 255, 0.6)):
        light, draw = _dark(scene)
        draw.circle(_at((222, 39))[0], radius * _UNIT, fill=strength)
        scene = _glow(scene, light, (255, 246, 208), blur)
    return scene


def _house(scene: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(scene)
    draw.rectangle(_at((243, 118), (272, 133)), fill=(74, 54, 92))
    draw.rectangle(_at((243, 118), (247, 133)), fill=(158, 108, 122))
    draw.polygon(_at((240.5, 118.6), (274.5, 118.6), (268, 109), (247, 109)), fill=(30, 22, 48))
    draw.line(_at((240.5, 118.6), (247, 109)), fill=(208, 112, 112), width=_px(0.6))
    draw.rectangle(_at((262, 104.5), (265.4, 111)), fill=(30, 22, 48))
    draw.rectangle(_at((265.5, 123), (269.5, 133)), fill=(28, 20, 46))
    light, glow = _dark(scene)
    for x in (250, 257.4):
        draw.rectangle(_at((x, 121.6), (x + 4.4, 127)), fill=(255, 206, 112))
        draw.rectangle(_at((x + 2, 121.6), (x + 2.4, 127)), fill=(74, 54, 92))
        glow.rectangle(_at((x - 1, 121), (x + 5.4, 128)), fill=90)
    return _glow(scene, light, (255, 206, 112), 2.4)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(lighthouse_file())
