"""Folding: texts as they are compared in a search.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import unicodedata

__all__ = ["folded"]


def folded(text: str) -> str:
    """Return a text composed and case folded."""
    return unicodedata.normalize("NFC", text).casefold()
