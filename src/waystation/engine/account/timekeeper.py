"""Timekeeper and Follower: the service's own time from one process to the next (R28).

How it works: a machine can be started with a wrong wall clock, and later again with a right one, or
one as wrong. The newest moment that was written down is a floor for the next start, and how far the
own time was from Discord's is one of two ways to go on from there; the clock chooses.

Several nodes share one database. What one of them writes down to wait for, another reads, and their
machines may be minutes apart: all of them go by the database's clock (ADR 35).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from waystation.errors import StoreError

__all__ = ["FOLLOW_S", "Follower", "Timekeeper"]

log = structlog.get_logger("waystation.timekeeper")

_EVERY_S: Final = 60.0

FOLLOW_S: Final = 30.0
"""Time between two looks at the database's clock."""

_QUICK_S: Final = 1.0
"""An answer that took longer tells too little of when the database gave it."""

_NOTED: Final = timedelta(seconds=1)
"""A step that a person should know of: somebody has set a clock."""


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
        except Exception:
            # one of the engine's loops: it records what happened and goes on
            log.exception("timekeeper.not_kept")


class _Following(Protocol):
    """A clock that goes by another one."""

    def follow(self, moment: datetime) -> timedelta:
        """Go on from a moment, and return how far that is from where it was."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...


class _Shared(Protocol):
    """Database whose clock nodes share."""

    async def shared_time(self) -> datetime | None:
        """Return it; None: there is none. Raises: StoreError."""
        ...


class Follower:
    """Keeps a node's time at the database's until cancelled."""

    def __init__(self, store: _Shared, clock: _Following) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Follow every half minute."""
        while True:
            await self._clock.sleep(FOLLOW_S)
            await self.follow()

    async def follow(self) -> None:
        """Follow once; without an answer the node's time runs on evenly."""
        asked_s = self._clock.monotonic()
        try:
            moment = await self._store.shared_time()
        except StoreError as error:
            log.warning("timekeeper.not_followed", reason=error.message)
            return
        except Exception:
            # one of the engine's loops: it records what happened and goes on
            log.exception("timekeeper.not_followed")
            return
        if moment is None or self._clock.monotonic() - asked_s > _QUICK_S:
            return
        step = self._clock.follow(moment)
        if abs(step) > _NOTED:
            log.warning("timekeeper.stepped", by_s=round(step.total_seconds(), 1))
