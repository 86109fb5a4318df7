"""Upkeep of a database: rows that are too old go, and totals are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from waystation.ports.records import AuditEntry, Counts, Unrecognised

__all__ = ["Upkeep"]


class Upkeep(Protocol):
    """Looking after the database."""

    async def unrecognised(self, limit: int = 100) -> Sequence[Unrecognised]:
        """Return kept bot messages, newest first."""
        ...

    async def release_slots(self) -> None:
        """Give back the slots of ghosts whose account is gone and whose time is over (R31)."""
        ...

    async def purge(self, jobs_before: datetime, unrecognised_before: datetime, limit: int) -> int:
        """Delete final jobs older than that, without open callbacks; return how many (R40)."""
        ...

    async def audit(self, user_id: int | None, limit: int) -> Sequence[AuditEntry]:
        """Return the newest changes of users, tokens and accounts, newest first; of all when None.

        Each was written in the transaction of its change, and is kept for 400 days.
        """
        ...

    async def counts(self) -> Counts:
        """Return totals for metrics."""
        ...

    async def foreign_commits(self) -> int:
        """Return a number that differs from the last one if another process wrote in between."""
        ...

    async def ping(self, *, write: bool = True) -> None:
        """Make sure that a write can be made, by making one unless told otherwise.

        Raises: StoreError
        """
        ...

    async def close(self) -> None:
        """Finish queued writes and close."""
        ...
