"""Kinds of pictures, judged by their bytes alone (R43).

How it works: the size is read from the first bytes without decoding, so that a picture with too
many pixels is refused before any decoder sees it; then Pillow must agree on the kind. It is shown
the picture alone: what stands beside it in a file is nobody's business here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps

__all__ = ["KINDS", "Kind", "Size", "brightest", "decoded", "inverted", "recognise", "sound"]

_DAMAGE: Final = (
    ArithmeticError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""Raised by Pillow for files that are no whole picture."""

Size = tuple[int, int]
"""Width and height in pixels."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"

_JPEG_MAX_SEGMENTS: Final = 1000
"""Segments to look through for the size: cameras write tens, colour profiles up to 255."""

MAX_READS: Final = 50_000
"""Reads that opening one picture may take: about three per part, and real ones have up to 3,000."""

_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers. Source: ITU-T T.81, table B.1."""


_JPEG_SCAN: Final = 0xDA
"""Marker behind which the pixels are. Source: ITU-T T.81, table B.1."""

_JPEG_BESIDE: Final = (frozenset(range(0xE0, 0xF0)) - {0xEE}) | {0xFE}
"""Markers of what programs and people note beside a picture; 0xEE says how its colours are kept.

Source: ITU-T T.81, table B.1
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of picture that Discord and the bot take."""

    name: str
    """Pillow's word."""
    content_type: str
    extension: str
    """Without a dot."""
    size: Callable[[bytes], Size | None]
    """Reads the size from the head of the file; None when it is not of this kind."""


def recognise(data: bytes) -> tuple[Kind, Size] | None:
    """Return the kind and size of a picture, or None when it is none we know."""
    for kind in KINDS:
        try:
            size = kind.size(data)
        except (struct.error, IndexError):  # the file ends inside its head
            continue
        if size is not None and min(size) > 0:
            return kind, size
    return None


def sound(data: bytes, kind: Kind) -> bool:
    """Return whether Pillow can open the bytes as a picture of this kind; decodes no pixels.

    Purity: blocks; some milliseconds, up to a quarter of a second for files made to be slow
    """
    try:
        with Image.open(_PatientFile(data), formats=[kind.name]) as image:
            image.verify()
    except _DAMAGE:
        return False
    return True


def brightest(data: bytes) -> int:
    """Return how bright the brightest spot of a picture is, 0 to 255.

    Purity: blocks while it decodes
    Raises: OSError: it is no whole picture
    """
    grey = _grey(data).histogram()
    return max(level for level, count in enumerate(grey) if count)


def inverted(data: bytes) -> bytes:
    """Return a mask with black for white, as a PNG.

    Purity: blocks while it decodes
    Raises: OSError: it is no whole picture
    """
    file = BytesIO()
    ImageOps.invert(_grey(data)).save(file, "PNG")
    return file.getvalue()


def decoded(data: bytes, kind: Kind) -> Image.Image:
    """Return the pixels of a picture, of several pictures in it those of the first.

    Purity: blocks while it decodes
    Raises: OSError: it is no whole picture
    """
    try:
        with Image.open(_PatientFile(data), formats=[kind.name]) as image:
            return image.convert("RGBA" if image.has_transparency_data else "RGB")
    except _DAMAGE as error:
        raise OSError(f"a damaged picture: {type(error).__name__}") from error


def _grey(data: bytes) -> Image.Image:
    """Decode a picture in shades of grey. Raises: OSError: it is no whole picture."""
    try:
        with Image.open(_PatientFile(data)) as image:
            return image.convert("L")
    except _DAMAGE as error:
        raise OSError(f"a damaged picture: {type(error).__name__}") from error


class _PatientFile(BytesIO):
    """A file that loses patience: Pillow walks through millions of empty parts without end."""

    def __init__(self, data: bytes) -> None:
        super().__init__(_picture_alone(data))
        self._reads_left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise OSError("a file of too many parts")
        return super().read(size)


def _picture_alone(data: bytes) -> bytes:
    """Return a file without texts, profiles and dates, of which Pillow refuses harmless oddities.

    Discord and the bot take such files. What is no whole PNG or JPEG is returned as it is.

    Raises: OSError: more parts than any picture has
    """
    if data.startswith(_PNG):
        return _png_alone(data)
    return _jpeg_alone(data) if data.startswith(b"\xff\xd8\xff") else data


def _jpeg_alone(data: bytes) -> bytes:
    view, rest = memoryview(data), 2
    kept = [view[:2]]
    for marker, at, end in _jpeg_segments(data):
        if marker == _JPEG_SCAN:
            break
        if marker not in _JPEG_BESIDE:
            kept.append(view[at:end])
        rest = end
    return b"".join((*kept, view[rest:]))


def _png_alone(data: bytes) -> bytes:
    view, at = memoryview(data), len(_PNG)
    kept = [view[:at]]
    for _ in range(MAX_READS // 3):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if len(kind) < 4 or end > len(data):
            return data
        # an upper-case letter marks what a picture cannot be shown without
        if kind[:1].isupper() or (kind == b"tRNS" and _is_whole(view[at:end])):
            kept.append(view[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise OSError("a file of too many parts")


def _is_whole(chunk: memoryview) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _png_size(data: bytes) -> Size | None:
    if not data.startswith(_PNG + b"\x00\x00\x00\x0dIHDR"):
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> Size | None:
    if not data.startswith((b"GIF87a", b"GIF89a")):
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _jpeg_size(data: bytes) -> Size | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    for marker, at, _ in _jpeg_segments(data):
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
    return None


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, beginning and end of each segment. Raises: IndexError, struct.error: cut short.

    Source: ITU-T T.81, B.1.1
    """
    at = 2
    for _ in range(_JPEG_MAX_SEGMENTS):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + max(length, 2)
        yield marker, at, end
        at = end


def _webp_size(data: bytes) -> Size | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return (width, height) if len(data) >= 30 else None
    if chunk == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


KINDS: Final = (
    Kind("PNG", "image/png", "png", _png_size),
    Kind("JPEG", "image/jpeg", "jpg", _jpeg_size),
    Kind("WEBP", "image/webp", "webp", _webp_size),
    Kind("GIF", "image/gif", "gif", _gif_size),
)
"""Last in the file because its rows name the functions above."""
