"""What the outside must do: one narrow Protocol per outside thing that has two implementations.

A test fake counts as an implementation. Adapters (`discord`, `store`, `outbound`, `vault`, `clock`)
implement these; `engine` and the faces know only these.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypedDict, TypeVar

from waystation.actions import Outcome, Submission, Upload, Uploaded
from waystation.deliveries import Attempt, Delivery
from waystation.gateway_events import GatewayEvent, Seen, SessionState
from waystation.jobs import Child, Job, JobEvent, JobId, Nonce
from waystation.secret import Secret
from waystation.sidelining import Trouble
from waystation.wire.message import Message

__all__ = [
    "Account",
    "AccountSetup",
    "Change",
    "Clock",
    "Counts",
    "DiscordIdentity",
    "Fetched",
    "Fetcher",
    "Glance",
    "Halt",
    "HaltCause",
    "IdSource",
    "Interest",
    "JobChange",
    "JobDraft",
    "Mail",
    "Mailer",
    "NoSlot",
    "Probe",
    "Repeated",
    "Sealer",
    "Sender",
    "Standing",
    "Store",
    "Transport",
    "TransportFactory",
    "TroubleChange",
    "Unrecognised",
    "User",
    "UserChanges",
]

_Item = TypeVar("_Item")


# ── time and chance ──


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


class IdSource(Protocol):
    """The only source of randomness."""

    def nonce(self, now: datetime) -> Nonce:
        """Return a decimal nonce, snowflake-like, unique in this process."""
        ...

    def token(self, size_bytes: int = 32) -> str:
        """Return URL-safe random text from `size_bytes` random bytes."""
        ...

    def shuffled(self, items: Sequence[_Item]) -> Iterator[_Item]:
        """Yield the items in random order; whoever takes the first pays for the first alone."""
        ...

    def fraction(self) -> float:
        """Return a number in 0 ≤ x < 1."""
        ...


# ── people and accounts ──


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may call the API."""

    user_id: int
    email: str
    created_at: datetime
    token_hash: bytes
    """HMAC-SHA-256 of the secret part of the API token (R44)."""
    name: str | None = None
    reply_url: str | None = None
    """Default replyUrl of this user's jobs."""
    expires_at: datetime | None = None
    """When the subscription ends; None for never. Past: 402."""
    revoked_at: datetime | None = None
    """When every token of the user stopped working. Set: 401."""
    updated_at: datetime | None = None
    is_admin: bool = False
    """Set for a user who may learn of the host's network; granted on the host alone (R44)."""


class UserChanges(TypedDict, total=False):
    """The columns of a user that one change writes; it leaves the others alone (R44)."""

    email: str
    token_hash: bytes
    name: str | None
    reply_url: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    updated_at: datetime
    is_admin: bool


class HaltCause(StrEnum):
    """By what kind of thing an account was halted, where the kind decides about the mend."""

    TOKEN = "token"  # noqa: S105 - the name of a cause
    """Discord rejected the token: a new one lifts the halt (R33)."""


@dataclass(frozen=True, slots=True)
class Account:
    """One Discord user identity we act as, in one channel. Discord user and channel are unique."""

    account_id: str
    """Stands for this user's Discord user in this channel, for ever (R19)."""
    user_id: int
    """The owner (R32)."""
    discord_user_id: str
    channel: str
    guild_id: str | None
    """None when the channel is the bot's direct messages."""
    max_jobs: int
    sealed_token: bytes
    """Opened by `Sealer` under ("accounts", account_id)."""
    masked_token: str
    created_at: datetime
    halt: str | None = None
    """v2's pendingModMessage: why the account is halted; None while it works."""
    halted_at: datetime | None = None
    halt_cause: HaltCause | None = None
    """None for what a person has to deal with in Discord."""
    reset_at: datetime | None = None
    """A trigger older than this never halts again (R34)."""
    removed_at: datetime | None = None
    """Set by removal: nothing new is submitted, the row goes when its jobs have ended (R33)."""
    epoch: int = 0
    """Fencing number; grows with each claim and is never reused."""
    trouble: Trouble | None = None
    """Refusals of Discord lately; the account may be sidelined (R50)."""

    @property
    def usable(self) -> bool:
        """Whether new jobs may be submitted through it."""
        return self.halt is None and self.removed_at is None


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """What a caller sets of an account; None leaves a column as it is then (R44)."""

    account_id: str
    user_id: int
    discord_user_id: str
    channel: str
    guild_id: str | None
    max_jobs: int | None
    sealed_token: bytes | None
    masked_token: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DiscordIdentity:
    """Who a Discord token belongs to, and where the bot can be talked to.

    `dm_channel` is the direct-message channel with the bot, None when there is none.
    """

    discord_user_id: str
    username: str
    dm_channel: str | None


