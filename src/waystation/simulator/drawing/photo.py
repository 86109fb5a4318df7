"""Reads the pictures and masks that callers send, and keeps what the drawing needs of them."""

from __future__ import annotations

import warnings
from functools import lru_cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps

from waystation.simulator.drawing.paint import Colour, Palette
from waystation.simulator.drawing.pictures import FORMATS, look

__all__ = ["KEPT_SIDE", "kept_mask", "kept_photo", "mask", "photo", "widespread"]

KEPT_SIDE: Final = 512
"""Longest side in pixels that is kept of anything sent: a grid of the usual size shows it well."""

_WHITE: Final = [255 if value >= 128 else 0 for value in range(256)]


def kept_photo(data: bytes) -> bytes:
    """Decode a picture, upright and over black where it is transparent, and keep it small.

    Raises: UnreadablePicture
    Purity: decoding takes CPU; call it in a thread
    """
    return _stored(_fitted(_opaque(data)), "WEBP", quality=92, method=1)


def kept_mask(data: bytes) -> bytes:
    """Decode a mask into black and white, and keep it small.

    Raises: UnreadablePicture
    """
    return _stored(_fitted(_opaque(data).convert("L")).point(_WHITE, "1"), "PNG")


@lru_cache(maxsize=16)
def photo(kept: bytes) -> Image.Image:
    """Open what `kept_photo` returned; the same object every time, so never to be painted on."""
    with Image.open(BytesIO(kept)) as image:
        return image.convert("RGB")


@lru_cache(maxsize=64)
def widespread(kept: bytes) -> Palette:
    """Return up to five colours that what `kept_photo` returned is full of."""
    small = photo(kept).resize((32, 32), Image.Resampling.BOX)
    few = small.quantize(5, Image.Quantize.MEDIANCUT)
    values = few.getpalette() or []
    found: list[Colour] = []
    for _, index in sorted(few.getcolors() or [], reverse=True):
        assert isinstance(index, int)
        red, green, blue = values[3 * index : 3 * index + 3]
        found.append((red, green, blue))
    return tuple(found)


def mask(kept: bytes, size: tuple[int, int]) -> Image.Image:
    """Open what `kept_mask` returned and stretch it over a picture.

    Returns: mode L, nothing but 0 and 255
    """
    with Image.open(BytesIO(kept)) as image:
        return image.convert("L").resize(size, Image.Resampling.BILINEAR).point(_WHITE)


def _opaque(data: bytes) -> Image.Image:
    look(data)  # refuses whatever must not or cannot be decoded
    with warnings.catch_warnings():
        # Pillow warns of odd metadata in pictures that are otherwise fine.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.mode.startswith("I"):
                # Pillow's own conversion of 16-bit grey cuts off at 255 instead of scaling.
                grey = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
                return grey.convert("RGB")
            seen = ImageOps.exif_transpose(image).convert("RGBA")
    black = Image.new("RGBA", seen.size, (0, 0, 0, 255))
    return Image.alpha_composite(black, seen).convert("RGB")


def _fitted(image: Image.Image) -> Image.Image:
    if max(image.size) > KEPT_SIDE:
        image.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BOX)
    return image


def _stored(image: Image.Image, format: str, **options: int) -> bytes:
    data = BytesIO()
    image.save(data, format, **options)
    return data.getvalue()
