"""SqliteStore: `ports.Store` on one SQLite file.

How it works: four connections. All writes go through the writer's thread, which commits them in
groups. Point reads run right here, in the event loop's thread, on a connection of their own: one
costs microseconds, less than handing it to a thread would, and in a write-ahead log a reader never
waits for the writer. Reads whose size grows with the data run on a third connection in a thread,
searches on a fourth.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from waystation.errors import StoreError
from waystation.jobs import Child, Job
from waystation.ports import Account, Clock, User
from waystation.store.sqlite.connections import Connections, open_connections
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.far import FarReader
from waystation.store.sqlite.glance import StoreGlance
from waystation.store.sqlite.migrate import schema_number
from waystation.store.sqlite.reader import Reader
from waystation.store.sqlite.serving import serving
from waystation.store.sqlite.writer import Writer
from waystation.store.transactions import accounts, inputs
from waystation.store.transactions.restored import UPGRADED, mark_of
from waystation.store.transactions.store import StoreByTransactions, run

__all__ = ["SqliteStore"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class SqliteStore(StoreByTransactions):
    """Durable state in one file. Made by `open`; used from one event loop."""

    def __init__(
        self, path: Path, clock: Clock, connections: Connections, ghost_age: timedelta
    ) -> None:
        self.path = path
        self.name = str(path)
        self._connections = connections
        self._commits = Writer(connections.writer)
        self._points = Reader(connections.near)
        self._scans = FarReader(connections.far, "store-reader")
        self._searches = FarReader(connections.search, "store-search")
        self.glance = StoreGlance(self._points)
        self._lock_file: int | None = None
        self._closed = False
        super().__init__(
            clock,
            ghost_age,
            writer=self._commits,
            near=self._points,
            far=self._scans,
            search=self._searches,
            job_of=lambda _, jobid, user_id: self.glance.job(jobid, user_id),
        )

    @classmethod
    async def open(cls, path: Path, clock: Clock, *, ghost_age: timedelta) -> SqliteStore:
        """Open the database, made or migrated as needed; backups go to `backups/` beside it.

        Args: ghost_age: how long a ghost stays a matching candidate (R19)
        Raises: SchemaMismatch: a newer version made it; StoreError: it cannot be used
        """
        connections = await asyncio.to_thread(open_connections, path, clock)
        return cls(path, clock, connections, ghost_age)

    async def close(self) -> None:
        """Finish queued writes and close; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._points.close()
        await self._commits.close()
        await self._scans.close()
        await self._searches.close()
        await asyncio.to_thread(self._connections.close)
        if self._lock_file is not None:
            os.close(self._lock_file)

    # ── read in the event loop's thread, and kept decoded ──

    async def get_user(self, user_id: int) -> User | None:
        return self.glance.user(user_id)

    async def list_accounts(self, user_id: int | None = None) -> Sequence[Account]:
        if user_id is None:
            return await super().list_accounts()
        return self.glance.accounts(user_id)

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        return self.glance.job(jobid, user_id)

    async def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        return self.glance.family(jobid, user_id)

    async def failings(self, account_id: str, at: datetime) -> int:
        return self.glance.failings(account_id, at)

    # ── beside the port: what only an embedded database needs ──

    @property
    def pooled(self) -> bool:
        """Return False: nothing stands between."""
        return False

    async def shared_time(self) -> None:
        """Return None: the one process has a time of its own."""

    async def own_accounts(self) -> bool:
        """Become the one process that acts on accounts, until `close` or the process's end (R39).

        The lock is the operating system's, so a killed process lets go at once: its leases are void
        from here on and a restart need not wait for them. `users` and `doctor` need no ownership.

        Raises: Conflict: another process owns them
        """
        self._lock_file = serving(self.path)
        await self._write(accounts.void_leases)
        # nobody else can be about to give them a job
        await self._write(inputs.sweep, None)
        return True

    @property
    def schema(self) -> int:
        """The number of the newest migration applied."""
        if self._closed:
            raise StoreError("The store is closed.")
        return schema_number(self._connections.near.connection)

    @property
    def restored(self) -> bool:
        """True when the file is a backup or was migrated, so that its jobs must fail (R39)."""
        return mark_of(self._points) is not None

    @property
    def upgraded(self) -> bool:
        """Tell whether a migration of the file, not a backup, made it `restored`."""
        return mark_of(self._points) == UPGRADED

    async def settle_restored(self) -> None:
        """Note that every job left open by the restore has failed."""
        await self._write(run, "drop_meta", {"name": "restored"})

    async def load_check(self) -> bytes | None:
        """Return the vault's sealed check value (R45)."""
        row = self._points.one("meta", {"name": "vault_check"})
        return None if row is None else bytes(row[0])

    async def save_check(self, sealed: bytes) -> None:
        """Keep the vault's sealed check value."""
        await self._write(run, "put_meta", {"name": "vault_check", "value": sealed})

    async def first_check(self, sealed: bytes) -> bytes:
        """Keep a check value unless there is one, and return the one that stands."""
        await self._write(run, "add_meta", {"name": "vault_check", "value": sealed})
        return await self.load_check() or sealed

    # ── inside ──

    async def _write(
        self,
        transaction: Callable[Concatenate[Database, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Run a transaction of ours, or one that only this database can run."""
        return await self._commits.run(lambda database: transaction(database, *args, **kwargs))
