"""ServiceStore: the store as the service and the commands of its host open it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from waystation.ports.store import Store

__all__ = ["ServiceStore"]


class ServiceStore(Store, Protocol):
    """The store, and what belongs to the installation. Raises from all: StoreError."""

    @property
    def name(self) -> str:
        """The database in words: a file's path, or a server's address without its password."""
        ...

    @property
    def pooled(self) -> bool:
        """True when a pooler hands each transaction to a server of its choice: none can listen."""
        ...

    async def own_accounts(self) -> bool:
        """Become the process that acts on accounts, until `close` or the process's end (R39).

        Returns: False where the database is for several nodes, each with a lease (ADR 28)
        Raises: Conflict: another process owns them
        """
        ...

    async def shared_time(self) -> datetime | None:
        """Return the time that several nodes go by; None: the process has one of its own (R28)."""
        ...

    @property
    def restored(self) -> bool:
        """True when its open jobs must fail: it is a copy, or was of an early schema (R39)."""
        ...

    @property
    def upgraded(self) -> bool:
        """Tell whether a migration of the database, not a copy, made it `restored`."""
        ...

    async def settle_restored(self) -> None:
        """Note that every job left open by the restore has failed."""
        ...

    async def load_check(self) -> bytes | None:
        """Return the vault's sealed check value (R45)."""
        ...

    async def save_check(self, sealed: bytes) -> None:
        """Keep the vault's sealed check value."""
        ...

    async def first_check(self, sealed: bytes) -> bytes:
        """Keep a check value unless there is one, and return the one that stands."""
        ...

    def publish_keys(self, names: Sequence[str]) -> None:
        """Let each node that begins tell the names of its vault's keys (R45)."""
        ...

    async def has_sealed_rows(self) -> bool:
        """True when any row can be used only with the vault's present keys; users' hashes count."""
        ...

    async def load_clock(self) -> str | None:
        """Return how the service's own time runs, as an earlier process has left it (R28)."""
        ...

    async def save_clock(self, kept: str) -> None:
        """Keep how the service's own time runs, for the next process."""
        ...

    async def bound_waits(
        self, at: datetime, callbacks_s: Sequence[float], mails_s: Sequence[float]
    ) -> None:
        """Let no callback or mail wait longer than it would have at first (R28).

        Args: seconds that are waited at most after no try, one, two and so on; the last one repeats
        """
        ...
