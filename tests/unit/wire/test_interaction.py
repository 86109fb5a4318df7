"""Interaction payloads in both directions."""

from __future__ import annotations

import msgspec
import pytest

from waystation.wire import interaction
from waystation.wire.interaction import (
    ApplicationCommand,
    AttachmentSlot,
    AttachmentSlots,
    CommandData,
    CommandInteraction,
    IframeModalCreated,
    InteractionEvent,
    InteractionType,
    MessageDeleted,
    MessagesDeleted,
    ModalCreated,
)


@pytest.mark.parametrize(("raw", "slot_id"), [(b"0", 0), (b'"0"', "0")])
def test_the_id_of_an_upload_slot_may_be_number_or_text(raw: bytes, slot_id: str | int) -> None:
    body = b'{"attachments":[{"id":' + raw + b',"upload_url":"u","upload_filename":"f"}]}'
    slots = msgspec.json.decode(body, type=AttachmentSlots)
    assert list(slots.attachments) == [AttachmentSlot("u", "f", slot_id)]


@pytest.mark.parametrize("nonce", ["1", 1, None])
def test_the_nonce_of_an_interaction_event_may_be_text_number_or_nothing(
    nonce: str | int | None,
) -> None:
    body = msgspec.json.encode({"id": "9", "nonce": nonce, "new": True})
    assert msgspec.json.decode(body, type=InteractionEvent) == InteractionEvent("9", nonce)


def test_a_command_without_a_type_is_a_slash_command() -> None:
    body = b'{"id":"1","application_id":"2","version":"3","name":"info"}'
    assert msgspec.json.decode(body, type=ApplicationCommand).type == 1


def test_an_interaction_leaves_out_the_guild_it_does_not_have() -> None:
    data = CommandData("v", "i", "info", 1, [], [])
    kind = InteractionType.APPLICATION_COMMAND
    in_dm = CommandInteraction(kind, "app", "channel", "session", "nonce", data)
    assert b"guild_id" not in msgspec.json.encode(in_dm)
    assert b'"options":[]' in msgspec.json.encode(in_dm)


def test_events_need_only_their_ids() -> None:
    assert msgspec.json.decode(b'{"id":"1"}', type=ModalCreated).components == ()
    assert msgspec.json.decode(b'{"id":"1"}', type=IframeModalCreated).iframe_path == ""
    gone = msgspec.json.decode(b'{"id":"1","channel_id":"2"}', type=MessageDeleted)
    assert (gone.id, gone.channel_id, gone.guild_id) == ("1", "2", None)
    bulk = msgspec.json.decode(b'{"ids":["1"],"channel_id":"2"}', type=MessagesDeleted)
    assert list(bulk.ids) == ["1"]


def test_the_kinds_of_interactions_have_discords_numbers() -> None:
    assert [*InteractionType] == [2, 3, 4, 5]


def test_shapes_of_the_wire_are_values() -> None:
    shapes = [one for one in vars(interaction).values() if isinstance(one, msgspec.StructMeta)]
    assert shapes
    assert [one.__name__ for one in shapes if not one.__struct_config__.frozen] == []
