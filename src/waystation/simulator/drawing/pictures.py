"""Looks at real pictures, and writes what the bot would say about them.

`look` decodes a picture and measures it; `describe` turns the measurements into the four prompts of
`/describe`. Words of a prompt come from two places that never mix: colours, light, orientation and
ratio from the picture, everything else from the seed. Two pictures that differ in one respect
therefore get prompts that differ in that respect only.

Every picture is judged on 64 x 64 averaged pixels: past decoding the cost is the same for all
sizes, and the same picture saved in another format is judged the same.
"""

from __future__ import annotations

import random
import struct
import warnings
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Final, NamedTuple

from PIL import ExifTags, Image, ImageStat

from waystation.simulator.drawing.colours import nearest

__all__ = [
    "FORMATS",
    "LIGHTS",
    "MAX_PIXELS",
    "MAX_RATIO_TERM",
    "Light",
    "Look",
    "UnreadablePicture",
    "describe",
    "look",
]

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP")
"""The formats of a picture. Others stay closed: Pillow's rarer readers are not worth their risk."""

MAX_PIXELS: Final = 50_000_000
"""Width times height above which nothing is decoded: our choice, 200 MB as RGBA."""

MAX_RATIO_TERM: Final = 128
"""Greatest number on either side of `--ar`: our choice, exact for the usual sizes of pictures."""


class Light(NamedTuple):
    """A row of `LIGHTS`: a wording, and the pictures it fits.

    Units: mean and spread (standard deviation) of luminance, 0-255
    """

    name: str
    least_mean: float = 0
    most_mean: float = 255
    least_spread: float = 0
    most_spread: float = 255


LIGHTS: Final = (
    Light("strong contrast", least_spread=64),
    Light("dim light", most_mean=64),
    Light("bright light", least_mean=180),
    Light("flat light", most_spread=24),
    Light("balanced light"),
)
"""Wordings for light; the first row that fits is taken, and the last fits everything."""


class UnreadablePicture(ValueError):
    """These bytes are not a picture that can be shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """The content of a picture, read from its pixels."""

    format: str
    """One of `FORMATS`."""
    width: int
    """Pixels from left to right as seen upright, after EXIF orientation."""
    height: int
    """Pixels from top to bottom as seen upright, after EXIF orientation."""
    colours: tuple[str, ...]
    """One to three names of `COLOURS`, the most widespread first."""
    light: str
    """The name of a row of `LIGHTS`."""
    transparent: bool = False
    """True when anything can be seen through; only what is visible counts for colours and light."""
    frames: int = 1
    """Number of frames; of more than one, only the first was looked at."""

    @property
    def ratio(self) -> str:
        """The value of `--ar`: `w:h` in lowest terms, neither above `MAX_RATIO_TERM`.

        Exact where lowest terms are that small, otherwise the nearest such ratio: short side over
        long side is then off by at most 1/256. Anything longer than 128:1 is 128:1.
        """
        short, long = sorted((self.width, self.height))
        nearest = Fraction(short, long).limit_denominator(MAX_RATIO_TERM)
        nearest = max(nearest, Fraction(1, MAX_RATIO_TERM))
        terms = (nearest.numerator, nearest.denominator)
        w, h = terms if self.width <= self.height else reversed(terms)
        return f"{w}:{h}"

    @property
    def orientation(self) -> str:
        """`portrait`, `landscape` or, with equal sides, `square`."""
        if self.width == self.height:
            return "square"
        return "portrait" if self.width < self.height else "landscape"


def look(data: bytes) -> Look:
    """Decode a picture and say what is in it.

    Raises: UnreadablePicture: not a picture, broken, cut short, or above `MAX_PIXELS`
    Purity: decoding takes CPU, JPEG the least; call it in a thread
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata in pictures that are otherwise fine. Threads share these
            # filters; the most that can be left behind is that Pillow's warnings stay ignored.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                return _look(image)
    except UnreadablePicture:
        raise
    except Image.DecompressionBombError as error:
        raise UnreadablePicture(f"more than {MAX_PIXELS} pixels") from error
    except _BROKEN as error:
        raise UnreadablePicture("not a picture that can be decoded") from error


def describe(look: Look, seed: int) -> tuple[str, str, str, str]:
    """Write the four prompts of `/describe`.

    Args: seed: same look and same seed give the same prompts
    Returns: four different prompts, each naming colours, light and orientation, each ending
        ` --ar w:h`
    """
    chance = random.Random(seed)
    rows = zip(
        chance.sample(_PATTERNS, 4),
        chance.sample(_MEDIA, 4),
        chance.sample(_TOUCHES, 4),
        strict=True,
    )
    ground = ", transparent ground" if look.transparent else ""
    first, second, third, fourth = (
        pattern.format(
            colours=_listed(look.colours),
            light=look.light,
            orientation=look.orientation,
            medium=medium,
            touch=touch,
        )
        + f"{ground} --ar {look.ratio}"
        for pattern, medium, touch in rows
    )
    return first, second, third, fourth


