"""Messages: whole, partial and nested."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET

from waystation.wire import message
from waystation.wire.message import (
    Attachment,
    Channel,
    ComponentType,
    Embed,
    EmbedFooter,
    EmbedImage,
    Emoji,
    Message,
    MessageFlag,
    MessageType,
    User,
)

WHOLE = b"""{"id":"5","channel_id":"3","type":20,"flags":64,"content":"","nonce":140,
 "author":{"id":"9","username":"Midjourney Bot","bot":true},"mentions":[{"id":"1"}],
 "attachments":[{"id":"7","url":"http://127.0.0.1/a.png","width":3,"height":4}],
 "embeds":[{"title":"Job queued","color":null,"image":{"width":1},"footer":{"text":"/imagine"}}],
 "components":[{"type":1,"components":[{"type":2,"custom_id":"MJ::JOB::1","emoji":{"name":"x"}}]}],
 "interaction_metadata":{"id":"8","user":{"id":"1"}},"message_reference":{"message_id":"4"},
 "unknown":{}}"""


def test_a_whole_message_is_read_with_what_nests_in_it() -> None:
    message = msgspec.json.decode(WHOLE, type=Message)
    assert (message.nonce, message.flags) == (140, MessageFlag.EPHEMERAL)
    assert message.author == User("9", "Midjourney Bot", bot=True)
    assert message.embeds is not UNSET
    assert message.embeds[0].footer is not None and message.embeds[0].title == "Job queued"
    assert message.components is not UNSET
    [button] = message.components[0].components
    assert (button.type, button.custom_id) == (ComponentType.BUTTON, "MJ::JOB::1")


def test_a_partial_update_tells_what_was_not_sent_from_what_is_empty() -> None:
    message = msgspec.json.decode(b'{"id":"5","channel_id":"3","embeds":[]}', type=Message)
    assert message.content is UNSET and message.author is UNSET
    assert list(message.embeds or []) == [] and message.embeds is not UNSET


def test_a_channel_lists_its_recipients_in_either_form() -> None:
    old = msgspec.json.decode(b'{"id":"4","type":1,"recipients":[{"id":"9"}]}', type=Channel)
    new = msgspec.json.decode(b'{"id":"4","type":1,"recipient_ids":["9"]}', type=Channel)
    assert [user.id for user in old.recipients] == list(new.recipient_ids) == ["9"]


def test_parts_of_a_laid_out_message_are_read_with_what_nests_in_them() -> None:
    raw = b"""{"id":"5","channel_id":"3","flags":32768,"components":[{"type":17,"id":1,
     "components":[
     {"type":9,"id":2,"components":[{"type":10,"id":3,"content":"words"}],
      "accessory":{"type":2,"id":4,"custom_id":"MJ::JOB::1"}},
     {"type":12,"id":5,"items":[{"media":{"url":"http://127.0.0.1/a.png","attachment_id":"7"}}]}]}]}"""
    message = msgspec.json.decode(raw, type=Message)
    assert message.components is not UNSET and message.flags == MessageFlag.COMPONENTS_V2
    [container] = message.components
    section, gallery = container.components
    assert section.components[0].content == "words"
    assert section.accessory is not None and section.accessory.custom_id == "MJ::JOB::1"
    assert gallery.items[0].media is not None and gallery.items[0].media.attachment_id == "7"


def test_the_kinds_of_messages_and_components_have_discords_numbers() -> None:
    """discord.py has the same ones."""
    assert [*MessageType] == [0, 19, 20, 23]
    assert [*MessageFlag] == [1 << 2, 1 << 6, 1 << 7, 1 << 15]
    assert [*ComponentType] == [1, 2, 3, 4, 9, 10, 11, 12, 13, 17]


def test_shapes_of_the_wire_are_values() -> None:
    shapes = [one for one in vars(message).values() if isinstance(one, msgspec.StructMeta)]
    assert shapes
    assert [one.__name__ for one in shapes if not one.__struct_config__.frozen] == []


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (User("9"), b'{"id":"9"}'),
        (Attachment("7"), b'{"id":"7"}'),
        (Embed(title="t", image=EmbedImage()), b'{"title":"t","image":{}}'),
        (EmbedFooter(), b"{}"),
        (Emoji(), b"{}"),
    ],
)
def test_a_field_that_discord_left_out_is_left_out_again(said: object, body: bytes) -> None:
    assert msgspec.json.encode(said) == body