# ── the store ──


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job before it has an account and an id."""

    user_id: int
    verb: str
    params: dict[str, object]
    candidates: Sequence[str]
    """account_ids in the order to try (random for v2)."""
    takes_slot: bool
    max_jobs: int | None
    """The request's maxJobs; None compares with the account's own."""
    lane: int = 5
    """For verbs without a slot: how many may be unfinished per account at once (R16)."""
    wall_ahead: timedelta = timedelta()
    """How far the wall clock is ahead of the service's time."""
    reply_url: str | None = None
    reply_ref: str | None = None
    reply_progress: bool = False


@dataclass(frozen=True, slots=True)
class NoSlot:
    """No candidate had room: those of the account tried last (R8)."""

    max_jobs: int
    executing_jobs: Sequence[JobId]
    """Unfinished ones of the caller."""
    free_at: datetime | None = None
    """When the first slot is given back that a ghost holds; None when none does (R31)."""
    halted: Sequence[str] = ()
    """Channels among the candidates that are halted (R7)."""
    all_halted: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """The button was pressed before, and can be pressed once only (R38)."""

    jobid: JobId


@dataclass(frozen=True, slots=True)
class JobChange:
    """A job's new state with the events that led to it.

    The store adds `updated_at`-independent bookkeeping only: it checks that the stored version is
    `job.version - len(events)`, writes the row, numbers the events and adds the deliveries. Every
    change has an event: readers tell by the version whether they know a job as it is.
    """

    job: Job
    events: Sequence[JobEvent]
    deliveries: Sequence[Delivery] = ()


@dataclass(frozen=True, slots=True)
class Halt:
    """Stop an account and write exactly one mail, unless it is halted already or the trigger is
    older than the last reset (R34)."""

    text: str
    triggered_at: datetime
    mail: Mail
    said: str | None = None
    """Discord's id of what triggered it; then its age is told by that, not by `triggered_at`."""
    cause: HaltCause | None = None
    sealed_token: bytes | None = None
    """The rejected token: where the account has another one meanwhile, nothing is halted."""


