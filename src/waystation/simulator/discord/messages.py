"""Messages: kept as history shows them, announced as the gateway says them.

The two differ. An event has a `guild_id` and, when a message is born, its nonce; history has
neither. An ephemeral message is announced to one user only, without a guild, and is never history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field

from waystation.simulator.discord.components import numbered
from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.sessions import Sessions
from waystation.simulator.discord.world import Channel, User, World
from waystation.simulator.payload import Payload, timestamp
from waystation.wire.message import MessageFlag, MessageType

__all__ = ["MAX_CONTENT_CHARS", "Draft", "Messages", "Spoken", "reference"]

MAX_CONTENT_CHARS = 2000
"""Source: Discord, message limits; nothing longer leaves."""
_MAX_WHISPERS = 1_000
"""Ephemeral messages whose buttons still work; Discord forgets them too."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has an id, a time and an author."""

    content: str = ""
    embeds: tuple[Payload, ...] = ()
    components: tuple[Payload, ...] = ()
    flags: int = 0
    attachments: tuple[Payload, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """The frame of a draft that becomes a message."""

    channel: Channel
    author: User
    draft: Draft
    type: MessageType = MessageType.DEFAULT
    nonce: str | None = None
    listener: str | None = None
    """A user id that alone hears it if it is ephemeral."""
    extra: Payload = field(default_factory=dict)
    """Further fields: interaction, reference, attachments, application."""


class Messages:
    """History of every channel, and the events that change it."""

    def __init__(self, world: World, ids: Ids, now: Now, sessions: Sessions) -> None:
        self._world = world
        self._ids = ids
        self._now = now
        self._sessions = sessions
        self._history: dict[str, list[Payload]] = {}
        self._order: dict[str, list[int]] = {}
        self._whispers: OrderedDict[str, tuple[str | None, Payload]] = OrderedDict()

    def create(self, spoken: Spoken) -> tuple[Payload, Payload]:
        """Write a message down.

        Returns: the message as history keeps it, and its event, not yet announced
        """
        message = self._compose(spoken)
        if spoken.draft.flags & MessageFlag.EPHEMERAL:
            self._whisper(message, spoken.listener)
        else:
            self._keep(spoken.channel.id, message)
        event = self._event(message, spoken.channel)
        if spoken.nonce is not None:
            event["nonce"] = spoken.nonce
        return message, event

    def _compose(self, spoken: Spoken) -> Payload:
        draft = spoken.draft
        body: Payload = {
            "id": self._ids.snowflake(),
            "channel_id": spoken.channel.id,
            "type": int(spoken.type),
            "content": draft.content[:MAX_CONTENT_CHARS],
            "flags": draft.flags,
            "timestamp": timestamp(self._now()),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": list(draft.attachments),
            "embeds": list(draft.embeds),
            "components": numbered(draft.components),
            "pinned": False,
            "author": spoken.author.payload(),
        }
        return body | spoken.extra

    def _keep(self, channel_id: str, message: Payload) -> None:
        history = self._history.setdefault(channel_id, [])
        order = self._order.setdefault(channel_id, [])
        history.append(message)
        order.append(int(message["id"]))
        self._world.newest[channel_id] = message["id"]
        excess = len(history) - self._world.options.history_limit
        if excess > 0:
            del history[:excess], order[:excess]

    def _whisper(self, message: Payload, listener: str | None) -> None:
        """Remember an ephemeral message, so that its listener can press its buttons."""
        self._whispers[message["id"]] = (listener, message)
        if len(self._whispers) > _MAX_WHISPERS:
            self._whispers.popitem(last=False)

    def edit(self, message: Payload, draft: Draft, *, partial: bool = False) -> Payload:
        """Change a message in place.

        Args: partial: the event carries only what changed (wire notes 2.7)
        Returns: the event, not yet announced
        """
        changed: Payload = {
            "content": draft.content[:MAX_CONTENT_CHARS],
            "attachments": list(draft.attachments),
            "embeds": list(draft.embeds),
            "components": numbered(draft.components),
            "flags": draft.flags,
            "edited_timestamp": timestamp(self._now()),
        }
        differing = {key: value for key, value in changed.items() if message[key] != value}
        message.update(changed)
        channel = self._world.channels[message["channel_id"]]
        if not partial:
            return self._event(message, channel)
        return self._event({key: message[key] for key in ("id", "channel_id")}, channel) | differing

    def announce(self, name: str, event: Payload, listener: str | None = None) -> None:
        """Dispatch a message event to the channel, or to one user alone."""
        if listener is not None:
            event = {key: value for key, value in event.items() if key != "guild_id"}
            self._sessions.publish_message((listener,), name, event)
            return
        members = self._world.channels[event["channel_id"]].members
        self._sessions.publish_message(members, name, event)

    def delete(self, message: Payload) -> Payload:
        """Take a message out of history; return the event, not yet announced."""
        channel_id = message["channel_id"]
        index = self._find(channel_id, int(message["id"]))
        if index is not None:
            del self._history[channel_id][index], self._order[channel_id][index]
        bare = {"id": message["id"], "channel_id": channel_id}
        return self._event(bare, self._world.channels[channel_id])

    def get(self, channel_id: str, message_id: str) -> Payload | None:
        """Return one message of history."""
        index = self._find(channel_id, int(message_id)) if message_id.isdigit() else None
        return None if index is None else self._history[channel_id][index]

    def seen_by(self, user_id: str, channel_id: str, message_id: str) -> Payload | None:
        """Return a message that a user can see there, an ephemeral one included."""
        listener, message = self._whispers.get(message_id, (None, None))
        if message is not None and listener == user_id and message["channel_id"] == channel_id:
            return message
        return self.get(channel_id, message_id)

    def read(
        self,
        channel_id: str,
        limit: int = 50,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
    ) -> list[Payload]:
        """Return a part of history, newest first. Source: wire notes 1.4"""
        history = self._history.get(channel_id, [])
        order = self._order.get(channel_id, [])
        if around is not None:
            first = max(0, bisect_left(order, around) - limit // 2)
            part = history[first : first + limit]
        elif after is not None:
            first = bisect_left(order, after + 1)
            part = history[first : first + limit]
        else:
            last = len(order) if before is None else bisect_left(order, before)
            part = history[max(0, last - limit) : last]
        return part[::-1]

    def clear(self) -> None:
        """Forget all history."""
        self._history.clear()
        self._order.clear()
        self._whispers.clear()

    def _find(self, channel_id: str, number: int) -> int | None:
        order = self._order.get(channel_id, [])
        index = bisect_left(order, number)
        return index if index < len(order) and order[index] == number else None

    @staticmethod
    def _event(message: Payload, channel: Channel) -> Payload:
        return message | ({"guild_id": channel.guild_id} if channel.guild_id else {})


def reference(channel: Channel, target: Payload) -> Payload:
    """Write which message is replied to, and the message itself."""
    body: Payload = {"type": 0, "channel_id": target["channel_id"], "message_id": target["id"]}
    if channel.guild_id:
        body["guild_id"] = channel.guild_id
    inner = {key: value for key, value in target.items() if key != "referenced_message"}
    return {"message_reference": body, "referenced_message": inner}
