"""Puts frames into an mp4: a film whose every frame is a JPEG.

How it works: the file is a tree of boxes, each a length, a name and what it holds. One track says
how long each frame lasts and where it begins; the frames lie behind it, one after another. Every
frame stands alone, so no video encoder is needed. Programs that decode films play it; browsers,
which know fewer codings, do not.
Source: ISO/IEC 14496-12 (boxes) and 14496-1 (the descriptor, object type 0x6C is JPEG).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack_from
from typing import Final

from waystation.simulator.drawing.paint import Size

__all__ = ["is_mp4", "mp4", "mp4_size"]

_SCALE: Final = 1000
"""Units of time in a second."""

_MATRIX: Final = pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""Shown as it is: no turn, no stretch."""

_SIZE_BEHIND_NAME: Final = 80
"""Where the head of a track says how large it is shown."""

_JPEG: Final = 0x6C
_VISUAL: Final = 0x11
_UNDETERMINED: Final = 0x55C4
"""The language `und`, five bits a letter."""


def mp4(frames: Sequence[bytes], size: Size, frame_ms: int) -> bytes:
    """Make a film of frames.

    Args: frames: JPEG files, all of this size; frame_ms: how long each is shown
    """
    kind = _box(b"ftyp", b"isom", pack(">I", 512), b"isomiso2mp41")
    # Where the frames begin depends on how long the box before them is, which is always the same.
    begin = len(kind) + len(_movie(frames, size, frame_ms, 0)) + 8
    return kind + _movie(frames, size, frame_ms, begin) + _box(b"mdat", *frames)


def is_mp4(data: bytes) -> bool:
    """Tell whether bytes begin as `mp4` makes them."""
    return data[4:8] == b"ftyp"


def mp4_size(data: bytes) -> Size:
    """Read the size of the frames of what `mp4` made."""
    width, height = unpack_from(">2I", data, data.index(b"tkhd") + _SIZE_BEHIND_NAME)
    return width >> 16, height >> 16


def _box(name: bytes, *parts: bytes) -> bytes:
    held = b"".join(parts)
    return pack(">I", 8 + len(held)) + name + held


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    """Return a box that begins with a version, 0, and flags."""
    return _box(name, pack(">I", flags), *parts)


def _movie(frames: Sequence[bytes], size: Size, frame_ms: int, begin: int) -> bytes:
    lasts = len(frames) * frame_ms
    head = pack(">4I", 0, 0, _SCALE, lasts) + pack(">iH10x", 1 << 16, 1 << 8) + _MATRIX + bytes(24)
    track = _box(
        b"trak",
        _full(b"tkhd", _track_head(size, lasts), flags=3),
        _box(
            b"mdia",
            _full(b"mdhd", pack(">4I2H", 0, 0, _SCALE, lasts, _UNDETERMINED, 0)),
            _full(b"hdlr", bytes(4), b"vide", bytes(12), b"frames\0"),
            _box(
                b"minf",
                _full(b"vmhd", bytes(8), flags=1),
                _box(b"dinf", _full(b"dref", pack(">I", 1), _full(b"url ", flags=1))),
                _table(frames, size, frame_ms, begin),
            ),
        ),
    )
    return _box(b"moov", _full(b"mvhd", head, pack(">I", 2)), track)


def _track_head(size: Size, lasts: int) -> bytes:
    width, height = size
    shape = pack(">2I", width << 16, height << 16)
    return pack(">5I", 0, 0, 1, 0, lasts) + bytes(16) + _MATRIX + shape


def _table(frames: Sequence[bytes], size: Size, frame_ms: int, begin: int) -> bytes:
    """Say what the frames are, how long each lasts, how large it is and where they begin."""
    count = len(frames)
    sizes = [len(frame) for frame in frames]
    return _box(
        b"stbl",
        _full(b"stsd", pack(">I", 1), _entry(size, max(sizes))),
        _full(b"stts", pack(">3I", 1, count, frame_ms)),
        _full(b"stsc", pack(">4I", 1, 1, count, 1)),
        _full(b"stsz", pack(f">2I{count}I", 0, count, *sizes)),
        _full(b"stco", pack(">2I", 1, begin)),
    )


def _entry(size: Size, largest: int) -> bytes:
    width, height = size
    dots_per_inch = 72 << 16
    look = pack(">16x2H2I4xH32xHh", width, height, dots_per_inch, dots_per_inch, 1, 24, -1)
    return _box(b"mp4v", bytes(6), pack(">H", 1), look, _full(b"esds", _descriptor(largest)))


def _descriptor(largest: int) -> bytes:
    buffer = largest.to_bytes(3, "big")
    coding = _described(4, bytes((_JPEG, _VISUAL)), buffer, bytes(8))
    return _described(3, pack(">HB", 1, 0), coding, _described(6, b"\2"))


def _described(tag: int, *parts: bytes) -> bytes:
    held = b"".join(parts)
    return bytes((tag, len(held))) + held
