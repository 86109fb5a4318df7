"""Durable state, by who needs it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from typing import Protocol

from waystation.callbacks import Attempt, Callback
from waystation.gateway_events import Seen
from waystation.jobs import Child, Job, JobEvent, JobId
from waystation.ports.copies import Copies
from waystation.ports.deliveries import Deliveries
from waystation.ports.discord import Identifies
from waystation.ports.drafts import JobDraft, JobInputs, KeyTaken, NoJob, RequestKey
from waystation.ports.feeds import Feeds
from waystation.ports.media import MediaKeys
from waystation.ports.nodes import Commands, Nodes
from waystation.ports.queue import Queue
from waystation.ports.quotas import Quotas
from waystation.ports.records import (
    Account,
    AccountSetup,
    Commit,
    Mail,
    User,
    UserChanges,
)
from waystation.ports.search import Search
from waystation.ports.sharing import Sharing
from waystation.ports.tallies import Tallies
from waystation.ports.upkeep import Upkeep

__all__ = ["Accounts", "Glance", "Jobs", "Outbox", "Store", "Users"]


class Glance(Protocol):
    """Point reads in the event loop's own thread: microseconds. Raises from all: StoreError."""

    def user(self, user_id: int) -> User | None:
        """Return one user."""
        ...

    def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        """Return a job of that user and what its buttons started, oldest first."""
        ...


class Users(Protocol):
    """Users: the callers of the API."""

    async def add_user(self, email: str, token_hash: bytes, at: datetime) -> User:
        """Insert a user; ids count from 1. Raises: Conflict: the e-mail exists."""
        ...

    async def change_user(self, user_id: int, changes: UserChanges) -> None:
        """Write some columns of a user. Raises: NotFound; Conflict: the e-mail is another's."""
        ...

    async def get_user(self, user_id: int) -> User | None:
        """Return one user. On the path of every request: a point read, no thread hop."""
        ...

    async def list_users(self) -> Sequence[User]:
        """Return all users by id."""
        ...


class Accounts(Protocol):
    """Discord accounts: their rows, who acts for them, and their sessions."""

    async def account_id_of(self, user_id: int, discord_user_id: str, channel: str) -> str | None:
        """Return the id of a user's account of this identity, also of one that was erased (R19)."""
        ...

    async def put_account(self, setup: AccountSetup) -> bool:
        """Set an account up; True when it was not there. Takes a removal back.

        A new token lifts the halt that a rejected one made; any other halt, reset and epoch stay.
        An account that was erased comes back with its halt.

        Raises: Conflict: another row has the same Discord user id or channel (R32), or the account
        was set up or erased since its id was looked up
        """
        ...

    async def get_account(self, account_id: str) -> Account | None:
        """Return one account, removed ones too."""
        ...

    async def list_accounts(self, user_id: int | None = None) -> Sequence[Account]:
        """Return accounts, removed ones too, oldest first; all users' when None.

        A user's are those that they own and those that are shared with them (R32).
        """
        ...

    async def busy_accounts(self) -> Set[str]:
        """Return the ids of the accounts that have unfinished jobs."""
        ...

    async def reset_account(self, account_id: str, at: datetime, seen: str | None = None) -> None:
        """Clear the halt and what Discord has refused, and remember when. Raises: NotFound.

        Args: seen: the newest Discord id that its session has seen; None: as at the last reset
        """
        ...

    async def remove_account(self, account_id: str, at: datetime) -> None:
        """Mark as removed; idempotent. Raises: NotFound."""
        ...

    async def keep_account(self, account_id: str) -> None:
        """Take a removal back; nothing when the account is gone."""
        ...

    async def erase_account(self, account_id: str) -> None:
        """Delete a removed account's row and session; its jobs stay readable (R33).

        Its ghosts stay candidates, and keep their slots (R19, R31).

        Raises: Conflict: it is not removed any more, or a job of it is not final
        """
        ...

    async def load_session(self, account_id: str) -> bytes | None:
        """Return the sealed gateway session."""
        ...


