"""DiscordTime: what time Discord has, as its answers tell, and how far our wall clock is off.

How it works: each HTTP answer has a Date of whole seconds. It is held against the service's own
time, which nobody sets (R28), so that it goes on being right between two answers, and a wall clock
that is set shows at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import structlog

from waystation.ports import Clock

__all__ = ["DiscordTime"]

_TOLERATED: Final = timedelta(seconds=5)
"""The date has whole seconds and the answer took a while; more than this is the clock."""

_log = structlog.get_logger(__name__)


class DiscordTime:
    """Discord's clock, seen from here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead: timedelta | None = None
        """How far Discord's time is ahead of the service's own."""
        self._told: timedelta | None = None
        """The error of our wall clock that the log knows of."""

    def heard(self, date: str | None) -> None:
        """Take the `Date` of an answer that has just come; an unreadable one says nothing."""
        try:
            theirs = parsedate_to_datetime(date or "")
        except ValueError:
            return
        theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
        self._ahead = theirs - self._clock.now()
        self._tell()

    def now(self) -> datetime:
        """Return what time Discord has; before its first answer, what time the machine shows."""
        return self._clock.wall() if self._ahead is None else self._clock.now() + self._ahead

    @property
    def ahead(self) -> timedelta | None:
        """Distance from the service's own time to Discord's; None before its first answer."""
        return self._ahead

    @property
    def error(self) -> timedelta | None:
        """How far our wall clock is ahead of Discord's; None when that is not worth a word."""
        error = self._clock.wall() - self.now()
        return error if abs(error) > _TOLERATED else None

    @property
    def warning(self) -> str | None:
        """A sentence about our wall clock, None while it agrees with Discord's."""
        error = self.error
        if error is None:
            return None
        side = "ahead of" if error > timedelta() else "behind"
        return _WARNING.format(seconds=abs(error.total_seconds()), side=side)

    def _tell(self) -> None:
        """Log an error once, and again when it has become another one."""
        error = self.error
        if error is None or (self._told is not None and abs(error - self._told) <= _TOLERATED):
            self._told = error and self._told
            return
        self._told = error
        _log.warning("clock.differs", ahead_s=round(error.total_seconds()), mend=self.warning)


_WARNING = (
    "clock: this host is {seconds:.0f} s {side} Discord. "
    "Switch on time synchronisation: timedatectl set-ntp true"
)
