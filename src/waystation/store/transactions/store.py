"""StoreByTransactions: `ports.Store` by transactions on the doors of a database.

How it works: each method is one transaction, run by one of three doors. One writes. Near reads are
point reads; far ones grow with the data and hold up no near one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from waystation.callbacks import Attempt, Callback
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
from waystation.store.transactions import accounts, audit, inputs, keys, outbox, slots, upkeep
from waystation.store.transactions import reads as point
from waystation.store.transactions.commands import StoreCommands
from waystation.store.transactions.commit import SEEN_AGE, commit
from waystation.store.transactions.copies import StoreCopies
from waystation.store.transactions.database import Database, Query, Reading, Writing
from waystation.store.transactions.deliveries import StoreDeliveries
from waystation.store.transactions.feeds import JobOf, StoreFeeds
from waystation.store.transactions.lately import StoreIdentifies, StoreTallies
from waystation.store.transactions.media import StoreMediaKeys
from waystation.store.transactions.nodes import StoreNodes
from waystation.store.transactions.queue import StoreQueue
from waystation.store.transactions.quotas import StoreQuotas
from waystation.store.transactions.search import StoreSearch
from waystation.store.transactions.sharing import StoreSharing

__all__ = ["StoreByTransactions", "run"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class StoreByTransactions:
    """Durable state, whichever the database. Used from one event loop."""

    def __init__(
        self,
        clock: Clock,
        ghost_age: timedelta,
        *,
        writer: Writing,
        urgent: Writing | None = None,
        near: Reading,
        far: Reading,
        search: Reading,
        job_of: JobOf = point.job,
    ) -> None:
        """Keep the doors.

        Args:
            ghost_age: how long a ghost stays a matching candidate (R19)
            urgent: the door of leases, which wait for nobody else's writes; None: `writer`
            job_of: how the feed reads its jobs
        """
        self._clock = clock
        self._ghost_age = ghost_age
        self._writer = writer
        self._near = near
        self._far = far
        self.copies = StoreCopies(writer, near, far)
        self.deliveries = StoreDeliveries(writer, near, far)
        self.identifies = StoreIdentifies(writer, near)
        self.tallies = StoreTallies(writer, near, clock)
        self.feeds = StoreFeeds(near, job_of)
        self.nodes = StoreNodes(writer, near, clock, urgent)
        self.commands = StoreCommands(writer, near, clock)
        self.media_keys = StoreMediaKeys(writer, near)
        self.queue = StoreQueue(writer, near, far)
        self.search = StoreSearch(writer, search)
        self.quotas = StoreQuotas(writer, near, clock)
        self.sharing = StoreSharing(writer, near, clock)

    # ── users ──

    async def add_user(self, email: str, token_hash: bytes, at: datetime) -> User:
        return await self._write(audit.add_user, email, token_hash, at, self._clock.wall())

    async def change_user(self, user_id: int, changes: UserChanges) -> None:
        await self._write(audit.change_user, user_id, changes, self._clock.wall())

    async def get_user(self, user_id: int) -> User | None:
        row = await self._one("user_by_id", {"user_id": user_id})
        return None if row is None else user_of(row)

    async def list_users(self) -> Sequence[User]:
        return [user_of(row) for row in await self._all("all_users")]

    # ── accounts ──

    async def account_id_of(self, user_id: int, discord_user_id: str, channel: str) -> str | None:
        return await self._write(accounts.account_id_of, user_id, discord_user_id, channel)

    async def put_account(self, setup: AccountSetup) -> bool:
        return await self._write(audit.put, setup, self._clock.wall())

    async def get_account(self, account_id: str) -> Account | None:
        row = await self._one("account_by_id", {"account_id": account_id})
        return None if row is None else ACCOUNTS.read(row)

    async def list_accounts(self, user_id: int | None = None) -> Sequence[Account]:
        if user_id is None:
            return [ACCOUNTS.read(row) for row in await self._all("all_accounts")]
        rows = await self._near.run(Query("accounts_of_user", {"user_id": user_id}))
        return [ACCOUNTS.read(row) for row in rows]

    async def busy_accounts(self) -> Set[str]:
        return {account_id for (account_id,) in await self._all("busy_accounts")}

    async def reset_account(self, account_id: str, at: datetime, seen: str | None = None) -> None:
        await self._write(audit.reset, account_id, at, seen, self._clock.wall())

    async def remove_account(self, account_id: str, at: datetime) -> None:
        await self._write(audit.remove, account_id, at, self._clock.wall())

    async def keep_account(self, account_id: str) -> None:
        await self._write(audit.keep, account_id, self._clock.wall())

    async def erase_account(self, account_id: str) -> None:
        await self._write(audit.erase, account_id, self._clock.wall())

    async def load_session(self, account_id: str) -> bytes | None:
        row = await self._one("session", {"account_id": account_id})
        return None if row is None else bytes(row[0])

    # ── jobs ──

    async def add_job(self, draft: JobDraft, at: datetime) -> Job | NoJob:
        return await self._write(slots.add_job, draft, at)

    async def key_holder(self, user_id: int, key: RequestKey, at: datetime) -> KeyTaken | None:
        values = keys.values_of(user_id, key, at)
        return await self._near.run(lambda reads: keys.holder(reads, values))

    async def begin_inputs(
        self, user_id: int, given: JobInputs, at: datetime, most_bytes: int
    ) -> bool:
        return await self._write(inputs.begin, user_id, given, at, most_bytes)

    async def add_input_part(self, input_id: str, number: int, sealed: bytes) -> None:
        await self._write(inputs.add_part, input_id, number, sealed)

    async def drop_inputs(self, input_id: str) -> None:
        await self._write(inputs.drop, input_id)

    async def inputs_of(self, jobid: str) -> JobInputs | None:
        return await self._far.run(lambda reads: inputs.of_job(reads, jobid))

    async def input_part(self, input_id: str, number: int) -> bytes | None:
        return await self._far.run(lambda reads: inputs.part(reads, input_id, number))

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        row = await self._one("job", {"jobid": jobid})
        job = None if row is None else JOBS.read(row)
        return job if job is None or user_id in (None, job.user_id) else None

    async def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        job = await self.get_job(jobid, user_id)
        if job is None:
            return None
        # read after the job: it can hold a press that came since
        rows = await self._near.run(Query("children", {"jobid": jobid}))
        return job, [Child(*each) for each in rows]

    async def running_jobs(self, user_id: int) -> Sequence[JobId]:
        named: Values = {"user_id": user_id}
        rows = await self._near.run(Query("running_jobs", named))
        return [jobid for (jobid,) in rows]

    async def last_completed(self, account_id: str, verbs: Sequence[str]) -> Job | None:
        named = json.dumps(list(verbs))
        rows = await self._all("last_completed", {"account_id": account_id, "verbs": named})
        return JOBS.read(rows[0]) if rows else None

    async def last_shown(self, message_id: str) -> Job | None:
        row = await self._one("last_shown", {"message_id": message_id})
        return None if row is None else JOBS.read(row)

    async def failings(self, account_id: str, at: datetime) -> int:
        return await self._near.run(lambda reads: point.failings(reads, account_id, at))

    async def in_flight_jobs(self, account_id: str) -> Sequence[Job]:
        ghosts_after = micros(self._clock.now() - self._ghost_age)
        rows = await self._all(
            "in_flight_jobs", {"account_id": account_id, "ghosts_after": ghosts_after}
        )
        return [JOBS.read(row) for row in rows]

    async def holding_jobs(self, account_id: str) -> Sequence[Job]:
        rows = await self._near.run(Query("holding_jobs", {"account_id": account_id}))
        return [JOBS.read(row) for row in rows]

    async def slot_jobs(self, user_id: int) -> Sequence[Job]:
        rows = await self._near.run(Query("slot_jobs", {"user_id": user_id}))
        return [JOBS.read(row) for row in rows]

    async def seen_messages(self, account_id: str) -> Sequence[Seen]:
        after = micros(self._clock.now() - SEEN_AGE)
        rows = await self._all("seen_messages", {"account_id": account_id, "after": after})
        return [Seen(kind, id_, bytes(body)) for kind, id_, body in rows]

    async def orphaned_jobs(self) -> Sequence[Job]:
        rows = await self._all("orphaned_jobs", {"clock": micros(self._clock.now())})
        return [JOBS.read(row) for row in rows]

    async def jobs_after(self, jobid: str, limit: int, user_id: int | None = None) -> Sequence[Job]:
        rows = await self._all("jobs_after", {"after": jobid, "limit": limit, "user_id": user_id})
        return [JOBS.read(row) for row in rows]

    async def events_after(self, jobid: str, number: int = 0) -> Sequence[tuple[int, JobEvent]]:
        values: Values = {"jobid": jobid, "number": number}
        rows = await self._near.run(Query("events_after", values))
        return [(numbered, event_of(kind, body)) for numbered, kind, body in rows]

    async def commit(self, step: Commit) -> Sequence[Callback] | None:
        return await self._write(commit, step)

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
        named: Values = {"jobid": jobid}
        rows = await self._near.run(Query("callbacks_of_job", named))
        return [CALLBACKS.read(row) for row in rows]

    async def claim_mails(self, at: datetime, until: datetime, limit: int) -> Sequence[Mail]:
        return await self._write(outbox.claim_mails, at, until, limit)

    async def record_mail(
        self, mail: Mail, sent: bool, at: datetime, next_at: datetime | None
    ) -> None:
        await self._write(outbox.record_mail, mail, sent, next_at)

    async def next_due(self) -> datetime | None:
        row = await self._one("next_due")
        return None if row is None or row[0] is None else instant(row[0])

    # ── upkeep ──

    async def unrecognised(self, limit: int = 100) -> Sequence[Unrecognised]:
        rows = await self._all("newest_unrecognised", {"limit": limit})
        return [Unrecognised(message_id, payload) for message_id, payload in rows]

    async def release_slots(self) -> None:
        await self._write(run, "release_slots", {"at": micros(self._clock.now())})

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
        rows = await self._all(name, {"user_id": user_id, "limit": limit})
        return [AUDIT.read(row) for row in rows]

    async def counts(self) -> Counts:
        return await self._far.run(upkeep.counts)

    async def foreign_commits(self) -> int:
        return await self._write(upkeep.foreign_commits)

    async def ping(self, *, write: bool = True) -> None:
        await self._write(upkeep.ping, self._clock.now(), write)

    # ── beside the port ──

    async def bound_waits(
        self, at: datetime, callbacks_s: Sequence[float], mails_s: Sequence[float]
    ) -> None:
        """Let no callback or mail wait longer than it would have at first (R28).

        Args: seconds that are waited at most after no try, one, two and so on; the last one repeats
        """
        await self._write(outbox.bound_waits, at, callbacks_s, mails_s)

    async def load_clock(self) -> str | None:
        """Return how the service's own time runs, as an earlier process has left it (R28)."""
        row = await self._one("meta", {"name": "clock"})
        return None if row is None else str(row[0])

    async def save_clock(self, kept: str) -> None:
        """Keep how the service's own time runs, for the next process."""
        await self._write(run, "put_meta", {"name": "clock", "value": kept})

    async def has_sealed_rows(self) -> bool:
        """True when any row can be used only with the vault's present keys; users' hashes count."""
        row = await self._one("sealed_rows")
        return bool(row and row[0])

    def publish_keys(self, names: Sequence[str]) -> None:
        """Let each node that begins tell the names of its vault's keys (R45)."""
        self.nodes.keys = tuple(names)

    # ── inside ──

    async def _write(
        self,
        transaction: Callable[Concatenate[Database, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        return await self._writer.run(lambda database: transaction(database, *args, **kwargs))

    async def _one(self, name: str, values: Values | None = None) -> Row | None:
        rows = await self._near.run(Query(name, values))
        return rows[0] if rows else None

    async def _all(self, name: str, values: Values | None = None) -> list[Row]:
        return await self._far.run(Query(name, values))


def run(database: Database, name: str, values: Values) -> None:
    """Run one statement as a transaction."""
    database.run(name, values)
