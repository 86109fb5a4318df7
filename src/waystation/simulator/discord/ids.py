"""Ids, tokens and random numbers, all drawn from the seed.

Ids of people, guilds and channels depend on the seed alone. Ids of messages and interactions carry
the real time, because clients compare them with their clocks; their low bits come from the seed
and from the order of events, so a clock set by hand makes them repeatable too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from waystation.wire.snowflake import snowflake_at

__all__ = ["Ids", "Now"]

Now = Callable[[], datetime]
"""Aware UTC time; tests set it by hand."""

_BORN = datetime(2023, 1, 1, tzinfo=UTC)
_WORKER_SHIFT = 12
_COUNTER_MASK = (1 << _WORKER_SHIFT) - 1


class Ids:
    """The one source of ids and of seeded randomness."""

    def __init__(self, seed: int, now: Now) -> None:
        self.seed = seed
        self._key = f"simulator {seed}".encode()
        self._now = now
        self._worker = Random(f"{seed}:worker").getrandbits(10) << _WORKER_SHIFT
        self._count = 0
        self._last = 0

    def reseed(self, seed: int) -> None:
        """Draw everything that follows from another seed; ids already given stay."""
        self.seed = seed

    def rng(self, label: str) -> Random:
        """Return a generator of its own for one purpose, so that purposes never disturb another."""
        return Random(f"{self.seed}:{label}")

    def landmark(self, number: int) -> str:
        """Return a lasting id: the same for the same seed and number, on any day."""
        low = self.rng(f"landmark:{number}").getrandbits(22)
        return str(snowflake_at(_BORN + timedelta(hours=number), low))

    def snowflake(self) -> str:
        """Return an id of this moment, larger than every one before."""
        self._count += 1
        low = self._worker | (self._count & _COUNTER_MASK)
        self._last = max(int(snowflake_at(self._now(), low)), self._last + 1)
        return str(self._last)

    def uuid(self, label: str) -> str:
        """Return a version 4 uuid fixed by the seed and the label."""
        return str(UUID(int=self.rng(f"uuid:{label}").getrandbits(128), version=4))

    def hexadecimal(self, label: str) -> str:
        """Return 32 hexadecimal digits fixed by the seed and the label."""
        return f"{self.rng(f'hex:{label}').getrandbits(128):032x}"

    def token(self, user_id: str) -> str:
        """Return an invented token of Discord's layout. Source: wire notes 1.1."""
        head = _base64url(user_id.encode())
        stamp = _base64url(self.rng(f"stamp:{user_id}").randbytes(4))
        return f"{head}.{stamp}.{_base64url(self.mac(user_id.encode()))[:38]}"

    def mac(self, text: bytes) -> bytes:
        """Sign a text with a key that only the first seed has, so that `reseed` breaks no link."""
        return hmac.new(self._key, text, hashlib.sha256).digest()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
