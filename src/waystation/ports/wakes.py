"""Wakes: news between nodes that there is something to read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Protocol

__all__ = ["Alone", "Heard", "Wakes"]


class Heard(Protocol):
    """A part of this node that other nodes wake."""

    def __call__(self, ids: Collection[str] | None) -> None:
        """Look at what was written about these; None: anything may have been written."""
        ...


class Wakes(Protocol):
    """News of other nodes. Any of it may get lost: who waits looks by itself, too."""

    def tell(self, *ids: str) -> None:
        """Let the other nodes know of what was committed, soon. Args: ids without a line break"""
        ...

    @property
    def listens(self) -> bool:
        """Tell whether this node is meant to hear news; else it looks at the rows alone."""
        ...

    @property
    def silent_since(self) -> datetime | None:
        """Since when nothing can be heard; None while it can."""
        ...

    async def run(self, heard: Heard) -> None:
        """Hear and tell until cancelled."""
        ...

    async def flush(self) -> None:
        """Return when what was told has left, or cannot leave now; `run` runs meanwhile."""
        ...


class Alone:
    """`Wakes` of a process without others: it tells nobody and misses nothing."""

    listens: Final = False
    silent_since: Final = None

    def tell(self, *ids: str) -> None:
        """Tell nobody."""

    async def run(self, heard: Heard) -> None:
        """Return: there is nothing to hear."""

    async def flush(self) -> None:
        """Return: nothing was told."""