_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)
"""All that Pillow's readers have been seen to raise over broken bytes."""

_SIDE: Final = 64
"""Side in pixels of the square that colours and light are taken from."""

_OPAQUE: Final = 128
"""Alpha from which a pixel counts as visible."""

_LEAST_SHARE: Final = 0.08
"""Part of the visible picture that a colour must cover to be named beside the first."""

_MOST_COLOURS: Final = 3
"""Names in one prompt; the bot's own prompts seldom hold more."""

_SIDEWAYS: Final = range(5, 9)
"""EXIF orientations that exchange width and height. Source: Exif 2.32, 4.6.4 Orientation."""

_PATTERNS: Final = (
    "{medium} in {orientation} format, palette of {colours}, {light}, {touch}",
    "{orientation} composition dominated by {colours}, {light}, {medium}, {touch}",
    "{colours} under {light}, {orientation} {medium}, {touch}",
    "{medium} with {touch}, {light} over {colours}, {orientation} framing",
    "study in {colours}, {medium}, {light}, {orientation} view, {touch}",
    "{touch} and {light}, {medium}, {orientation} layout, tones of {colours}",
)

_MEDIA: Final = (
    "film photograph",
    "oil painting",
    "watercolour",
    "woodblock print",
    "pastel drawing",
    "matte painting",
    "risograph print",
    "gouache sketch",
    "editorial illustration",
    "stop-motion still",
)

_TOUCHES: Final = (
    "fine grain",
    "crisp edges",
    "loose brushwork",
    "a quiet mood",
    "sparse detail",
    "layered texture",
    "soft focus",
    "clean geometry",
    "a sense of depth",
    "hand-made charm",
)

# Five bits a colour: coarse enough to be looked up once and remembered, fine enough for the names.
_ROUNDED: Final = [value & 0xF8 | 0x04 for value in range(256)]
_VISIBLE: Final = [255 if value >= _OPAQUE else 0 for value in range(256)]


def _look(image: Image.Image) -> Look:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(f"{width}x{height} is more than {MAX_PIXELS} pixels")
    frames = _frames(image)
    small = _small(image)
    if _orientation(image) in _SIDEWAYS:
        width, height = height, width
    alpha = small.getchannel("A")
    transparent = alpha.getextrema() != (255, 255)
    if not alpha.point(_VISIBLE).getbbox():
        small.putalpha(255)
    return Look(
        format=_format(image),
        width=width,
        height=height,
        colours=_colours(small),
        light=_light(small),
        transparent=transparent,
        frames=frames,
    )


def _format(image: Image.Image) -> str:
    # MPO is a camera's JPEG with a second view behind it; viewers show the JPEG it starts with.
    return "JPEG" if image.format == "MPO" else str(image.format)


def _frames(image: Image.Image) -> int:
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def _orientation(image: Image.Image) -> int:
    """Read EXIF orientation; upright where there is none, or none that can be read."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _BROKEN:
        return 1


def _small(image: Image.Image) -> Image.Image:
    """Decode the first frame and average it to a small RGBA square, whatever its proportions."""
    image.draft(None, (2 * _SIDE, 2 * _SIDE))  # lets JPEG decode at down to an eighth of its size
    image.load()
    if image.mode.startswith("I"):
        # Pillow's own conversion of 16-bit grey cuts off at 255 instead of scaling.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    has_alpha = image.has_transparency_data
    if image.mode not in ("L", "RGB", "RGBA") or (has_alpha and image.mode != "RGBA"):
        image = image.convert("RGBA" if has_alpha else "RGB")
    averaged = image.resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return averaged.convert("RGBA")


def _colours(small: Image.Image) -> tuple[str, ...]:
    """Name the colours that cover most of what is visible."""
    rounded = small.point([*_ROUNDED * 3, *_VISIBLE])
    pixels = Counter(struct.iter_unpack("4B", rounded.tobytes()))
    counts: Counter[str] = Counter()
    for (red, green, blue, alpha), count in pixels.items():
        if alpha:
            counts[nearest(red, green, blue)] += count
    least = _LEAST_SHARE * counts.total()
    first, *others = sorted(counts, key=lambda name: (-counts[name], name))
    return (first, *(name for name in others if counts[name] >= least))[:_MOST_COLOURS]


def _light(small: Image.Image) -> str:
    """Name the light by mean and spread of luminance over what is visible."""
    seen = ImageStat.Stat(small.convert("L"), small.getchannel("A").point(_VISIBLE))
    mean, spread = seen.mean[0], seen.stddev[0]
    return next(
        row.name
        for row in LIGHTS
        if row.least_mean <= mean <= row.most_mean and row.least_spread <= spread <= row.most_spread
    )


def _listed(words: tuple[str, ...]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
