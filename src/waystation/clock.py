"""The real clock and the real source of ids: the only toucher of time and randomness.

The vault alone takes its own random bytes: sealing must never depend on what a test injects.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from waystation.jobs import Nonce
from waystation.wire.snowflake import snowflake_at

__all__ = ["SystemClock", "SystemIds"]

_INCREMENT_BITS = 22
"""Bits of a snowflake below its milliseconds. Source: Discord API reference, heading Snowflakes."""


class SystemClock:
    """`ports.Clock` on the machine's clocks."""

    def now(self) -> datetime:
        """Return the aware UTC instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once when not positive."""
        await asyncio.sleep(max(0.0, seconds))


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

    def shuffled(self, items: Sequence[str]) -> list[str]:
        """Return the items in random order."""
        return self._chance.sample(items, len(items))

    def fraction(self) -> float:
        """Return a number in 0 ≤ x < 1."""
        return self._chance.random()
