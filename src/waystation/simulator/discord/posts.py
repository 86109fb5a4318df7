"""Posts: messages that people and other bots write.

Source: wire notes 1.4; Discord, Create Message.
"""

from __future__ import annotations

from collections import OrderedDict

from waystation.simulator.discord.call import Call, Reply
from waystation.simulator.discord.files import Files
from waystation.simulator.discord.messages import (
    MAX_CONTENT_CHARS,
    Draft,
    Messages,
    Spoken,
    reference,
)
from waystation.simulator.discord.refusals import Refused, error_effect, invalid_form
from waystation.simulator.discord.world import Channel, SimulatedBot
from waystation.simulator.drawing.pictures import UnreadablePicture, look
from waystation.simulator.payload import Payload
from waystation.wire.message import MessageType

__all__ = ["Posts", "read_content"]

_KEPT_NONCES = 1_000


class Posts:
    """Takes what is written."""

    def __init__(self, files: Files, messages: Messages) -> None:
        self._files = files
        self._messages = messages
        self._nonces: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        """Channel, author and nonce of the messages sent last, and their ids."""

    def send(self, call: Call, channel: Channel) -> Reply:
        """Write a message down and tell the channel.

        Raises: Refused: nothing is said, or it answers a message that is not there
        """
        content = read_content(call)
        attachments = self._attach(call, channel)
        speaks_freely = isinstance(call.caller, SimulatedBot)  # of users no embed is taken
        embeds = tuple(call.body.objects("embeds")) if speaks_freely else ()
        rows = tuple(call.body.objects("components")) if speaks_freely else ()
        if not content and not attachments and not embeds and not rows:
            raise Refused(error_effect("empty_message"))
        nonce = call.body.json.get("nonce")
        echo = {"nonce": nonce} if nonce is not None else {}
        earlier = self._said_already(call, channel, nonce)
        if earlier is not None:
            return Reply(earlier | echo)
        answered = self._answered(call, channel)
        spoken = Spoken(
            channel,
            call.caller.user,
            Draft(content, embeds, rows, flags=int(call.body.json.get("flags") or 0)),
            MessageType.REPLY if answered else MessageType.DEFAULT,
            nonce=None if nonce is None else str(nonce),
            extra={"attachments": attachments} | answered,
        )
        message, event = self._messages.create(spoken)
        self._nonces[channel.id, call.caller.user_id, str(nonce)] = message["id"]
        if len(self._nonces) > _KEPT_NONCES:
            self._nonces.popitem(last=False)
        announce = self._messages.announce
        return Reply(message | echo, after=lambda: announce("MESSAGE_CREATE", event))

    def _said_already(self, call: Call, channel: Channel, nonce: object) -> Payload | None:
        """Return the message that has a nonce already, where the caller wants it to be unique."""
        if nonce is None or call.body.json.get("enforce_nonce") is not True:
            return None
        said = self._nonces.get((channel.id, call.caller.user_id, str(nonce)))
        return None if said is None else self._messages.get(channel.id, said)

    def _answered(self, call: Call, channel: Channel) -> Payload:
        """Return the fields of a reply: which message, and the message. Source: Discord, replies"""
        named = call.body.json.get("message_reference")
        if not isinstance(named, dict):
            return {}
        target = self._messages.get(channel.id, str(named.get("message_id")))
        if target is not None:
            return reference(channel, target)
        if named.get("fail_if_not_exists") is False:
            return {}
        raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")

    def _attach(self, call: Call, channel: Channel) -> list[Payload]:
        """Return the attachments of a message, from slots and from the request itself."""
        pictures = [
            self._files.keep(part.filename, part.data, part.content_type, call.caller.user_id)
            for part in call.body.files.values()
        ]
        for attachment in call.body.objects("attachments"):
            name = attachment.get("uploaded_filename") or attachment.get("upload_filename")
            if name is None:
                continue
            slot = self._files.slot(str(name))
            if slot is None or slot.picture is None:
                raise invalid_form("attachments", "UPLOADED_FILE_NOT_FOUND", "Not uploaded.")
            pictures.append(slot.picture)
        return [self._files.attach(p, channel.id, _size(p.data)) for p in pictures]


def read_content(call: Call) -> str:
    """Return the words of a message.

    Raises: Refused: no text, or too long
    """
    content = call.body.json.get("content") or ""
    if not isinstance(content, str) or len(content) > MAX_CONTENT_CHARS:
        raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    return content


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        seen = look(data)
    except UnreadablePicture:
        return None
    return seen.width, seen.height
