"""Discord messages as the gateway and the history carry them.

Everything but the id is optional: a MESSAGE_UPDATE may be partial (wire notes 2.7). `UNSET` means
that the field was not sent, which is not the same as null or empty.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "Attachment",
    "Channel",
    "Component",
    "ComponentType",
    "Embed",
    "EmbedFooter",
    "EmbedImage",
    "Emoji",
    "GalleryItem",
    "InteractionMetadata",
    "Media",
    "Message",
    "MessageFlag",
    "MessageInteraction",
    "MessageReference",
    "MessageType",
    "RefreshedLink",
    "RefreshedLinks",
    "SelectOption",
    "User",
]


class MessageType(IntEnum):
    """Kinds of messages the bot sends. Source: Discord's message type table."""

    DEFAULT = 0
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    CONTEXT_MENU_COMMAND = 23


class MessageFlag(IntEnum):
    """Bits of `flags`, plain numbers: each message is tested for several.

    Source: Discord's message flag table.
    """

    SUPPRESS_EMBEDS = 4
    EPHEMERAL = 64
    LOADING = 128
    COMPONENTS_V2 = 1 << 15


class ComponentType(IntEnum):
    """Kinds of components. Source: Discord's component type table."""

    ACTION_ROW = 1
    BUTTON = 2
    SELECT = 3
    TEXT_INPUT = 4
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    CONTAINER = 17


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """Author, mention or invoker."""

    id: str
    username: str = ""
    bot: bool = False


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of a message. `url` is a signed URL."""

    id: str
    filename: str = ""
    url: str = ""
    proxy_url: str | None = None
    content_type: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None


class EmbedImage(msgspec.Struct, frozen=True, omit_defaults=True):
    """The picture of an embed. Units: pixels."""

    url: str | None = None
    proxy_url: str | None = None
    width: int | None = None
    height: int | None = None


class EmbedFooter(msgspec.Struct, frozen=True, omit_defaults=True):
    """The small line under an embed."""

    text: str | None = None


class Embed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rich block of a message; the bot's answers and errors are such blocks."""

    type: str | None = None
    title: str | None = None
    description: str | None = None
    color: int | None = None
    image: EmbedImage | None = None
    footer: EmbedFooter | None = None
    content_scan_version: int | None = None


class Emoji(msgspec.Struct, frozen=True, omit_defaults=True):
    """The emoji of a button that has no label."""

    name: str | None = None


class SelectOption(msgspec.Struct, frozen=True):
    """One entry of a select menu; `default` marks what is chosen now."""

    label: str = ""
    value: str = ""
    default: bool = False


class Media(msgspec.Struct, frozen=True):
    """A picture or file inside a component. Source: Discord, unfurled media item."""

    url: str = ""
    proxy_url: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    attachment_id: str | None = None


class GalleryItem(msgspec.Struct, frozen=True):
    """One entry of a media gallery."""

    media: Media | None = None


class Component(msgspec.Struct, frozen=True):
    """A row, button, or a part of a message that is laid out by components alone."""

    type: int = 0
    custom_id: str | None = None
    label: str | None = None
    style: int | None = None
    url: str | None = None
    emoji: Emoji | None = None
    disabled: bool = False
    components: Sequence[Component] = ()
    options: Sequence[SelectOption] = ()
    value: str | None = None
    """The text that a modal's input holds already."""
    required: bool = True
    content: str | None = None
    """The words of a text display."""
    accessory: Component | None = None
    """The accessory of a section: a button or a thumbnail."""
    items: Sequence[GalleryItem] = ()
    media: Media | None = None
    """The picture of a thumbnail."""
    file: Media | None = None


class MessageInteraction(msgspec.Struct, frozen=True):
    """Deprecated `interaction` field of a command's response. Source: wire notes 2.7."""

    id: str
    name: str = ""
    user: User | None = None


class InteractionMetadata(msgspec.Struct, frozen=True):
    """`interaction_metadata`: which interaction made this message, and whose it was."""

    id: str
    name: str | None = None
    user: User | None = None


class MessageReference(msgspec.Struct, frozen=True):
    """The message replied to."""

    message_id: str | None = None
    channel_id: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A message created, updated, or read from history."""

    id: str
    channel_id: str
    type: int | UnsetType = UNSET
    guild_id: str | None = None
    author: User | UnsetType = UNSET
    application_id: str | None = None
    content: str | UnsetType = UNSET
    nonce: str | int | None = None
    flags: int | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    mentions: Sequence[User] | UnsetType = UNSET
    attachments: Sequence[Attachment] | UnsetType = UNSET
    embeds: Sequence[Embed] | UnsetType = UNSET
    components: Sequence[Component] | UnsetType = UNSET
    interaction: MessageInteraction | None = None
    interaction_metadata: InteractionMetadata | None = None
    message_reference: MessageReference | None = None


class RefreshedLink(msgspec.Struct, frozen=True):
    """A signed link and the one that stands for it now; None where it cannot be renewed."""

    original: str
    refreshed: str | None = None


class RefreshedLinks(msgspec.Struct, frozen=True):
    """The answer of POST /attachments/refresh-urls. Source: wire notes 1.6."""

    refreshed_urls: Sequence[RefreshedLink] = ()


class Channel(msgspec.Struct, frozen=True):
    """A channel. Recipients of direct messages come as users or, in the newer form, as ids."""

    id: str
    type: int = 0
    guild_id: str | None = None
    recipients: Sequence[User] = ()
    recipient_ids: Sequence[str] = ()
