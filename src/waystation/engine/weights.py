"""Weights: how often each account is drawn among those that may take a job.

Rules: the draw is random, by free slots; failings of the last 15 minutes lower a weight, and never
to 0.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

__all__ = ["MOST_FAILINGS", "drawn", "weight"]

_Item = TypeVar("_Item")

MOST_FAILINGS: Final = 9
"""Failings that count: an account keeps a tenth of its weight, so that a job tries it again."""

_LOOKS: Final = 1_000
"""Refused draws in a row after which one more is taken as it is."""


def weight(free: int, failings: int) -> int:
    """Return the weight of an account with free slots: 0 without, else 1 at least."""
    return max(0, free) * (MOST_FAILINGS + 1) // (1 + min(failings, MOST_FAILINGS))


async def drawn(
    items: Sequence[_Item],
    weight_of: Callable[[_Item], Awaitable[int]],
    most: int,
    below: Callable[[int], int],
) -> _Item | None:
    """Draw one of the items, each as often as its weight is of the sum; None when all weigh 0.

    An item is drawn evenly and taken with the chance that its weight is of the most: so few of many
    are weighed, and each once. The last one left is taken without a draw: a light one would be
    refused a hundred times before.

    Args: most: no weight is larger; below: gives a random number 0 ≤ x < its argument
    """
    left, known, looks = list(range(len(items))), dict[int, int](), 0
    while left:
        place = below(len(left)) if len(left) > 1 else 0
        index = left[place]
        if index not in known:
            known[index] = await weight_of(items[index])
        if known[index] == 0:
            left[place] = left[-1]
            left.pop()
            continue
        looks += 1
        if len(left) == 1 or looks > _LOOKS or below(most) < known[index]:
            return items[index]
    return None
