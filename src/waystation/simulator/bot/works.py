"""Works: what the bot has made, by job uuid, so that a button of any age can go on from it.

A work holds how its pictures come about (a canvas), not the pictures themselves.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

from waystation.simulator.drawing import Canvas

__all__ = ["Medium", "Work", "Works"]


class Medium(Enum):
    """The parts of a work; they decide picture sizes and buttons."""

    GRID = "grid"
    """Four pictures."""
    SINGLE = "single"
    UPSCALED = "upscaled"
    VIDEO = "video"
    """Four clips."""
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class Work:
    """One result, finished or on its way."""

    uuid: str
    owner: str
    """Id of the user who asked for it."""
    medium: Medium
    canvas: Canvas
    prompt: str
    """As it stands in the message, parameters included."""
    version: str
    """A row of `buttons.MODELS`."""
    seed: int
    tile: int = 1
    """The number among its parent's four, if the picture is one of them."""
    parent: str | None = None
    """Uuid of the work whose button made it."""
    remixes: bool = True
    """True when its buttons open forms in remix mode."""
    content: str = ""
    """The text of its message, once there is one."""


class Works:
    """The works that can still be looked up; the oldest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._works: OrderedDict[str, Work] = OrderedDict()
        self._taken: set[tuple[str, int, str]] = set()

    def add(self, work: Work) -> None:
        """Keep a finished work."""
        self._works[work.uuid] = work
        if work.parent is not None and work.medium is Medium.SINGLE:
            self._taken.add((work.parent, work.tile, work.owner))
        if len(self._works) > self._limit:
            self._works.popitem(last=False)

    def find(self, uuid: str) -> Work | None:
        """Return a finished work."""
        return self._works.get(uuid)

    def is_taken(self, uuid: str, tile: int, owner: str) -> bool:
        """Tell whether this user picked this tile of a grid before."""
        return (uuid, tile, owner) in self._taken

    def clear(self) -> None:
        """Forget all works."""
        self._works.clear()
        self._taken.clear()
