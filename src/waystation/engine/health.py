"""Health: whether the database takes a write and the key opens what it sealed (R48).

Rules: anybody may ask, so one look serves all who ask meanwhile, and writes at most twice a second;
a look in between takes the database's lock for writing and writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from waystation.errors import StoreError, VaultError
from waystation.ports import Clock, Counts, Sealer, Upkeep

__all__ = ["Health", "Readiness", "longest_waits"]

_WRITES_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Readiness:
    """True when Waystation can take jobs. `sessions` counts accounts by state, without names."""

    ready: bool
    problems: Sequence[str]
    sessions: Mapping[str, int]
    warnings: Sequence[str] = ()
    """Warnings: Waystation works all the same."""


def longest_waits(
    counts: Counts,
    silent_since: datetime | None,
    now: datetime,
    unheard_since: datetime | None = None,
) -> Mapping[str, float]:
    """Return how long the oldest of what should pass has waited, in seconds; 0 for none.

    Args: silent_since: since when the gateway has told nothing of an account that is not halted;
    unheard_since: since when no news of other nodes can be heard
    """
    since = {
        "job": counts.oldest_job,
        "slot": counts.oldest_slot,
        "callback": counts.oldest_callback,
        "queued": counts.oldest_queued,
        "account": silent_since,
        "listener": unheard_since,
    }
    return {
        name: 0.0 if moment is None else max(0.0, (now - moment).total_seconds())
        for name, moment in since.items()
    }


class Health:
    """Looks at what the service cannot work without."""

    def __init__(self, store: Upkeep, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._next_write = 0.0
        """Monotonic seconds."""
        self._looking: asyncio.Task[Sequence[str]] | None = None

    async def problems(self) -> Sequence[str]:
        """Return what is broken, empty when nothing is."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> Sequence[str]:
        found = []
        now = self._clock.monotonic()
        writes = now >= self._next_write
        try:
            await self._store.ping(write=writes)
        except StoreError as error:
            found.append(f"database: {error.message}")
        try:
            sealed = self._sealer.seal("meta", "readiness", b"waystation")
            self._sealer.unseal("meta", "readiness", sealed)
        except VaultError as error:
            found.append(f"key: {error.message}")
        if writes and not found:
            self._next_write = now + _WRITES_EVERY_S
        return tuple(found)
