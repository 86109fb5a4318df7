"""Tells from the bytes of pictures how they hang together: which tile, which side, which region.

Nothing here knows how the pictures were made. Each measure compares what it is given at a small
common size, so that a lossy file of 64 pixels is judged as one of 2,048 is.

A measure that has to choose says how sure it is: 0 when another answer fits as well or when none
fits, near 1 when nothing else comes close. `SURE` is where a test may believe it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import pairwise, product
from struct import unpack_from
from typing import NamedTuple, TypeVar

from PIL import Image, ImageChops, ImageOps, ImageSequence

__all__ = [
    "DIFFERENT",
    "KIN",
    "SAME",
    "SURE",
    "Repaint",
    "begins_with",
    "changed_cells",
    "clip_of",
    "distance",
    "extended_side",
    "first_frame",
    "frames",
    "has_shape",
    "held_in_middle",
    "last_frame",
    "mix",
    "moves",
    "palette_distance",
    "repaint",
    "seen_at_end",
    "size",
    "tile_of",
    "varied_tile",
    "which_tile",
]

SURE = 0.5
"""Confidence from which an answer counts: everything else is twice as far away.

Half of it is enough for `held_in_middle` and `extended_side` on tiles of 64 pixels: places that
are nearly right look nearly right there. Wrong pictures have 0 all the same.
"""

SAME = 10.0
"""`distance` below which two files show the same picture, lossy and at different sizes."""

DIFFERENT = 25.0
"""`distance` above which two files certainly show different pictures."""

KIN = 17.0
"""`palette_distance` below which two pictures are painted with the same colours."""

_SIDE = 32
"""Side of the square that pictures are compared at."""

_MIXED_SIDE = 16
"""Side of the square that mixtures are taken apart at."""

_SAMPLED_SIDE = 128
"""Side of the square of pixels that palettes are taken from."""

_SHADES = 48
"""Colours that a picture is reduced to before palettes are compared."""

_CELLS = 16
"""Cells on a side in which changes are looked for."""

_CHANGE = 28.0
"""Distance from which a cell counts as changed."""

_BLURRED = 4
"""Side of the square that variations are compared at: bent edges are no difference there."""

Answer = TypeVar("Answer")
Box = tuple[float, float, float, float]
_WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


# --- plain facts


def size(data: bytes) -> tuple[int, int]:
    """Return width and height in pixels."""
    return _frames(data)[0].size


def frames(data: bytes) -> int:
    """Count the frames; 1 for a still picture."""
    return len(_frames(data))


def has_shape(data: bytes, width: int, height: int) -> bool:
    """Say whether a picture has the shape of `--ar`, but for two pixels of rounding."""
    across, down = size(data)
    return abs(across * height - down * width) <= 2 * max(width, height)


def first_frame(data: bytes) -> bytes:
    """Return the first frame as a still picture."""
    return _png(_frames(data)[0])


def last_frame(data: bytes) -> bytes:
    """Return the last frame as a still picture."""
    return _png(_frames(data)[-1])


def tile_of(grid: bytes, n: int) -> bytes:
    """Cut tile `n` out of a grid; of a moving one, out of its last frame."""
    return _png(_quadrant(_frames(grid)[-1], n))


def clip_of(film: bytes, n: int, frame: int | None = None) -> bytes:
    """Cut clip `n` out of a moving grid, or one frame of it as a still picture."""
    images = _frames(film) if frame is None else (_frames(film)[frame],)
    pictures = [_quadrant(image, n) for image in images]
    data = BytesIO()
    # of the formats with several frames the one that merges none that are alike
    pictures[0].save(data, "TIFF", save_all=True, append_images=pictures[1:])
    return data.getvalue()


# --- likeness


def distance(one: bytes, other: bytes) -> float:
    """Say how unlike two pictures are, whatever their sizes; of moving ones, their last frames.

    Units: root mean square of sRGB steps, 0 to 255
    """
    return _apart(_seen(one), _seen(other))


def palette_distance(one: bytes, other: bytes) -> float:
    """Say how far the colours of each picture are from the nearest of the other.

    How much of the picture a colour covers counts, where it is does not.

    Units: sRGB steps
    """
    first, second = _colours(one), _colours(other)
    return max(_reach(first, second), _reach(second, first))


def mix(picture: bytes, photos: Sequence[bytes]) -> tuple[float, ...]:
    """Solve for how much of each photo a blend holds, each cut to shape around its middle.

    Units: shares; near 0 for a photo that is not in it
    """
    width, height = size(picture)
    shape = (4 * _MIXED_SIDE, round(4 * _MIXED_SIDE * height / width))
    whole = _seen(picture, side=_MIXED_SIDE).tobytes()
    parts = []
    for photo in photos:
        cut = ImageOps.fit(_frames(photo)[-1], shape, Image.Resampling.BILINEAR)
        square = cut.resize((_MIXED_SIDE, _MIXED_SIDE), Image.Resampling.BILINEAR)
        parts.append(square.tobytes())
    rows = [[*(_product(one, other) for other in parts), _product(one, whole)] for one in parts]
    return _solved(rows)


# --- who is whose


def which_tile(grid: bytes, picture: bytes) -> tuple[int, float]:
    """Say which tile of a grid a picture shows, at any size.

    Returns: the tile, 1 to 4, and the confidence
    """
    seen = _seen(picture)
    apart = {n: _apart(seen, _seen(grid, box)) for n, box in _QUADRANTS.items()}
    return _nearest(apart, DIFFERENT)


def varied_tile(grid: bytes, variations: bytes) -> tuple[int, float]:
    """Say which tile of a grid the four pictures of another grid are variations of.

    Returns: the tile, 1 to 4, and the confidence, 0 where the colours are others
    """
    seen = [_seen(variations, box, side=_BLURRED) for box in _QUADRANTS.values()]
    apart = {}
    for n, box in _QUADRANTS.items():
        tile = _seen(grid, box, side=_BLURRED)
        apart[n] = sum(_apart(tile, each) for each in seen) / len(seen)
    number, confidence = _nearest(apart, math.inf)
    kin = palette_distance(tile_of(grid, number), variations) < KIN
    return number, confidence if kin else 0.0


def held_in_middle(old: bytes, new: bytes) -> tuple[float, float]:
    """Say how much further away the old picture lies in the middle of the new one.

    Returns: the factor, 1 to 2.5, right to 0.1 on tiles of 64 pixels; and the confidence
    """
    seen, wider = _seen(old), _aspect(new) / _aspect(old)
    apart = {
        step / 20: _apart(seen, _seen(new, _middle(wider, step / 20))) for step in range(20, 51)
    }
    best = min(apart, key=apart.__getitem__)
    rivals = {factor: far for factor, far in apart.items() if abs(factor - best) > 0.24}
    return _nearest({best: apart[best], **rivals}, DIFFERENT)


def extended_side(old: bytes, new: bytes) -> tuple[str, float]:
    """Say on which side a picture was extended; by how much, its new shape tells.

    Returns: left, right, up, down, or `both` where it lies in the middle; and the confidence, 0
        where the shape is the old one
    """
    seen, wider = _seen(old), _aspect(new) / _aspect(old)
    if abs(math.log(wider)) < 0.05:
        return "both", 0.0
    if wider > 1:
        kept, names = 1 / wider, ("right", "left")
        boxes: list[Box] = [(0, 0, kept, 1), (1 - kept, 0, 1, 1)]
    else:
        kept, names = wider, ("down", "up")
        boxes = [(0, 0, 1, kept), (0, 1 - kept, 1, 1)]
    places = dict(zip((*names, "both"), (*boxes, _middle(wider, 1)), strict=True))
    return _nearest(
        {name: _apart(seen, _seen(new, box)) for name, box in places.items()}, DIFFERENT
    )


# --- what changed


class Repaint(NamedTuple):
    """How a change agrees with a mask; cells on the mask's edge are left out."""

    inside: float
    """Share of the white cells that changed."""
    outside: float
    """Share of the black cells that changed."""