@dataclass(frozen=True, slots=True)
class TroubleChange:
    """A change of an account's trouble, unless a reset came in between (R50)."""

    before: Trouble | None
    after: Trouble | None
    mail: Mail | None = None
    """Told to its owner."""


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A bot message addressed to us that no reply row claimed (R24). `payload` is redacted JSON."""

    message_id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that one step changes; written in one transaction or not at all (R36).

    Order inside: epoch check, halt check, jobs, halt, trouble, session, unrecognised, seen.
    """

    account_id: str
    epoch: int
    at: datetime
    jobs: Sequence[JobChange] = ()
    halt: Halt | None = None
    trouble: TroubleChange | None = None
    session: bytes | None = None
    """The sealed SessionState; None leaves the stored one."""
    unrecognised: Sequence[Unrecognised] = ()
    seen: Sequence[Seen] = ()
    """Rows that are new or changed, and those that are no longer kept (R20)."""
    only_if_usable: bool = False
    """Raise AccountHalted when the account is halted or removed (Submitted, R34)."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail that must go out. The subject is constant per kind (R49)."""

    mail_id: str
    to: str
    subject: str
    body: str
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What metrics and readiness show; no names (R48)."""

    jobs_by_status: dict[str, int] = field(default_factory=dict)
    deliveries_pending: int = 0
    mails_pending: int = 0
    accounts: int = 0
    accounts_halted: int = 0
    unrecognised: int = 0


class Glance(Protocol):
    """Point reads that wait for nothing: microseconds in the event loop's own thread.

    Raises from all: StoreError
    """

    def user(self, user_id: int) -> User | None:
        """Return one user."""
        ...

    def family(self, jobid: str, user_id: int) -> tuple[Job, Sequence[Child]] | None:
        """Return a job of that user and what its buttons started, oldest first."""
        ...


class Store(Protocol):
    """Durable state. Every method is one transaction.

    Raises from all: StoreError when the database cannot be used.
    """

    @property
    def glance(self) -> Glance | None:
        """Reads that wait for nothing; None from a store whose database is across a network."""
        ...

    # users
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

    # accounts
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
        """Return accounts, removed ones too, oldest first; all users' when None."""
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

    async def claim_account(
        self, account_id: str, holder: str, at: datetime, until: datetime
    ) -> int:
        """Take or renew the lease and return its epoch, one higher on a change of holder.

        Raises: LeaseLost: another holder's lease has not run out
        """
        ...

    async def release_account(self, account_id: str, holder: str) -> None:
        """Give the lease back."""
        ...

    async def load_session(self, account_id: str) -> bytes | None:
        """Return the sealed gateway session."""
        ...

    # jobs
    async def add_job(self, draft: JobDraft, at: datetime) -> Job | NoSlot | Repeated:
        """Choose a candidate with room, take its slot and write the job, in one transaction.

        A candidate counts only when usable. Without a slot the limit is `draft.lane` unfinished
        jobs without slot; with one it is max_jobs, else the account's. jobid as in R9.

        Raises: Unauthorized, SubscriptionExpired: the user may not ask any more
        """
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

    async def in_flight_jobs(self, account_id: str) -> Sequence[Job]:
        """Return what a conversation holds: jobs that are not final, ghosts, slot holders.

        Also the ghosts of other accounts that had the same Discord user and channel (R19).
        """
        ...

    async def seen_messages(self, account_id: str) -> Sequence[Seen]:
        """Return what a conversation knows beside its jobs: the rows of `Change.seen`, oldest
        first; at most 2,000 and 48 h old (R20)."""
        ...

    async def orphaned_jobs(self) -> Sequence[Job]:
        """Return non-final jobs of accounts that nobody holds a live lease on."""
        ...

    async def events_after(self, jobid: str, number: int = 0) -> Sequence[tuple[int, JobEvent]]:
        """Return a job's events with numbers above `number`, in order."""
        ...

    async def commit(self, change: Change) -> None:
        """Write a change.

        Raises: LeaseLost: epoch is not current; VersionConflict; AccountHalted;
        LocalProtocolError: a job's change without an event;
        UuidTaken: a uuid or a result of another job (I1)
        """
        ...

    # deliveries and mail
    async def claim_deliveries(
        self, at: datetime, until: datetime, limit: int
    ) -> Sequence[Delivery]:
        """Take due deliveries until `until`; at most one per job and URL is out at a time (R41)."""
        ...

    async def record_attempt(
        self, delivery: Delivery, attempt: Attempt, at: datetime, next_at: datetime | None
    ) -> None:
        """Record how an attempt ended. Delivered: done. Else again at `next_at`, or given up."""
        ...

    async def find_deliveries(self, jobid: str) -> Sequence[Delivery]:
        """Return a job's deliveries."""
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
        """Return when the next delivery or mail is due, None when nothing waits."""
        ...

    # upkeep
    async def unrecognised(self, limit: int = 100) -> Sequence[Unrecognised]:
        """Return kept bot messages, newest first."""
        ...

    async def release_slots(self) -> None:
        """Give back the slots of ghosts whose account is gone and whose time is over (R31)."""
        ...

    async def purge(self, jobs_before: datetime, unrecognised_before: datetime, limit: int) -> int:
        """Delete final jobs older than that, without open deliveries; return how many (R40)."""
        ...

    async def counts(self) -> Counts:
        """Return totals for metrics."""
        ...

    async def ping(self, *, write: bool = True) -> None:
        """Make sure that a write can be made, by making one unless told otherwise.

        Raises: StoreError
        """
        ...

    async def close(self) -> None:
        """Finish queued writes and close."""
        ...


# ── Discord ──


@dataclass(frozen=True, slots=True)
class Standing:
    """Why nothing may be sent to Discord now, and for how long."""

    wait_s: float
    text: str
    """Discord's last word on it, as sent."""
    is_breaker: bool = False
    """Waystation itself has stopped, after too many invalid answers (R35)."""


