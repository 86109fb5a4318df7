"""SqliteStore: `ports.Store` on one SQLite file.

How it works: three connections. All writes go through the writer's thread, which commits them in
groups. Point reads run right here, in the event loop's thread, on a connection of their own: one
costs microseconds, less than handing it to a thread would, and in a write-ahead log a reader never
waits for the writer. Reads whose size grows with the data run on a third connection in a thread.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from waystation.callbacks import Attempt, Callback
from waystation.errors import StoreError
from waystation.gateway_events import Seen
from waystation.jobs import Child, Job, JobEvent, JobId
from waystation.ports import (
    Account,
    AccountSetup,
    AuditEntry,
    Clock,
    Commit,
    Counts,
    JobDraft,
    JobInputs,
    KeyTaken,
    Mail,
    NoJob,
    RequestKey,
    Unrecognised,
    User,
    UserChanges,
)
from waystation.store.columns import Row, Values, instant, micros
from waystation.store.rows import ACCOUNTS, AUDIT, CALLBACKS, JOBS, event_of, user_of
from waystation.store.sqlite import accounts, audit, inputs, keys, outbox, slots, upkeep
from waystation.store.sqlite.backup import UPGRADED
from waystation.store.sqlite.commit import SEEN_AGE, commit
from waystation.store.sqlite.connections import Connections, open_connections
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.deliveries import StoreDeliveries
from waystation.store.sqlite.feeds import StoreFeeds
from waystation.store.sqlite.glance import StoreGlance
from waystation.store.sqlite.migrate import schema_number
from waystation.store.sqlite.queue import StoreQueue
from waystation.store.sqlite.quotas import StoreQuotas
from waystation.store.sqlite.reader import Reader
from waystation.store.sqlite.search import StoreSearch
from waystation.store.sqlite.serving import serving
from waystation.store.sqlite.sharing import StoreSharing
from waystation.store.sqlite.writer import Writer, store_error

__all__ = ["SqliteStore"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class SqliteStore:
    """Durable state in one file. Made by `open`; used from one event loop."""

    def __init__(
        self, path: Path, clock: Clock, connections: Connections, ghost_age: timedelta
    ) -> None:
        self.path = path
        self._clock = clock
        self._connections = connections
        self._ghost_age = ghost_age
        self._writer = Writer(connections.writer)
        self._near = Reader(connections.near)
        self._far_thread = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self.glance = StoreGlance(self._near)
        self.deliveries = StoreDeliveries(self._writer, self._near, self._in_far_thread)
        self.feeds = StoreFeeds(self._near, self.glance)
        self.queue = StoreQueue(self._writer, self._near, self._in_far_thread)
        self.search = StoreSearch(self._writer, connections.search)
        self.quotas = StoreQuotas(self._writer, self._near, clock)
        self.sharing = StoreSharing(self._writer, self._near, clock)
        self._lock_file: int | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path, clock: Clock, *, ghost_age: timedelta) -> SqliteStore:
        """Open the database, made or migrated as needed; backups go to `backups/` beside it.

        Args: ghost_age: how long a ghost stays a matching candidate (R19)
        Raises: SchemaMismatch: a newer version made it; StoreError: it cannot be used
        """
        connections = await asyncio.to_thread(open_connections, path, clock)
        return cls(path, clock, connections, ghost_age)

    # ── users ──

    async def add_user(self, email: str, token_hash: bytes, at: datetime) -> User:
        return await self._write(audit.add_user, email, token_hash, at, self._clock.wall())

    async def change_user(self, user_id: int, changes: UserChanges) -> None:
        await self._write(audit.change_user, user_id, changes, self._clock.wall())

    async def get_user(self, user_id: int) -> User | None:
        return self.glance.user(user_id)

    async def list_users(self) -> Sequence[User]:
        return [user_of(row) for row in await self._far("all_users")]

    # ── accounts ──

    async def account_id_of(self, user_id: int, discord_user_id: str, channel: str) -> str | None:
        return await self._write(accounts.account_id_of, user_id, discord_user_id, channel)

    async def put_account(self, setup: AccountSetup) -> bool:
        return await self._write(audit.put, setup, self._clock.wall())

    async def get_account(self, account_id: str) -> Account | None:
        row = self._near.one("account_by_id", {"account_id": account_id})
        return None if row is None else ACCOUNTS.read(row)

    async def list_accounts(self, user_id: int | None = None) -> Sequence[Account]:
        if user_id is None:
            return [ACCOUNTS.read(row) for row in await self._far("all_accounts")]
        return self.glance.accounts(user_id)

    async def reset_account(self, account_id: str, at: datetime, seen: str | None = None) -> None:
        await self._write(audit.reset, account_id, at, seen, self._clock.wall())

    async def remove_account(self, account_id: str, at: datetime) -> None:
        await self._write(audit.remove, account_id, at, self._clock.wall())

    async def keep_account(self, account_id: str) -> None:
        await self._write(audit.keep, account_id, self._clock.wall())

    async def erase_account(self, account_id: str) -> None:
        await self._write(audit.erase, account_id, self._clock.wall())

    async def claim_account(
        self, account_id: str, holder: str, at: datetime, until: datetime
    ) -> int:
        return await self._write(accounts.claim, account_id, holder, at, until)

    async def release_account(self, account_id: str, holder: str) -> None:
        await self._write(accounts.release, account_id, holder)

    async def load_session(self, account_id: str) -> bytes | None:
        row = self._near.one("session", {"account_id": account_id})
        return None if row is None else bytes(row[0])

    # ── jobs ──

    async def add_job(self, draft: JobDraft, at: datetime) -> Job | NoJob:
        return await self._write(slots.add_job, draft, at)

    async def key_holder(self, user_id: int, key: RequestKey, at: datetime) -> KeyTaken | None:
        return keys.holder(self._near, keys.values_of(user_id, key, at))

    async def begin_inputs(
        self, user_id: int, given: JobInputs, at: datetime, most_bytes: int
    ) -> bool:
        return await self._write(inputs.begin, user_id, given, at, most_bytes)

    async def add_input_part(self, input_id: str, number: int, sealed: bytes) -> None:
        await self._write(inputs.add_part, input_id, number, sealed)

    async def drop_inputs(self, input_id: str) -> None:
        await self._write(inputs.drop, input_id)

    async def inputs_of(self, jobid: str) -> JobInputs | None:
        return await self._in_far_thread(lambda database: inputs.of_job(database, jobid))

    async def input_part(self, input_id: str, number: int) -> bytes | None:
        return await self._in_far_thread(lambda database: inputs.part(database, input_id, number))

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        return self.glance.job(jobid, user_id)

    async def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        return self.glance.family(jobid, user_id)

    async def running_jobs(self, user_id: int) -> Sequence[JobId]:
        return [jobid for (jobid,) in self._near.all("running_jobs", {"user_id": user_id})]

    async def last_completed(self, account_id: str, verbs: Sequence[str]) -> Job | None:
        named = json.dumps(list(verbs))
        rows = await self._far("last_completed", {"account_id": account_id, "verbs": named})
        return JOBS.read(rows[0]) if rows else None

    async def last_shown(self, message_id: str) -> Job | None:
        row = self._near.one("last_shown", {"message_id": message_id})
        return None if row is None else JOBS.read(row)

    async def failings(self, account_id: str, at: datetime) -> int:
        return self.glance.failings(account_id, at)

    async def in_flight_jobs(self, account_id: str) -> Sequence[Job]:
        ghosts_after = micros(self._clock.now() - self._ghost_age)
        rows = await self._far(
            "in_flight_jobs", {"account_id": account_id, "ghosts_after": ghosts_after}
        )
        return [JOBS.read(row) for row in rows]

    async def seen_messages(self, account_id: str) -> Sequence[Seen]:
        after = micros(self._clock.now() - SEEN_AGE)
        rows = await self._far("seen_messages", {"account_id": account_id, "after": after})
        return [Seen(kind, id_, bytes(body)) for kind, id_, body in rows]

    async def orphaned_jobs(self) -> Sequence[Job]:
        rows = await self._far("orphaned_jobs", {"now": micros(self._clock.now())})
        return [JOBS.read(row) for row in rows]

    async def jobs_after(self, jobid: str, limit: int, user_id: int | None = None) -> Sequence[Job]:
        rows = await self._far("jobs_after", {"after": jobid, "limit": limit, "user_id": user_id})
        return [JOBS.read(row) for row in rows]

    async def events_after(self, jobid: str, number: int = 0) -> Sequence[tuple[int, JobEvent]]:
        rows = self._near.all("events_after", {"jobid": jobid, "number": number})
        return [(numbered, event_of(kind, body)) for numbered, kind, body in rows]

    async def commit(self, step: Commit) -> None:
        await self._write(commit, step)

    # ── callbacks and mail ──

    async def claim_callbacks(
        self, at: datetime, until: datetime, limit: int
    ) -> Sequence[Callback]:
        return await self._write(outbox.claim_callbacks, at, until, limit)

    async def record_attempt(
        self,
        callback: Callback,
        attempt: Attempt,
        at: datetime,
        next_at: datetime | None,
        patience: timedelta,
    ) -> bool:
        return await self._write(outbox.record_attempt, callback, attempt, at, next_at, patience)

    async def find_callbacks(self, jobid: str) -> Sequence[Callback]:
        return [CALLBACKS.read(row) for row in self._near.all("callbacks_of_job", {"jobid": jobid})]

    async def claim_mails(self, at: datetime, until: datetime, limit: int) -> Sequence[Mail]:
        return await self._write(outbox.claim_mails, at, until, limit)

    async def record_mail(
        self, mail: Mail, sent: bool, at: datetime, next_at: datetime | None
    ) -> None:
        await self._write(outbox.record_mail, mail, sent, next_at)

    async def next_due(self) -> datetime | None:
        row = self._near.one("next_due")
        return None if row is None or row[0] is None else instant(row[0])

    # ── upkeep ──

    async def unrecognised(self, limit: int = 100) -> Sequence[Unrecognised]:
        rows = await self._far("newest_unrecognised", {"limit": limit})
        return [Unrecognised(message_id, payload) for message_id, payload in rows]

    async def release_slots(self) -> None:
        await self._write(_run, "release_slots", {"at": micros(self._clock.now())})

    async def purge(self, jobs_before: datetime, unrecognised_before: datetime, limit: int) -> int:
        now = self._clock.now()
        return await self._write(
            upkeep.purge,
            jobs_before,
            unrecognised_before,
            now - self._ghost_age,
            now - SEEN_AGE,
            now - inputs.STAGED_AGE,
            self._clock.wall() - audit.AUDIT_AGE,
            now - keys.KEY_LIFE,
            limit,
        )

    async def audit(self, user_id: int | None, limit: int) -> Sequence[AuditEntry]:
        name = "audit_entries" if user_id is None else "audit_entries_of_user"
        rows = await self._far(name, {"user_id": user_id, "limit": limit})
        return [AUDIT.read(row) for row in rows]

    async def counts(self) -> Counts:
        return await self._in_far_thread(upkeep.counts)

    async def ping(self, *, write: bool = True) -> None:
        await self._write(upkeep.ping, self._clock.now(), write)

    async def close(self) -> None:
        """Finish queued writes and close; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._near.close()
        await self._writer.close()
        await asyncio.to_thread(self._far_thread.shutdown)
        await asyncio.to_thread(self.search.close)
        await asyncio.to_thread(self._connections.close)
        if self._lock_file is not None:
            os.close(self._lock_file)

    # ── beside the port: what only an embedded database needs ──

    async def own_accounts(self) -> None:
        """Become the one process that acts on accounts, until `close` or the process's end (R39).

        The lock is the operating system's, so a killed process lets go at once: its leases are void
        from here on and a restart need not wait for them. `users` and `doctor` need no ownership.

        Raises: Conflict: another process owns them
        """
        self._lock_file = serving(self.path)
        await self._write(accounts.void_leases)
        # nobody else can be about to give them a job
        await self._write(inputs.sweep, None)

    async def bound_waits(
        self, at: datetime, callbacks_s: Sequence[float], mails_s: Sequence[float]
    ) -> None:
        """Let no callback or mail wait longer than it would have at first (R28).

        Args: seconds that are waited at most after no try, one, two and so on; the last one repeats
        """
        await self._write(outbox.bound_waits, at, callbacks_s, mails_s)

    @property
    def schema(self) -> int:
        """The number of the newest migration applied."""
        if self._closed:
            raise StoreError("The store is closed.")
        return schema_number(self._connections.near.connection)

    @property
    def restored(self) -> bool:
        """True when the file is a backup or was migrated, so that its jobs must fail (R39)."""
        return self._near.one("meta", {"name": "restored"}) is not None

    @property
    def upgraded(self) -> bool:
        """Tell whether a migration of the file, not a backup, made it `restored`."""
        return self._near.one("meta", {"name": "restored"}) == (UPGRADED,)

    async def settle_restored(self) -> None:
        """Note that every job left open by the restore has failed."""
        await self._write(_run, "drop_meta", {"name": "restored"})

    async def load_check(self) -> bytes | None:
        """Return the vault's sealed check value (R45)."""
        row = self._near.one("meta", {"name": "vault_check"})
        return None if row is None else bytes(row[0])

    async def save_check(self, sealed: bytes) -> None:
        """Keep the vault's sealed check value."""
        await self._write(_run, "put_meta", {"name": "vault_check", "value": sealed})

    async def load_clock(self) -> str | None:
        """Return how the service's own time runs, as an earlier process has left it (R28)."""
        row = self._near.one("meta", {"name": "clock"})
        return None if row is None else str(row[0])

    async def save_clock(self, kept: str) -> None:
        """Keep how the service's own time runs, for the next process."""
        await self._write(_run, "put_meta", {"name": "clock", "value": kept})

    async def has_sealed_rows(self) -> bool:
        """True when any row can be used only with the vault's present keys; users' hashes count."""
        row = self._near.one("sealed_rows")
        return bool(row and row[0])

    # ── inside ──

    async def _write(
        self,
        transaction: Callable[Concatenate[Database, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        return await self._writer.run(lambda database: transaction(database, *args, **kwargs))

    async def _far(self, name: str, values: Values | None = None) -> list[Row]:
        return await self._in_far_thread(lambda database: database.all(name, values))

    async def _in_far_thread(self, read: Callable[[Database], _T]) -> _T:
        if self._closed:
            raise StoreError("The store is closed.")
        run = asyncio.get_running_loop().run_in_executor
        try:
            return await run(self._far_thread, read, self._connections.far)
        except apsw.Error as error:
            raise store_error(error) from error


def _run(database: Database, name: str, values: Values) -> None:
    database.run(name, values)
