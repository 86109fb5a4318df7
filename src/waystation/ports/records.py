"""Records: users, accounts and mails as the store keeps them, and one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypedDict

from waystation.callbacks import Attempt, Callback, CallbackStatus
from waystation.gateway_events import Seen
from waystation.jobs import Job, JobEvent, JobId
from waystation.ports.copies import WantedCopy
from waystation.quotas import UserQuotas
from waystation.sidelining import Trouble

__all__ = [
    "Account",
    "AccountSetup",
    "AuditEntry",
    "Commit",
    "Counts",
    "Delivery",
    "Halt",
    "HaltCause",
    "JobChange",
    "LoggedAttempt",
    "Mail",
    "Place",
    "SigningSecret",
    "TroubleChange",
    "Unrecognised",
    "User",
    "UserChanges",
]


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
    """End of the subscription; None for never. Past: 402."""
    revoked_at: datetime | None = None
    """Moment at which every token of the user stopped working. Set: 401."""
    updated_at: datetime | None = None
    is_admin: bool = False
    """Set for a user who may learn of the host's network; granted on the host alone (R44)."""
    quotas: UserQuotas | None = None
    queues: bool = False
    """True: jobs wait for a slot unless a request says otherwise."""
    queue_weight: int = 1
    """Share of the turns on an account that several users share; 1 to 100."""
    queue_priority: int = 3
    """The highest priority that requests may name; 1 to 5."""


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
    quotas: UserQuotas | None
    queues: bool
    queue_weight: int
    queue_priority: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of a user, a token or an account, with its repetitions within an hour."""

    number: int
    """Counts up; a higher one is newer."""
    at: datetime
    """By the host's clock, as people read it; of repeated changes that of the first."""
    by: str
    """`host`: the command line there; `user:1`: that user, by the API; `service`: Waystation."""
    action: str
    user_id: int
    """Whom it concerns."""
    channel: str | None
    details: str | None
    """Of repeated changes those of the last one."""
    times: int
    """Changes of this kind within an hour."""
    last_at: datetime
    """Of the last one of them."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret that signs the callbacks of a user."""

    secret_id: str
    user_id: int
    sealed: bytes
    """Opened by `Sealer` under ("signing_secrets", secret_id)."""
    made_at: datetime
    ends_at: datetime | None = None
    """Moment from which the newer ones alone sign; None: the newest."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A callback as its user may see it: without its body."""

    callback_id: str
    jobid: JobId | None
    url: str
    status: CallbackStatus
    is_final: bool
    sequence: int
    created_at: datetime
    next_attempt_at: datetime
    """While it is on its way the end of its claim."""
    attempts: int


class Place(NamedTuple):
    """The place of a callback among those of its user."""

    created_at: datetime
    callback_id: str


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """An attempt of a callback as it was recorded."""

    number: int
    at: datetime
    ended: Attempt


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
    jobs_a_day: int | None = None

    @property
    def usable(self) -> bool:
        """Tell whether new jobs may be submitted through it."""
        return self.halt is None and self.removed_at is None


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """The part of an account that a caller sets; None leaves a column as it is (R44)."""

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
class JobChange:
    """A job's new state with the events that led to it.

    The store adds `updated_at`-independent bookkeeping only: it checks that the stored version is
    `job.version - len(events)`, writes the row, numbers the events and adds the callbacks. Every
    change has an event: readers tell by the version whether they know a job as it is.
    """

    job: Job
    events: Sequence[JobEvent]
    callbacks: Sequence[Callback] = ()
    asked: bool = False
    """True: nothing more of its inputs is needed. They go; those of a final job go in any case."""
    files: Sequence[WantedCopy] = ()
    """Files that the job has now and that are to be copied."""


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
class Commit:
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
    claim_until: datetime | None = None
    """Until when the committing process has claimed the step's callbacks; None: they are due."""


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
    """Totals for metrics and readiness; no names (R48)."""

    jobs_by_status: dict[str, int] = field(default_factory=dict)
    callbacks_pending: int = 0
    mails_pending: int = 0
    accounts: int = 0
    accounts_halted: int = 0
    unrecognised: int = 0
    oldest_job: datetime | None = None
    """Acceptance of the oldest job of an account that is not final."""
    oldest_slot: datetime | None = None
    """Submission of the oldest job that holds a slot, final ones too (R31)."""
    oldest_callback: datetime | None = None
    """Event of the oldest callback still to be made."""
    oldest_queued: datetime | None = None
    """Acceptance of the oldest job that waits in the queue."""
    queued: int = 0
    """Jobs that wait in the queue."""
    commands: int = 0
    """Commands that no node has taken yet."""