class Transport(Protocol):
    """One account's connection to Discord: a gateway session and REST.

    `events` reconnects by itself until `close` or a fatal HumanCheckSeen.
    """

    def events(self) -> AsyncIterator[GatewayEvent]:
        """Connect and yield events in order; CaughtUp after each connect."""
        ...

    async def perform(self, submission: Submission, timeout_s: float) -> Outcome:
        """Submit once. Never raises for what Discord says; never sends twice."""
        ...

    def standing(self) -> Standing | None:
        """Return what holds interactions back now, as far as this connection knows (R16)."""
        ...

    async def upload(self, channel: str, upload: Upload) -> Uploaded:
        """Put a file where the bot can read it; retried.

        Raises: Withheld: nothing may be sent now; TransportError
        """
        ...

    async def recent_messages(self, channel: str, after: str) -> Sequence[Message]:
        """Return messages newer than the snowflake `after`, oldest first, at most 500.

        Raises: TransportError
        """
        ...

    async def refresh_commands(self, channel: str, guild_id: str | None) -> None:
        """Drop and reload the command index. Raises: TransportError."""
        ...

    async def refresh_links(self, links: Sequence[str]) -> Mapping[str, str]:
        """Return working links by signed ones that have ended; those that cannot be renewed miss.

        Args: links: at most 50
        Raises: TransportError
        """
        ...

    async def close(self) -> None:
        """Leave so that the session stays resumable."""
        ...


@dataclass(frozen=True, slots=True)
class Interest:
    """Where an account talks to the bot, and as whom: other people's messages are not for it."""

    channel: str
    discord_user_id: str
    guild_id: str | None = None
    """The channel's guild, None for direct messages."""


class TransportFactory(Protocol):
    """Makes the transport of an account. `interest`: None hears everything."""

    def __call__(
        self,
        token: Secret,
        session: SessionState | None,
        log_name: str,
        interest: Interest | None = None,
    ) -> Transport: ...


class Probe(Protocol):
    """Asks Discord about a token without a gateway session."""

    async def identify(self, token: Secret) -> DiscordIdentity:
        """Raises: NotAuthorised, HumanCheckRequired, Unreachable."""
        ...

    async def can_read(self, token: Secret, channel: str) -> bool:
        """Whether the token can read that channel. Raises: NotAuthorised, Unreachable."""
        ...

    async def guild_of(self, token: Secret, channel: str) -> str | None:
        """Return the guild of a readable channel, None for direct messages. Raises: as above."""
        ...


# ── the caller's world ──


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture as fetched: its bytes, its type by content, and a file extension for it."""

    data: bytes
    content_type: str
    extension: str
    size: tuple[int, int] | None = None
    """Width and height in pixels."""


class Fetcher(Protocol):
    """Fetches pictures that callers name, and knows what can be reached (R42, R43)."""

    def out_of_reach(self, url: str) -> str | None:
        """Return why a URL can never be called, by its text alone; None when it may be."""
        ...

    async def fetch(self, url: str, frank: bool) -> Fetched:
        """Args: frank: tell of a private address as such, which an admin may know of the network

        Raises: PreconditionFailed with v2's literal sentence
        """
        ...

    async def inspect(self, data: bytes, name: str) -> Fetched:
        """Judge bytes that a caller sent. Raises: PreconditionFailed `<name> unknown mime type`."""
        ...

    async def mask(self, data: bytes, name: str, fits: Callable[[Fetched], None]) -> Fetched:
        """Judge a mask and return it in the colours that Midjourney takes.

        Args: data: white is painted anew; fits: judges its size before anything is decoded
        Raises: PreconditionFailed, and what `fits` raises
        """
        ...


class Sender(Protocol):
    """Sends one delivery attempt."""

    async def send(self, delivery: Delivery) -> Attempt:
        """POST the body once. Never raises for what the receiver does."""
        ...


class Mailer(Protocol):
    """Sends mail."""

    @property
    def configured(self) -> bool:
        """Whether there is anywhere to send to."""
        ...

    async def send(self, mail: Mail) -> None:
        """Raises: Unreachable with the reason."""
        ...


class Sealer(Protocol):
    """Seals values at rest and hashes API tokens (R44, R45)."""

    def seal(self, table: str, row_id: str, value: bytes) -> bytes:
        """Return the sealed value, bound to table and row."""
        ...

    def unseal(self, table: str, row_id: str, sealed: bytes) -> bytes:
        """Raises: VaultError."""
        ...

    def hash_token(self, secret: str) -> bytes:
        """Return the HMAC of an API token's secret part."""
        ...
