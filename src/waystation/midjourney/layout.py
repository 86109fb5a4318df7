"""Messages that are laid out by components alone, read as messages of the older form.

With the flag COMPONENTS_V2 a message has no content and no attachments of its own: its words stand
in text displays, its pictures in galleries and thumbnails, its buttons beside a section as well as
in rows. Midjourney has not been seen to send such messages; Discord lets every bot do so.
Source: Discord, component reference.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import UNSET

from waystation.midjourney.buttons import all_components
from waystation.wire.message import (
    Attachment,
    Component,
    ComponentType,
    Media,
    Message,
    MessageFlag,
)

__all__ = ["unfolded"]

_LAID_OUT = frozenset(
    {
        ComponentType.SECTION,
        ComponentType.TEXT_DISPLAY,
        ComponentType.THUMBNAIL,
        ComponentType.MEDIA_GALLERY,
        ComponentType.FILE,
        ComponentType.CONTAINER,
    }
)


def unfolded(message: Message) -> Message:
    """Return a message with its words as content and its pictures as attachments.

    A message of the older form is returned as it is. An update that leaves the components out says
    nothing of either.
    """
    flagged = bool((message.flags or 0) & MessageFlag.COMPONENTS_V2)
    if message.components is UNSET:
        return _silent(message) if flagged else message
    parts = all_components(message.components)
    if not flagged and not any(part.type in _LAID_OUT for part in parts):
        return message
    words = (part.content for part in parts)
    named = tuple(message.attachments or ())
    return msgspec.structs.replace(
        message,
        content="\n".join(filter(None, (message.content or "", *words))),
        attachments=(*named, *_pictures(parts, {one.id for one in named})),
    )


def _silent(message: Message) -> Message:
    return msgspec.structs.replace(message, content=UNSET, attachments=UNSET)


def _pictures(parts: Sequence[Component], named: set[str]) -> Iterator[Attachment]:
    """Yield what the parts show, but for what the message lists by its id already."""
    for part in parts:
        for media in (part.media, part.file, *(item.media for item in part.items)):
            if media is not None and media.attachment_id not in named:
                yield _attachment(media)


def _attachment(media: Media) -> Attachment:
    return Attachment(
        id=media.attachment_id or "",
        filename=_file_name(media.url),
        url=media.url,
        proxy_url=media.proxy_url,
        content_type=media.content_type,
        width=media.width,
        height=media.height,
    )


def _file_name(url: str) -> str:
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""
