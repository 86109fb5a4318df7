"""The forms of API v2 that the client hands out and takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

__all__ = [
    "FINAL",
    "Account",
    "Asked",
    "AskedOf",
    "Attempt",
    "Delivery",
    "DeliveryPage",
    "Job",
    "named",
]

FINAL = frozenset({"completed", "moderated", "failed", "cancelled"})
"""Statuses that never change again."""


class QueuePlace(TypedDict):
    """Where a job stands in the queue; `estimateS`, in seconds, is missing while nothing tells."""

    position: int
    priority: int
    why: str
    estimateS: NotRequired[int]


class Job(TypedDict, total=False):
    """A job in the words of API v2; every field may be missing.

    Units: created, updated: ISO 8601 UTC with milliseconds; timestamp: Discord's own text
    """

    jobid: str
    verb: str
    status: str
    created: str
    updated: str
    prompt: str
    mode: str
    blendUrls: list[str]
    blendDimensions: str
    describeUrl: str
    parentJobId: str
    button: str
    discord: str
    channel: str
    server: str
    maxJobs: int
    replyUrl: str
    replyRef: str
    messageId: str
    content: str
    timestamp: str
    attachments: list[dict[str, Any]]
    embeds: list[dict[str, Any]]
    buttons: list[str]
    labels: list[str]
    imageUx: list[dict[str, Any]]
    videoUx: list[dict[str, Any]]
    seed: dict[str, Any]
    settings: dict[str, Any]
    info: dict[str, Any]
    prompts: list[str]
    children: list[dict[str, str]]
    queue: QueuePlace
    error: str
    errorDetails: str
    code: int


class Asked(TypedDict, total=False):
    """Fields of every verb besides its own; `max_jobs` only where a slot is taken.

    With `queue` the job waits where no account has room; a higher `priority` goes first there.
    `mode` is `fast`, `relax` or `turbo`; but on imagine the account has to be in it already.
    """

    max_jobs: int | None
    reply_url: str | None
    reply_ref: str | None
    reply_progress: bool | None
    mode: str | None
    queue: bool | None
    priority: int | None


class AskedOf(Asked, total=False):
    """`Asked` of an account by its channel; a verb that names a parent job has that job's."""

    channel: str | None


_ASKED = {
    "channel": "channel",
    "max_jobs": "maxJobs",
    "reply_url": "replyUrl",
    "reply_ref": "replyRef",
    "reply_progress": "replyProgress",
    "mode": "mode",
    "queue": "queue",
    "priority": "priority",
}
"""The v2 names of `AskedOf`."""


class Sidelined(TypedDict):
    """Why an account is drawn only when no other one is usable; instants as v2 writes them."""

    cause: str
    details: str
    since: str
    until: str


class Connection(TypedDict):
    """State of an account's connection to Discord's gateway; `reason` says why there is none.

    `state` is `connected`, `connecting`, `halted`, or `waiting`.
    """

    state: str
    reason: NotRequired[str]


class Slot(TypedDict):
    """One slot in use: its job where it is one's own, since when, and when it was last heard of."""

    jobid: NotRequired[str]
    since: str
    heard: str


class Account(TypedDict):
    """One Discord account as the API shows it; `discord` is masked.

    `pendingModMessage` is there only while the account is halted, `sidelined` only while Discord
    keeps refusing it; both say why. `shared` is there where another user owns it. `connection` is
    left out by older services.
    """

    channel: str
    discord: str
    maxJobs: int
    server: NotRequired[str]
    connection: NotRequired[Connection]
    slots: NotRequired[Sequence[Slot]]
    pendingModMessage: NotRequired[str]
    jobsADay: NotRequired[int]
    shared: NotRequired[bool]
    sidelined: NotRequired[Sidelined]


class Attempt(TypedDict):
    """One attempt of a callback."""

    number: int
    at: str
    seconds: float
    status: NotRequired[int]
    reason: NotRequired[str]


class Delivery(TypedDict):
    """A callback; `jobid` is missing on a ping, `attempts` in a list."""

    id: str
    jobid: NotRequired[str]
    replyUrl: str
    state: str
    final: bool
    sequence: int
    created: str
    attempted: int
    nextAttempt: NotRequired[str]
    attempts: NotRequired[list[Attempt]]


class DeliveryPage(TypedDict):
    """Some callbacks; `next` is there when there are more."""

    deliveries: list[Delivery]
    next: NotRequired[str]


def named(asked: Asked | AskedOf) -> dict[str, object]:
    """Return them under their v2 names."""
    return {_ASKED[name]: value for name, value in asked.items()}
