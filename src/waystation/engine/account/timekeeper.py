"""Timekeeper: writes down how the service's own time runs, for the next process (R28).

How it works: a machine can be started with a wrong wall clock, and later again with a right one, or
one as wrong. The newest moment that was written down is a floor for the next start, and how far the
own time was from Discord's is one of two ways to go on from there; the clock chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

import structlog

from waystation.errors import StoreError

__all__ = ["Timekeeper"]

log = structlog.get_logger("waystation.timekeeper")

_EVERY_S: Final = 60.0


class _Clock(Protocol):
    """A clock whose time another process can go on with."""

    def kept(self, behind: timedelta | None) -> str:
        """Return what the next process must be given."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class _Store(Protocol):
    """Where it is kept."""

    async def save_clock(self, kept: str) -> None:
        """Keep it. Raises: StoreError."""
        ...


class Timekeeper:
    """Keeps the time until cancelled.

    Args: behind: how far the service's own time is behind Discord's; None while not known
    """

    def __init__(
        self, store: _Store, clock: _Clock, behind: Callable[[], timedelta | None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._behind = behind

    async def run(self) -> None:
        """Keep it each minute."""
        while True:
            await self._clock.sleep(_EVERY_S)
            await self.keep()

    async def keep(self) -> None:
        """Keep it once; what cannot be written now is written the next time."""
        try:
            await self._store.save_clock(self._clock.kept(self._behind()))
        except StoreError as error:
            log.warning("timekeeper.not_kept", reason=error.message)
