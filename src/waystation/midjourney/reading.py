"""Read what one bot message says, before knowing whose it is.

`read` is tolerant: fields may be missing or unknown, and a partial update says only what it holds.
Its kind is told by the rows of replies.py.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from msgspec import UNSET

from waystation.jobs import Shown
from waystation.midjourney.buttons import buttons_of, message_hash
from waystation.midjourney.captions import Caption
from waystation.midjourney.layout import unfolded
from waystation.midjourney.refusals import Meaning
from waystation.midjourney.replies import REPLIES, ReplyKind, facts, meaning_of, rich_embeds
from waystation.midjourney.results import seed_of
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID
from waystation.wire.message import Embed, Message, MessageFlag

__all__ = ["Reading", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One message, read."""

    kind: ReplyKind
    shown: Shown
    from_bot: bool | None
    """True: Midjourney sent it; None: a partial update does not say (R18)."""
    addressee: str | None
    """The Discord user it answers, when it says so."""
    nonce: str | None
    interaction_id: str | None
    command: str | None
    """The slash command's name, for a command's response."""
    reference_id: str | None
    """The message it replies to."""
    upload_name: str | None
    """File name of the picture that an answer shows again."""
    ephemeral: bool
    """True: Discord shows it to the addressed user alone."""
    says_something: bool
    """True: it has content, embeds or attachments."""
    meaning: Meaning | None
    """Set for errors."""
    caption: Caption | None = None
    """Set when the content is one."""
    seed_hash: str | None = None
    """The uuid of the job whose seed it tells."""


def read(message: Message) -> Reading:
    """Read one message.

    Returns: a reading of kind UNRECOGNISED when no row fits
    """
    message = unfolded(message)
    said = facts(message)
    row = next((row for row in REPLIES if row.fits(said)), None)
    kind = ReplyKind.UNRECOGNISED if row is None else row.kind
    shown = (
        _info_shown(message, said.embed)
        if kind is ReplyKind.INFO
        else _shown(message, said.caption)
    )
    if row is not None and row.result is not None:
        shown = replace(shown, result=row.result(message))
    seed = seed_of(said.content) if kind is ReplyKind.SEED else None
    if seed is not None:
        # its pictures are named after the job that they are of
        shown = replace(shown, hash=None)
    interaction = message.interaction_metadata or message.interaction
    return Reading(
        kind=kind,
        shown=shown,
        from_bot=_from_bot(message),
        addressee=_addressee(message),
        nonce=None if message.nonce is None else str(message.nonce),
        interaction_id=None if interaction is None else interaction.id,
        command=said.command or None,
        reference_id=(
            None if message.message_reference is None else message.message_reference.message_id
        ),
        upload_name=_upload_name(said.embed),
        ephemeral=bool((message.flags or 0) & MessageFlag.EPHEMERAL),
        says_something=bool(message.content or said.embed or message.attachments),
        meaning=meaning_of(said) if kind is ReplyKind.ERROR else None,
        caption=said.caption,
        seed_hash=None if seed is None else seed[0],
    )


def _shown(message: Message, caption: Caption | None = None) -> Shown:
    return Shown(
        message_id=message.id,
        timestamp=message.timestamp or None,
        content=None if message.content is UNSET else message.content,
        embeds=rich_embeds(message),
        attachments=tuple(message.attachments or ()),
        hash=message_hash(message),
        progress=None if caption is None else caption.percent,
        flags=None if message.flags is UNSET else message.flags,
        buttons=buttons_of(message),
    )


def _info_shown(message: Message, embed: Embed | None) -> Shown:
    """Show the embed's text as content too. Source: v2 notes 6.6, `content`."""
    shown = _shown(message)
    if shown.content or embed is None:
        return shown
    return replace(shown, content=embed.description)


def _from_bot(message: Message) -> bool | None:
    if message.application_id is not None:
        return message.application_id == MIDJOURNEY_APPLICATION_ID and (
            message.author is UNSET or message.author.id == MIDJOURNEY_APPLICATION_ID
        )
    if message.author is UNSET:
        return None
    return message.author.id == MIDJOURNEY_APPLICATION_ID


def _addressee(message: Message) -> str | None:
    for interaction in (message.interaction_metadata, message.interaction):
        if interaction is not None and interaction.user is not None:
            return interaction.user.id
    mentions = message.mentions or ()
    return mentions[0].id if len(mentions) == 1 else None


def _upload_name(embed: Embed | None) -> str | None:
    if embed is None or embed.image is None or not embed.image.url:
        return None
    try:
        path = urlsplit(embed.image.url).path
    except ValueError:
        return None
    return unquote(path.rpartition("/")[2]) or None
