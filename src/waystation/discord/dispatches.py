"""Dispatches: from a dispatch's name `t` to gateway events.

Rules: a name that no row knows costs one dictionary look-up, its payload is never decoded.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from waystation.discord.sieve import MessageHead, concerns
from waystation.errors import RemoteProtocolError
from waystation.gateway_events import (
    GatewayEvent,
    HumanCheckSeen,
    IframeSeen,
    InteractionTold,
    MessageGone,
    MessageSeen,
    ModalSeen,
    SeenAs,
    ToldAs,
)
from waystation.ports import Interest
from waystation.wire.gateway import CommandIndexUpdate, Frame, Ready, RequiredActionUpdate
from waystation.wire.interaction import (
    IframeModalCreated,
    InteractionEvent,
    MessageDeleted,
    MessagesDeleted,
    ModalCreated,
)
from waystation.wire.message import Message

__all__ = [
    "COMMAND_INDEX_UPDATE",
    "DISPATCHES",
    "MESSAGES",
    "read_dispatch",
    "read_outdated_guild",
]

COMMAND_INDEX_UPDATE: Final = "GUILD_APPLICATION_COMMAND_INDEX_UPDATE"
"""Not a gateway event: it only empties a cache of `rest.py`."""

_T = TypeVar("_T")
_Reader = Callable[[Frame, Interest | None], Sequence[GatewayEvent]]


def read_dispatch(frame: Frame, interest: Interest | None = None) -> Sequence[GatewayEvent]:
    """Return what a dispatch says, nothing for names that no row knows.

    Args: interest: messages that cannot concern this account say nothing; None: every one counts
    Raises: RemoteProtocolError: a known dispatch cannot be read
    """
    reader = DISPATCHES.get(frame.t or "")
    if reader is None:
        return ()
    try:
        return reader(frame, interest)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise RemoteProtocolError(f"Discord sent an unreadable {frame.t}") from error


def read_outdated_guild(frame: Frame) -> str:
    """Return whose command index a `COMMAND_INDEX_UPDATE` calls outdated.

    Raises: RemoteProtocolError: it cannot be read
    """
    try:
        return msgspec.json.decode(frame.d, type=CommandIndexUpdate).guild_id
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise RemoteProtocolError(f"Discord sent an unreadable {frame.t}") from error


def _row(shape: type[_T], build: Callable[[_T, int | None], Sequence[GatewayEvent]]) -> _Reader:
    decode = msgspec.json.Decoder(shape).decode

    def read(frame: Frame, interest: Interest | None) -> Sequence[GatewayEvent]:
        return build(decode(frame.d), frame.s)

    return read


def _message(seen_as: SeenAs) -> _Reader:
    decode_head = msgspec.json.Decoder(MessageHead).decode
    decode = msgspec.json.Decoder(Message).decode

    def read(frame: Frame, interest: Interest | None) -> Sequence[GatewayEvent]:
        if interest is not None and not concerns(decode_head(frame.d), interest):
            return ()
        return (MessageSeen(seen_as, decode(frame.d), frame.s),)

    return read


def _interaction(told_as: ToldAs) -> _Reader:
    def build(event: InteractionEvent, s: int | None) -> Sequence[GatewayEvent]:
        nonce = None if event.nonce is None else str(event.nonce)
        return (InteractionTold(told_as, event.id, nonce, s),)

    return _row(InteractionEvent, build)


def _required_action(update: Ready | RequiredActionUpdate, s: int | None) -> Sequence[GatewayEvent]:
    if update.required_action is None:
        return ()
    text = f"Discord asks the account's owner to act: {update.required_action}"
    return (HumanCheckSeen(text, fatal=False, sequence=s),)


def _deleted_together(deleted: MessagesDeleted, s: int | None) -> Sequence[GatewayEvent]:
    return tuple(MessageGone(message_id, deleted.channel_id, s) for message_id in deleted.ids)


DISPATCHES: Final[Mapping[str, _Reader]] = {
    "MESSAGE_CREATE": _message(SeenAs.CREATED),
    "MESSAGE_UPDATE": _message(SeenAs.UPDATED),
    "MESSAGE_DELETE": _row(
        MessageDeleted, lambda deleted, s: (MessageGone(deleted.id, deleted.channel_id, s),)
    ),
    "MESSAGE_DELETE_BULK": _row(MessagesDeleted, _deleted_together),
    "INTERACTION_CREATE": _interaction(ToldAs.CREATED),
    "INTERACTION_SUCCESS": _interaction(ToldAs.SUCCEEDED),
    "INTERACTION_FAILURE": _interaction(ToldAs.FAILED),
    "INTERACTION_MODAL_CREATE": _row(ModalCreated, lambda modal, s: (ModalSeen(modal, s),)),
    "INTERACTION_IFRAME_MODAL_CREATE": _row(
        IframeModalCreated, lambda iframe, s: (IframeSeen(iframe, s),)
    ),
    "READY": _row(Ready, _required_action),
    "USER_REQUIRED_ACTION_UPDATE": _row(RequiredActionUpdate, _required_action),
}
"""`t` → reader. Source: wire notes 1.8 and 2.7."""

MESSAGES: Final = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})
"""The `t` of what is a message."""
