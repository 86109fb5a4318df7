"""Gateway event: one thing a Transport saw, in Discord's nouns, before anyone knows whose it is.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from waystation.wire.interaction import IframeModalCreated, ModalCreated
from waystation.wire.message import Message

__all__ = [
    "CaughtUp",
    "Disconnected",
    "GatewayEvent",
    "HumanCheckSeen",
    "IframeSeen",
    "ToldAs",
    "InteractionTold",
    "MessageGone",
    "MessageSeen",
    "SeenAs",
    "ModalSeen",
    "Passed",
    "Seen",
    "SessionState",
    "last_sequence",
    "sequence_of",
]


@dataclass(frozen=True, slots=True)
class SessionState:
    """The gateway session that RESUME needs. Sealed at rest (R45)."""

    session_id: str
    resume_url: str
    sequence: int
    newest: str = "0"
    """The newest Discord id that the session has seen (R28)."""


class SeenAs(StrEnum):
    """How a message was seen."""

    CREATED = "created"
    UPDATED = "updated"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A message was created, updated (maybe partially) or read back from history.

    `sequence` is the gateway's number for it, None from history.
    """

    seen_as: SeenAs
    message: Message
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class MessageGone:
    """A message was deleted."""

    message_id: str
    channel: str
    sequence: int | None = None


class ToldAs(StrEnum):
    """An interaction of ours, as Discord told of it."""

    CREATED = "created"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class InteractionTold:
    """INTERACTION_CREATE, _SUCCESS or _FAILURE."""

    told_as: ToldAs
    interaction_id: str
    nonce: str | None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class ModalSeen:
    """The bot opened a modal."""

    modal: ModalCreated
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class IframeSeen:
    """The bot opened an iframe: a human check, or the region editor."""

    iframe: IframeModalCreated
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One row of what a conversation keeps, by kind and id; without a body it is kept no longer.

    Source of the ids: Discord's, or a jobid. The conversation alone reads the body.
    """

    kind: str
    id: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The connection is current.

    `resumed`: every missed event came before this one. Otherwise there is a gap that only history
    can fill, and ephemeral replies in it are gone (R29).
    """

    resumed: bool
    discord_user_id: str
    session: SessionState


@dataclass(frozen=True, slots=True)
class Passed:
    """Events that concern nobody here, up to this number; told now and then."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The socket is gone; the transport reconnects by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class HumanCheckSeen:
    """Discord wants a person: READY's required_action, or a token that is dead (4004, 401).

    `fatal`: the transport has stopped and will not reconnect.
    """

    text: str
    fatal: bool
    sequence: int | None = None
    token_rejected: bool = False
    """True when a new token is the mend."""


GatewayEvent = (
    MessageSeen
    | MessageGone
    | InteractionTold
    | ModalSeen
    | IframeSeen
    | CaughtUp
    | Passed
    | Disconnected
    | HumanCheckSeen
)


def sequence_of(event: GatewayEvent) -> int | None:
    """Return the gateway's number for an event, None for one that has none."""
    return getattr(event, "sequence", None)


def last_sequence(events: Sequence[GatewayEvent]) -> int | None:
    """Return the gateway's number for the last event that has one."""
    numbers = (sequence_of(event) for event in reversed(events))
    return next((number for number in numbers if number is not None), None)
