"""Byte ranges: the part of a file that a request asks for.

Source: RFC 9110, section 14

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["ByteRange", "byte_range"]

_ONE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """One range as it is asked for: from `first` on, or the last `suffix` bytes."""

    first: int = 0
    last: int | None = None
    """The last byte that is wanted; None: up to the end."""
    suffix: int | None = None

    def within(self, length: int) -> tuple[int, int] | None:
        """Return the first and the last byte of a file of that length; None: there are none."""
        if self.suffix is not None:
            first, last = max(0, length - self.suffix), length - 1
        else:
            first, last = self.first, length - 1 if self.last is None else self.last
        last = min(last, length - 1)
        return (first, last) if first <= last else None


def byte_range(header: str | None) -> ByteRange | None:
    """Read a `Range` header; None for none, and for what is answered with the whole file.

    Several ranges are answered so, too: no player asks for them.
    """
    found = None if header is None else _ONE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return ByteRange(suffix=int(found[2]))
    first = int(found[1])
    if not found[2]:
        return ByteRange(first)
    return ByteRange(first, int(found[2])) if int(found[2]) >= first else None
