"""Time and chance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from waystation.jobs import Nonce

__all__ = ["Clock", "IdSource", "wall_ahead"]


class Clock(Protocol):
    """The only source of time. `now` and `monotonic` run evenly, whoever sets the clock (R28)."""

    def now(self) -> datetime:
        """Return the aware UTC instant of the service's own time: for whatever waits.

        Deadlines, retries, leases and everything that is stored to be compared with it later.
        """
        ...

    def wall(self) -> datetime:
        """Return the aware UTC instant that the machine's clock shows, which may jump.

        Only for what people and other programs read or have written.
        """
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back and count suspend."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once when not positive."""
        ...


def wall_ahead(clock: Clock) -> timedelta:
    """Return how far the machine's clock is ahead of the service's own time now.

    An instant of that time and this are what people's clocks show (R28).
    """
    return clock.wall() - clock.now()


class IdSource(Protocol):
    """The only source of randomness."""

    def nonce(self, now: datetime) -> Nonce:
        """Return a decimal nonce, snowflake-like, unique in this process."""
        ...

    def token(self, size_bytes: int = 32) -> str:
        """Return URL-safe random text from `size_bytes` random bytes."""
        ...

    def below(self, limit: int) -> int:
        """Return a whole number in 0 ≤ x < limit."""
        ...

    def fraction(self) -> float:
        """Return a number in 0 ≤ x < 1."""
        ...
