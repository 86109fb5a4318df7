"""Components of messages: each has a number of its own.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from waystation.simulator.payload import Payload

__all__ = ["numbered"]


def numbered(rows: Iterable[Payload]) -> list[Payload]:
    """Return components with `id` 1, 2, 3 … in document order, those inside others included.

    Source: Discord, component reference: an id that the sender leaves out is filled in so.
    """
    return list(_numbered(rows, count(1)))


def _numbered(rows: Iterable[Payload], numbers: Iterator[int]) -> Iterator[Payload]:
    for row in rows:
        own = row | {"id": next(numbers)}
        if "components" in row:
            own["components"] = list(_numbered(row["components"], numbers))
        yield own
