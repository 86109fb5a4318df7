"""Interactions: what is asked of an application, and the events that tell how the asking went.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import msgspec
from msgspec import UNSET, UnsetType

from waystation.wire.message import Component, ComponentType

__all__ = [
    "MIDJOURNEY_APPLICATION_ID",
    "ApplicationCommand",
    "AttachmentSlot",
    "AttachmentSlots",
    "CommandAttachment",
    "CommandData",
    "CommandIndex",
    "CommandInteraction",
    "CommandOption",
    "ComponentData",
    "ComponentInteraction",
    "IframeModalCreated",
    "InteractionEvent",
    "InteractionType",
    "MessageDeleted",
    "MessagesDeleted",
    "ModalCreated",
    "ModalData",
    "ModalInteraction",
    "ModalRow",
    "ModalText",
]

MIDJOURNEY_APPLICATION_ID = "936929561302675456"
"""The bot's application and user id. Source: wire notes 3, in every public client."""


class InteractionType(IntEnum):
    """Kinds of interactions. Source: Discord, interaction type table."""

    APPLICATION_COMMAND = 2
    MESSAGE_COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class InteractionEvent(msgspec.Struct, frozen=True):
    """INTERACTION_CREATE, _SUCCESS and _FAILURE as a user session gets them."""

    id: str
    nonce: str | int | None = None
    reason_code: int | None = None


class _Application(msgspec.Struct, frozen=True):
    id: str


class ModalCreated(msgspec.Struct, frozen=True):
    """INTERACTION_MODAL_CREATE; ids are copied from here, never built."""

    id: str
    channel_id: str | None = None
    custom_id: str = ""
    title: str = ""
    nonce: str | int | None = None
    application: _Application | None = None
    components: Sequence[Component] = ()


class IframeModalCreated(msgspec.Struct, frozen=True):
    """INTERACTION_IFRAME_MODAL_CREATE; a human check when its path or title says so (notes 6.3)."""

    id: str
    channel_id: str | None = None
    custom_id: str = ""
    title: str = ""
    iframe_path: str = ""
    nonce: str | int | None = None
    application: _Application | None = None


class MessageDeleted(msgspec.Struct, frozen=True):
    """MESSAGE_DELETE."""

    id: str
    channel_id: str
    guild_id: str | None = None


class MessagesDeleted(msgspec.Struct, frozen=True):
    """MESSAGE_DELETE_BULK."""

    ids: Sequence[str]
    channel_id: str
    guild_id: str | None = None


# ── asking ──


class ApplicationCommand(msgspec.Struct, frozen=True):
    """An entry of the command index. A localised `name` comes with `name_default`."""

    id: str
    application_id: str
    version: str
    name: str
    type: int = 1
    name_default: str | None = None


class CommandIndex(msgspec.Struct, frozen=True):
    """The commands that can be asked in one place. Source: wire notes 1.3."""

    application_commands: Sequence[ApplicationCommand] = ()


class CommandOption(msgspec.Struct, frozen=True):
    """One option; an attachment's value is the id of an entry of `attachments`.

    A subcommand has options, maybe none, and no value (wire notes 3.2).
    """

    type: int
    name: str
    value: str | int | UnsetType = UNSET
    options: Sequence[CommandOption] | UnsetType = UNSET


class CommandAttachment(msgspec.Struct, frozen=True):
    """A file that Discord holds already, named for a command."""

    id: str
    filename: str
    uploaded_filename: str


class CommandData(msgspec.Struct, frozen=True):
    """A command and its options. Id and version are the command index's."""

    version: str
    id: str
    name: str
    type: int
    options: Sequence[CommandOption]
    attachments: Sequence[CommandAttachment]


class CommandInteraction(msgspec.Struct, frozen=True):
    """Body of POST /interactions for a command. Source: wire notes 3.2."""

    type: int
    application_id: str
    channel_id: str
    session_id: str
    nonce: str
    data: CommandData
    guild_id: str | UnsetType = UNSET
    """Required in a guild, absent in direct messages (wire notes 1.2)."""


class ComponentData(msgspec.Struct, frozen=True):
    """A component that is used; of a menu, with the choice. Source: wire notes 3.3."""

    component_type: int
    custom_id: str
    type: int | UnsetType = UNSET
    values: Sequence[str] | UnsetType = UNSET


class ComponentInteraction(msgspec.Struct, frozen=True):
    """Body of POST /interactions for a button. Source: wire notes 3.3."""

    type: int
    application_id: str
    channel_id: str
    session_id: str
    nonce: str
    message_id: str
    message_flags: int
    data: ComponentData
    guild_id: str | UnsetType = UNSET


class ModalText(msgspec.Struct, frozen=True):
    """The text of one text input."""

    custom_id: str
    value: str
    type: int = ComponentType.TEXT_INPUT


class ModalRow(msgspec.Struct, frozen=True):
    """A row of a modal; each holds one text input."""

    components: Sequence[ModalText]
    type: int = ComponentType.ACTION_ROW


class ModalData(msgspec.Struct, frozen=True):
    """A modal and its answer."""

    id: str
    custom_id: str
    components: Sequence[ModalRow]


class ModalInteraction(msgspec.Struct, frozen=True):
    """Body of POST /interactions for a modal. Source: wire notes 3.5."""

    type: int
    application_id: str
    channel_id: str
    session_id: str
    nonce: str
    data: ModalData
    guild_id: str | UnsetType = UNSET


class AttachmentSlot(msgspec.Struct, frozen=True):
    """Where a file's bytes go and how it is named afterwards; `id` may be number or text."""

    upload_url: str
    upload_filename: str
    id: str | int | None = None


class AttachmentSlots(msgspec.Struct, frozen=True):
    """The answer of POST /channels/{channel}/attachments. Shape: one per file asked for."""

    attachments: Sequence[AttachmentSlot]
