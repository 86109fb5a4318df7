"""Elimination: whose a picture is that says nothing of whose it is.

Such a picture belongs to one of the asks that look like it and have shown no uuid yet, and each ask
has one picture. So a picture is somebody's when nobody else is left that could have made it, and a
group is hopeless when all its pictures are there and still more than one ask could own each.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["Owners", "decided", "hopeless"]

Owners = Mapping[str, frozenset[str]]
"""Picture → the asks that may own it."""


def decided(owners: Owners) -> Iterator[tuple[str, str]]:
    """Yield each picture that has one possible owner, with it."""
    for group, _ in _groups(owners):
        for picture, asks in group.items():
            possible = [ask for ask in sorted(asks) if _fits(group, picture, ask)]
            if len(possible) == 1:
                yield picture, possible[0]


def hopeless(owners: Owners) -> Iterator[frozenset[str]]:
    """Yield the asks of each group about which nothing more can be learnt.

    That is one with a picture for every ask, or with more pictures than asks, of which one then is
    of somebody who was never heard. Call it when nothing is decided.
    """
    for group, asks in _groups(owners):
        if len(group) >= len(asks):
            yield asks


def _groups(owners: Owners) -> Iterator[tuple[Owners, frozenset[str]]]:
    """Yield what hangs together: pictures that share asks, and all their asks."""
    left = dict(owners)
    while left:
        first = next(iter(left))
        asks = left.pop(first)
        group = {first: asks}
        while joined := [one for one, others in left.items() if others & asks]:
            for one in joined:
                group[one] = left.pop(one)
                asks |= group[one]
        yield group, asks


def _fits(owners: Owners, picture: str, ask: str) -> bool:
    """Tell whether every other picture can have an owner of its own when this one is the ask's."""
    owner_of: dict[str, str] = {}
    rest = {one: asks - {ask} for one, asks in owners.items() if one != picture}
    return all(_place(one, rest, owner_of, set()) for one in rest)


def _place(picture: str, owners: Owners, owner_of: dict[str, str], tried: set[str]) -> bool:
    """Give a picture an owner, moving others if that helps: an augmenting path."""
    for ask in owners[picture] - tried:
        tried.add(ask)
        moved = next((one for one, owner in owner_of.items() if owner == ask), None)
        if moved is None or _place(moved, owners, owner_of, tried):
            owner_of[picture] = ask
            return True
    return False
