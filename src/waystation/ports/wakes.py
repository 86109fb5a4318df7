"""Wakes: news between nodes that there is something to read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

__all__ = ["Heard", "Wakes"]


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
    def silent_since(self) -> datetime | None:
        """Since when nothing can be heard; None while it can."""
        ...

    async def run(self, heard: Heard) -> None:
        """Hear and tell until cancelled."""
        ...
