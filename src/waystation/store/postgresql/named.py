"""Named values (`:name`) as PostgreSQL takes them: `$1`, `$2` and so on, in the order of the text.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from waystation.store.columns import Value, Values

__all__ = ["CLOCK", "Statement", "compiled"]

CLOCK: Final = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
"""Microseconds. Not `now()`, the beginning of the transaction: a statement may have waited for a
row since."""

_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|::|:([a-z_]\w*)")
"""A text in quotes, a comment, a cast, or a named value."""


class Statement(NamedTuple):
    """A statement with numbered places."""

    text: str
    names: tuple[str, ...]
    """The name of the value at each place."""

    def arguments(self, values: Values | None) -> list[Value]:
        """Return the values by place; those that it does not name are left out.

        Raises: KeyError: a value is missing
        """
        given = values or {}
        return [given[name] for name in self.names]


def compiled(text: str) -> Statement:
    """Return a statement with a number in the place of each named value."""
    places: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        return f"${places.setdefault(name, len(places) + 1)}"

    numbered_text = _TOKEN.sub(numbered, text)
    return Statement(numbered_text, tuple(places))