def changed_cells(before: bytes, after: bytes) -> frozenset[tuple[int, int]]:
    """Name the cells (column, row) of a net of 16 x 16 in which two pictures differ."""
    apart = ImageChops.difference(_seen(before), _seen(after))
    worst = _strongest(apart.resize((_CELLS, _CELLS), Image.Resampling.BOX))
    cells = product(range(_CELLS), range(_CELLS))
    return frozenset(cell for cell in cells if worst[cell[1] * _CELLS + cell[0]] > _CHANGE)


def repaint(before: bytes, after: bytes, mask: bytes) -> Repaint:
    """Compare what changed with what a mask allowed to change."""
    with Image.open(BytesIO(mask)) as image:
        shares = image.convert("L").resize((_CELLS, _CELLS), Image.Resampling.BOX).tobytes()
    cells = [(column, row) for row in range(_CELLS) for column in range(_CELLS)]
    changed = changed_cells(before, after)
    white = [cell for cell, share in zip(cells, shares, strict=True) if share > 250]
    black = [cell for cell, share in zip(cells, shares, strict=True) if share < 5]
    return Repaint(_share(changed, white), _share(changed, black))


# --- what moves


def moves(data: bytes) -> float:
    """Say how much changes from frame to frame on average; 0 for a still picture.

    Units: as `distance`
    """
    pictures = [_seen(data, frame=frame) for frame in range(frames(data))]
    steps = [_apart(one, other) for one, other in pairwise(pictures)]
    return sum(steps) / len(steps) if steps else 0.0


def seen_at_end(data: bytes) -> float:
    """Say how much of the first frame is still seen in the last, where a camera came nearer.

    Units: share of a side, 0.4 to 1 in steps of 0.03
    """
    end = _seen(data)
    apart = {}
    for step in range(21):
        share = 1 - step * 0.03
        for across, down in product(range(5), repeat=2):
            left, top = (1 - share) * across / 4, (1 - share) * down / 4
            box = (left, top, left + share, top + share)
            apart[share, across, down] = _apart(end, _seen(data, box, frame=0))
    return min(apart, key=apart.__getitem__)[0]