class Jobs(Protocol):
    """Jobs, what happened to them, and what a conversation remembers beside them."""

    async def add_job(self, draft: JobDraft, at: datetime) -> Job | NoJob:
        """Choose a candidate with room, take its slot and write the job with its inputs, in one
        transaction.

        With `draft.queue` it waits where no candidate has room, or others wait there before it.

        A candidate counts only when usable. Without a slot the limit is `draft.lane` unfinished
        jobs without slot; with one it is max_jobs, else the account's. jobid as in R9.

        Raises: Unauthorized, SubscriptionExpired: the user may not ask any more; StoreError: inputs
        that were written before are gone
        """
        ...

    async def key_holder(self, user_id: int, key: RequestKey, at: datetime) -> KeyTaken | None:
        """Return the job that an earlier request with the key has made; None when it is free.

        A key is free again after 24 h, and when its job ended with 429. A point read.
        """
        ...

    async def begin_inputs(
        self, user_id: int, given: JobInputs, at: datetime, most_bytes: int
    ) -> bool:
        """Write the beginning of large inputs before their job; False: the user has no room.

        What no job takes over within minutes is swept.
        """
        ...

    async def add_input_part(self, input_id: str, number: int, sealed: bytes) -> None:
        """Write one part of inputs that were begun. Raises: StoreError: they are gone."""
        ...

    async def drop_inputs(self, input_id: str) -> None:
        """Give up inputs that no job took over; nothing when one did."""
        ...

    async def inputs_of(self, jobid: str) -> JobInputs | None:
        """Return a job's inputs without their parts; None when there are none any more."""
        ...

    async def input_part(self, input_id: str, number: int) -> bytes | None:
        """Return one sealed part, counted from 0; None behind the last."""
        ...

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        """Return a job of that user (of anyone when None). A point read, no thread hop."""
        ...

    async def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        """Return a job of that user and what its buttons started, oldest first.

        A point read, no thread hop; the most frequent one.
        """
        ...

    async def running_jobs(self, user_id: int) -> Sequence[JobId]:
        """Return the jobids that are not final, oldest first."""
        ...

    async def last_completed(self, account_id: str, verbs: Sequence[str]) -> Job | None:
        """Return the account's newest completed job of these verbs."""
        ...

    async def last_shown(self, message_id: str) -> Job | None:
        """Return the job, of anyone, that a message has shown last; None where none is kept."""
        ...

    async def failings(self, account_id: str, at: datetime) -> int:
        """Return how many jobs of an account have failed in the 15 minutes before, by no fault of
        their callers. A point read."""
        ...

    async def in_flight_jobs(self, account_id: str) -> Sequence[Job]:
        """Return what a conversation holds: jobs that are not final, ghosts, slot holders.

        Also the ghosts of other accounts that had the same Discord user and channel (R19).
        """
        ...

    async def holding_jobs(self, account_id: str) -> Sequence[Job]:
        """Return an account's jobs that are not final or hold a slot, the oldest first."""
        ...

    async def slot_jobs(self, user_id: int) -> Sequence[Job]:
        """Return the jobs, also of others, that hold a slot of an account that a user may use."""
        ...

    async def seen_messages(self, account_id: str) -> Sequence[Seen]:
        """Return what a conversation knows beside its jobs: the rows of `Commit.seen`, oldest
        first; at most 2,000 and 48 h old (R20)."""
        ...

    async def orphaned_jobs(self) -> Sequence[Job]:
        """Return non-final jobs of accounts that nobody holds a live lease on."""
        ...

    async def jobs_after(self, jobid: str, limit: int, user_id: int | None = None) -> Sequence[Job]:
        """Return a page of jobs by id, those after one; all users' when None. "" is before all."""
        ...

    async def events_after(self, jobid: str, number: int = 0) -> Sequence[tuple[int, JobEvent]]:
        """Return a job's events with numbers above `number`, in order."""
        ...

    async def commit(self, step: Commit) -> Sequence[Callback] | None:
        """Write a change.

        Returns: the callbacks that are claimed with it, none whose receiver is disabled; None:
        nothing is claimed, as without `claim_until`
        Raises: LeaseLost: epoch is not current; VersionConflict; AccountHalted;
        LocalProtocolError: a job's change without an event;
        UuidTaken: a uuid or a result of another job (I1)
        """
        ...


class Outbox(Protocol):
    """Outbox: callbacks and mail that are owed."""

    async def claim_callbacks(
        self, at: datetime, until: datetime, limit: int
    ) -> Sequence[Callback]:
        """Take due callbacks until `until`; at most one per job and URL is out at a time (R41).

        Those to a disabled receiver are marked so instead; pings are taken all the same.
        """
        ...

    async def record_attempt(
        self,
        callback: Callback,
        attempt: Attempt,
        at: datetime,
        next_at: datetime | None,
        patience: timedelta,
    ) -> bool:
        """Record how an attempt ended. Delivered: done. Else again at `next_at`, or given up.

        In the same transaction the receiver is counted as failing or working, and may be disabled
        with a mail to its user.

        Args: patience: how long a receiver may fail before that
        Returns: True when a mail is owed
        """
        ...

    async def find_callbacks(self, jobid: str) -> Sequence[Callback]:
        """Return a job's callbacks."""
        ...

    async def claim_mails(self, at: datetime, until: datetime, limit: int) -> Sequence[Mail]:
        """Take due mails until `until`."""
        ...

    async def record_mail(
        self, mail: Mail, sent: bool, at: datetime, next_at: datetime | None
    ) -> None:
        """Sent: done. Else again at `next_at`, or given up."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the next callback or mail is due, None when nothing waits."""
        ...


class Store(Users, Accounts, Jobs, Outbox, Upkeep, Protocol):
    """Durable state. Every method is one transaction.

    Raises from all: StoreError when the database cannot be used.
    """

    @property
    def glance(self) -> Glance | None:
        """Reads that wait for nothing; None from a store whose database is across a network."""
        ...

    @property
    def nodes(self) -> Nodes:
        """The processes that act for accounts."""
        ...

    @property
    def commands(self) -> Commands:
        """The deeds that nodes are asked to do."""
        ...

    @property
    def copies(self) -> Copies:
        """The files of jobs that are kept."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """The users' side of callbacks."""
        ...

    @property
    def identifies(self) -> Identifies:
        """The IDENTIFYs of the last day."""
        ...

    @property
    def tallies(self) -> Tallies:
        """Events that limits of the installation count."""
        ...

    @property
    def feeds(self) -> Feeds:
        """The events of all jobs of a user."""
        ...

    @property
    def queue(self) -> Queue:
        """The jobs that wait for an account."""
        ...

    @property
    def search(self) -> Search:
        """The users' search for jobs."""
        ...

    @property
    def quotas(self) -> Quotas:
        """Limits of users and accounts."""
        ...

    @property
    def media_keys(self) -> MediaKeys:
        """The keys that sign links to files."""
        ...

    @property
    def sharing(self) -> Sharing:
        """Accounts that are shared."""
        ...
