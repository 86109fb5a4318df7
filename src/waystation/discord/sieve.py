"""Sieve: which messages of the gateway can concern an account, told before they are decoded whole.

How it works: a session hears every message of every channel that its user can see; few are about
the account. A message is decoded in two steps: its head, some five fields, and the whole of it only
where the head does not rule it out. Where the head does not say, the message is kept.

Rules: what is dropped here, matching would ignore as well (R18): another bot's or a person's
message, a message for another user, and a guild's message outside the account's channel. Direct
messages are kept: the bot tells seeds there (wire notes 4.10).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from waystation.ports import Interest
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = ["MessageHead", "concerns"]


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Asked(msgspec.Struct, frozen=True):
    user: _Named | None = None


class MessageHead(msgspec.Struct, frozen=True):
    """The part of a message that tells whom it concerns."""

    channel_id: str
    guild_id: str | None = None
    author: _Named | UnsetType = UNSET
    application_id: str | None = None
    mentions: Sequence[_Named] | UnsetType = UNSET
    interaction: _Asked | None = None
    interaction_metadata: _Asked | None = None


def concerns(head: MessageHead, interest: Interest) -> bool:
    """Tell whether a message can concern an account."""
    if head.channel_id != interest.channel:
        return head.guild_id is None
    return _may_be_midjourneys(head) and _addressee(head) in (None, interest.discord_user_id)


def _may_be_midjourneys(head: MessageHead) -> bool:
    author = MIDJOURNEY_APPLICATION_ID if head.author is UNSET else head.author.id
    return {author, head.application_id or author} == {MIDJOURNEY_APPLICATION_ID}


def _addressee(head: MessageHead) -> str | None:
    for asked in (head.interaction_metadata, head.interaction):
        if asked is not None and asked.user is not None:
            return asked.user.id
    mentions = head.mentions or ()
    return mentions[0].id if len(mentions) == 1 else None
