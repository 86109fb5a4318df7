"""Drafts: jobs before there are any, and why a draft has made none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from waystation.jobs import JobId
from waystation.ports.quotas import OverQuota

__all__ = [
    "InputsFull",
    "JobDraft",
    "JobInputs",
    "KeyTaken",
    "NoJob",
    "NoSlot",
    "QueueDraft",
    "QueueFull",
    "Repeated",
    "RequestKey",
]


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A key by which a caller repeats one request; of its user and route (R11)."""

    route: str
    key: str
    digest: bytes
    """Of the request's fields and files: the key stands for no other request."""


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """An earlier request with the key has made a job."""

    jobid: JobId
    digest: bytes
    """Of that request."""


@dataclass(frozen=True, slots=True)
class JobInputs:
    """A job's pictures, mask and press, sealed, until the job was asked or has ended."""

    input_id: str
    """Random. Plan and parts are sealed under it, since they are sealed before there is a jobid."""
    plan: bytes
    """The press and its source, and the pictures without their bytes."""
    size: int = 0
    """Bytes of its pictures, which count for its user."""
    parts: Sequence[bytes] = ()
    """These bytes in pieces of at most 1 MiB, each sealed; empty where they are written already."""
    staged: bool = False
    """True: `begin_inputs` and `add_input_part` have written them; the job takes them over."""


@dataclass(frozen=True, slots=True)
class QueueDraft:
    """A job's way through the queue, where no account can take it at once."""

    priority: int
    """1 to 5."""
    until: datetime
    """Moment until which it may wait."""
    most: int
    """Jobs of its user that may wait, this one among them."""
    account_id: str | None = None
    """The only account that may take it; None: any that its user may use."""
    mode: str | None = None
    """The mode that the account must be in."""


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
    """The request's maxJobs; None compares with the account's own. For the queue, and of an account
    that is another user's, it only lowers that."""
    lane: int
    """For verbs without a slot: how many may be unfinished per account at once (R16)."""
    wall_ahead: timedelta = timedelta()
    post_until: datetime | None = None
    """Lead of the wall clock over the service's time."""
    reply_url: str | None = None
    reply_ref: str | None = None
    reply_progress: bool = False
    inputs: JobInputs | None = None
    """None where the job's row says all that is asked."""
    key: RequestKey | None = None
    input_bytes: int = 0
    """Most bytes of pictures that the user may have waiting, this job's among them."""
    queue: QueueDraft | None = None
    """None: it is refused where no candidate has room."""
    trace: str | None = None
    """The `traceparent` of its POST's span."""


@dataclass(frozen=True, slots=True)
class QueueFull:
    """The user has too many jobs waiting."""

    waiting: int
    free_at: datetime | None = None
    """When a slot should be free that one of them may take; None: nothing tells."""


@dataclass(frozen=True, slots=True)
class InputsFull:
    """The user has too many bytes of pictures waiting to be sent."""

    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class NoSlot:
    """No candidate had room: those of the account tried last (R8)."""

    max_jobs: int
    executing_jobs: Sequence[JobId]
    """Unfinished ones of the caller."""
    free_at: datetime | None = None
    """When a slot is free, by what holds them (`Quotas.free_at`); None: nothing tells."""
    halted: Sequence[str] = ()
    """Channels among the candidates that are halted (R7)."""
    all_halted: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """The button was pressed before, and can be pressed once only (R38)."""

    jobid: JobId


NoJob = NoSlot | Repeated | InputsFull | KeyTaken | OverQuota | QueueFull
"""A reason why a draft has made no job."""
