"""The real clock and the real source of ids: the only toucher of time and randomness.

The vault alone takes its own random bytes: sealing must never depend on what a test injects.

How the clock works: the machine's wall clock can be set at any moment, so nothing waits by it. What
waits goes by the service's own time. It starts as what the wall clock says, and goes on with the
seconds since the machine was started, which nobody sets and which count suspend. The next process
after the same start of the machine goes on where this one was, whatever the wall clock says by
then (R28).

After another start of the machine only the wall clock tells how long it was off, and nothing tells
at once whether that clock is right, or as wrong as at the last start. So two distances are kept:
the own time's from Discord's, and from the wall clock of the last start. Each gives a moment to
go on from. The earlier one counts, but none before the newest moment that was written down.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from waystation.jobs import Nonce
from waystation.wire.snowflake import snowflake_at

__all__ = ["SystemClock", "SystemIds"]

_Item = TypeVar("_Item")

_INCREMENT_BITS = 22
"""Bits of a snowflake below its milliseconds. Source: Discord API reference, heading Snowflakes."""

_LOOK_AGAIN_S: Final = 30.0
"""Longest single sleep: the loop's timers stand still while the machine is suspended."""

_NEAR: Final = timedelta(minutes=5)
"""Largest step back from the newest moment that a slow hardware clock explains."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Names one start of the machine. Source: Linux, Documentation/admin-guide/sysctl/kernel.rst."""


def _boot_seconds() -> float:
    """Return seconds that never go back and count suspend, where the system has them."""
    which = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(which)


def _wall() -> datetime:
    return datetime.now(UTC)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


class SystemClock:
    """`ports.Clock` on the machine's clocks. Args: what they are read with, and this boot's name"""

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        seconds: Callable[[], float] = _boot_seconds,
        boot_id: str | None = None,
    ) -> None:
        self.wall = wall
        self.monotonic = seconds
        self._boot_id = _boot_id() if boot_id is None else boot_id
        self._zero = wall() - timedelta(seconds=seconds())
        """The service's own time at the machine's start."""
        self._behind = timedelta()
        """Distance from the service's own time to Discord's; positive: it is behind."""
        self._below = timedelta()
        """Distance to the wall clock when the machine was started; positive: it was behind."""

    def now(self) -> datetime:
        """Return the aware UTC instant of the service's own time."""
        return self._zero + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once when not positive."""
        end = self.monotonic() + seconds
        left_s = max(0.0, seconds)
        while True:
            await asyncio.sleep(min(left_s, _LOOK_AGAIN_S))
            left_s = end - self.monotonic()
            if left_s <= 0:
                return

    def go_on(self, kept: str | None) -> None:
        """Go on with the time of an earlier process.

        Args: kept: what that process made by `kept` last
        """
        wall = self.wall()
        try:
            boot_id, zero_text, *rest = json.loads(kept or "null")
            zero = datetime.fromisoformat(zero_text).astimezone(UTC)
            newest_text, *spans = rest or (zero_text,)
            newest = datetime.fromisoformat(newest_text).astimezone(UTC)
            # earlier versions kept fewer
            behind, below, *_ = (*(timedelta(seconds=one) for one in spans), *[timedelta()] * 2)
            # the wall clock is right, or as wrong as it was
            possible = [one for one in (wall - behind, wall - below) if one >= newest - _NEAR]
            now = max(min(possible, default=newest), newest)
        except (TypeError, ValueError, OverflowError):
            # nothing kept, or by another version: the wall clock is as good as anything
            return
        self._behind = behind
        if boot_id and boot_id == self._boot_id:
            self._zero, self._below = zero, below
        else:
            self._zero, self._below = now - timedelta(seconds=self.monotonic()), wall - now

    def follow(self, moment: datetime) -> timedelta:
        """Let the service's own time be that of a database which several nodes share.

        What one node writes down to wait for, another reads: their wall clocks may be minutes
        apart. So the machine's wall clock counts no more, either: the day of a quota and the end of
        a link are the same on each node.

        Args: moment: what the database's clock says now
        Returns: how far that is from where the own time was
        """
        step = moment - self.now()
        self._zero += step
        self.wall = self.now
        return step

    def kept(self, behind: timedelta | None) -> str:
        """Return what the next process must be given to go on.

        Args: behind: how far `now` is behind Discord's time; None while that is not known
        """
        if behind is not None:
            self._behind = behind
        spans = [one.total_seconds() for one in (self._behind, self._below)]
        return json.dumps([self._boot_id, self._zero.isoformat(), self.now().isoformat(), *spans])


class SystemIds:
    """`ports.IdSource` on the operating system's randomness."""

    def __init__(self) -> None:
        self._chance = secrets.SystemRandom()
        self._last_nonce = 0

    def nonce(self, now: datetime) -> Nonce:
        """Return a nonce larger than every one before, also when the clock is set back."""
        fresh = int(snowflake_at(now, secrets.randbits(_INCREMENT_BITS)))
        self._last_nonce = max(fresh, self._last_nonce + 1)
        return Nonce(str(self._last_nonce))

    def token(self, size_bytes: int = 32) -> str:
        """Return URL-safe random text from `size_bytes` random bytes."""
        return secrets.token_urlsafe(size_bytes)

    def below(self, limit: int) -> int:
        """Return a whole number in 0 ≤ x < limit."""
        return self._chance.randrange(limit)

    def fraction(self) -> float:
        """Return a number in 0 ≤ x < 1."""
        return self._chance.random()
