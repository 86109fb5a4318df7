"""Elimination: find the one ask that can own a picture which names no job.

Works are counted against asks. A work is a picture, or a progress that nobody could claim; each is
one ask's, and each ask has one. So a picture is somebody's when in no way of giving each work to an
ask it is anybody else's. Where works outnumber asks there is no such way: somebody was never heard,
and nothing is decided. A group is hopeless when all its pictures are there and still more than one
ask could own each.

A progress and a picture may be one work. The progress is then placed with the picture, and takes no
ask from the others.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Owners", "Works", "decided", "groups", "hopeless", "with_picture"]

Owners = Mapping[str, frozenset[str]]
"""Work → the asks that may own it."""


@dataclass(frozen=True, slots=True)
class Works:
    """All that waits to be told apart, by message id."""

    pictures: Owners
    begun: Owners = field(default_factory=dict)
    """Progress whose picture is not known: its asks, and the pictures that may be of one work."""
    unsure: frozenset[str] = frozenset()
    """Asks of which it is not known that there are any."""

    @property
    def owners(self) -> Owners:
        """All works."""
        return {**self.begun, **self.pictures}


_WITH = "with "


def with_picture(message_id: str) -> str:
    """Return what stands among a progress's asks for a picture that may be of one work with it."""
    return f"{_WITH}{message_id}"


def decided(works: Works) -> Iterator[tuple[str, str]]:
    """Yield each picture that has one possible owner, with it."""
    for group, _ in groups(works):
        for picture in filter(works.pictures.__contains__, group):
            possible = [ask for ask in sorted(group[picture]) if _fits(group, picture, ask)]
            if len(possible) == 1:
                yield picture, possible[0]


def hopeless(works: Works) -> Iterator[frozenset[str]]:
    """Yield the asks of each group about which nothing more can be learnt.

    Such a group has at least as many pictures as asks, and what has begun brings no more pictures.
    With more pictures than asks, one picture is of somebody who was never heard. If every picture
    may belong to an unsure ask, count only as many of those as the pictures need. Call it when
    nothing is decided.
    """
    for group, asks in groups(works):
        begun = {
            one: frozenset(filter(_is_picture, owners))
            for one, owners in group.items()
            if one in works.begun
        }
        pictures = [one for one in group if one in works.pictures]
        is_unsure = all(group[one] & works.unsure for one in pictures)
        enough = 1 + len(asks - works.unsure) if is_unsure else len(asks)
        if pictures and len(pictures) >= enough and _all_placed(begun):
            yield asks


def _is_picture(ask: str) -> bool:
    return ask.startswith(_WITH)


def groups(works: Works) -> Iterator[tuple[Owners, frozenset[str]]]:
    """Yield what hangs together: works that share asks, or may be one; and all their asks."""
    owners = works.owners
    together = {one: asks | {with_picture(one)} for one, asks in works.pictures.items()}
    for group, found in _joined({**together, **works.begun}):
        asks = frozenset(one for one in found if not _is_picture(one))
        yield {one: owners[one] for one in group}, asks


def _joined(owners: Owners) -> Iterator[tuple[Owners, frozenset[str]]]:
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
    """Tell whether every other work can have an owner of its own when this picture is the ask's."""
    return _all_placed({one: asks - {ask} for one, asks in owners.items() if one != picture})


def _all_placed(owners: Owners) -> bool:
    """Tell whether every work can have an owner of its own."""
    owner_of: dict[str, str] = {}
    return all(_place(one, owners, owner_of, set()) for one in owners)


def _place(work: str, owners: Owners, owner_of: dict[str, str], tried: set[str]) -> bool:
    """Give a work an owner, moving others if that helps: an augmenting path."""
    for ask in owners[work] - tried:
        tried.add(ask)
        moved = next((one for one, owner in owner_of.items() if owner == ask), None)
        if moved is None or _place(moved, owners, owner_of, tried):
            owner_of[work] = ask
            return True
    return False