def begins_with(longer: bytes, shorter: bytes) -> bool:
    """Say whether a clip starts with another one, frame by frame, and goes on after it."""
    count = frames(shorter)
    return frames(longer) > count and all(
        _apart(_seen(longer, frame=frame), _seen(shorter, frame=frame)) < SAME
        for frame in range(count)
    )


# --- how it is measured

_SQUARES = [step**2 for step in range(256)] * 3
_QUADRANTS: Mapping[int, Box] = {
    1: (0.0, 0.0, 0.5, 0.5),
    2: (0.5, 0.0, 1.0, 0.5),
    3: (0.0, 0.5, 0.5, 1.0),
    4: (0.5, 0.5, 1.0, 1.0),
}


@lru_cache(maxsize=256)
def _frames(data: bytes) -> tuple[Image.Image, ...]:
    if data[4:8] == b"ftyp":
        return tuple(_still(one) for one in _of_mp4(data))
    with Image.open(BytesIO(data)) as image:
        return tuple(frame.convert("RGB") for frame in ImageSequence.Iterator(image))


def _still(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return image.convert("RGB")


def _of_mp4(data: bytes) -> Iterator[bytes]:
    """Yield the frames of a film with one track and one chunk, as its tables place them."""
    sizes, begin = data.index(b"stsz") + 12, data.index(b"stco") + 12
    (count,), (place,) = unpack_from(">I", data, sizes), unpack_from(">I", data, begin)
    for size in unpack_from(f">{count}I", data, sizes + 4):
        yield data[place : place + size]
        place += size


def _seen(data: bytes, box: Box = _WHOLE, frame: int = -1, side: int = _SIDE) -> Image.Image:
    """Average part of a picture to the common size; of the last frame unless told."""
    image = _frames(data)[frame]
    width, height = image.size
    left, top, right, bottom = box
    part = (left * width, top * height, right * width, bottom * height)
    return image.resize((side, side), Image.Resampling.BILINEAR, box=part)


def _apart(one: Image.Image, other: Image.Image) -> float:
    counts = ImageChops.difference(one, other).histogram()
    return math.sqrt(sum(map(operator.mul, counts, _SQUARES)) / (3 * one.width * one.height))


def _nearest(apart: Mapping[Answer, float], stranger: float) -> tuple[Answer, float]:
    """Choose the nearest answer, with a stranger at a fixed distance as one more rival."""
    best = min(apart, key=apart.__getitem__)
    rival = min([stranger, *(far for answer, far in apart.items() if answer != best)])
    return best, max(0.0, 1 - apart[best] / rival) if rival else 0.0


def _middle(wider: float, factor: float) -> Box:
    """Place a picture in the middle of one that is `wider` times as wide for its height."""
    across, down = min(1, 1 / wider) / factor / 2, min(1, wider) / factor / 2
    return 0.5 - across, 0.5 - down, 0.5 + across, 0.5 + down


def _aspect(data: bytes) -> float:
    width, height = size(data)
    return width / height


@lru_cache(maxsize=256)
def _colours(data: bytes) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Return the widespread colours, each with the share it covers."""
    image = _frames(data)[-1]
    if max(image.size) > _SAMPLED_SIDE:
        image = image.resize((_SAMPLED_SIDE, _SAMPLED_SIDE), Image.Resampling.NEAREST)
    few = image.quantize(_SHADES, Image.Quantize.MEDIANCUT)
    values, counts = few.getpalette() or [], few.getcolors() or []
    total = sum(count for count, _ in counts)
    rows = []
    for count, at in counts:
        assert isinstance(at, int)
        rows.append((count / total, tuple(values[3 * at : 3 * at + 3])))
    return tuple(row for row in rows if row[0] > 0.002)


def _reach(
    some: Iterable[tuple[float, tuple[int, ...]]], others: Iterable[tuple[float, tuple[int, ...]]]
) -> float:
    there = [colour for _, colour in others]
    return sum(share * min(math.dist(colour, each) for each in there) for share, colour in some)


def _strongest(image: Image.Image) -> bytes:
    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue).tobytes()


def _share(changed: frozenset[tuple[int, int]], cells: Sequence[tuple[int, int]]) -> float:
    return sum(cell in changed for cell in cells) / len(cells) if cells else 0.0


def _quadrant(image: Image.Image, n: int) -> Image.Image:
    left, top, right, bottom = _QUADRANTS[n]
    width, height = image.size
    return image.crop((left * width, top * height, right * width, bottom * height))


def _png(image: Image.Image) -> bytes:
    data = BytesIO()
    image.save(data, "PNG", compress_level=1)
    return data.getvalue()


def _product(one: bytes, other: bytes) -> float:
    return float(sum(a * b for a, b in zip(one, other, strict=True)))


def _solved(rows: list[list[float]]) -> tuple[float, ...]:
    """Solve linear equations by Gauss and Jordan's elimination."""
    count = len(rows)
    for at in range(count):
        pivot = max(range(at, count), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for other in range(count):
            if other != at:
                factor = rows[other][at]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[at], strict=True)]
    return tuple(row[-1] for row in rows)
