"""Every golden is read as its author expected, whole or in part."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.golden.corpus import MESSAGES, Golden, event_of, message_of
from waystation.gateway_events import MessageSeen
from waystation.jobs import Button
from waystation.midjourney.reading import read
from waystation.midjourney.replies import ReplyKind
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID
from waystation.wire.message import Embed, EmbedImage, Message, User

UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
WARNING = {"type": "rich", "description": "Be nice", "color": 16776960}
INFO = {"type": "rich", "title": "Your info - me", "description": "**Job Mode**: Fast"}


def _said(name: str, **changes: object) -> Message:
    seen = event_of({"see": name, "with": changes})
    assert isinstance(seen, MessageSeen)
    return seen.message


@pytest.mark.parametrize("golden", MESSAGES, ids=str)
def test_a_golden_is_read_as_expected(golden: Golden) -> None:
    reading = read(message_of(golden))
    for name, expected in golden.content["reading"].items():
        if name in ("ending", "code", "error", "details"):
            assert reading.meaning is not None
            assert getattr(reading.meaning, name) == expected, name
        elif name in ("content", "hash", "progress", "result"):
            assert getattr(reading.shown, name) == expected, name
        else:
            assert getattr(reading, name) == expected, name
    assert reading.shown.message_id == golden.content["payload"]["id"]
    assert (reading.meaning is not None) == (reading.kind is ReplyKind.ERROR)


@pytest.mark.parametrize("golden", MESSAGES, ids=str)
def test_a_golden_with_unknown_fields_is_read_the_same(golden: Golden) -> None:
    payload = golden.content["payload"] | {"field_of_tomorrow": {"deep": [1]}}
    decoded = msgspec.json.decode(json.dumps(payload), type=Message)
    assert read(decoded) == read(message_of(golden))


def test_only_the_bots_own_messages_are_from_the_bot() -> None:
    bot, other = User(MIDJOURNEY_APPLICATION_ID), User("1144000000000000066")
    assert read(Message("1", "2", author=bot)).from_bot is True
    assert read(Message("1", "2", application_id=MIDJOURNEY_APPLICATION_ID)).from_bot is True
    assert read(Message("1", "2", author=other)).from_bot is False
    liar = Message("1", "2", author=other, application_id=MIDJOURNEY_APPLICATION_ID)
    assert read(liar).from_bot is False
    assert read(Message("1", "2", application_id="1144000000000000066")).from_bot is False
    assert read(Message("1", "2")).from_bot is None


def test_a_single_mention_addresses_and_two_do_not() -> None:
    ada, ben = User("1144000000000000001"), User("1144000000000000002")
    assert read(Message("1", "2", mentions=(ada,))).addressee == ada.id
    assert read(Message("1", "2", mentions=(ada, ben))).addressee is None


def test_the_older_interaction_field_is_read_where_the_newer_is_missing() -> None:
    golden = next(one for one in MESSAGES if one.name == "describe/acknowledged")
    payload = dict(golden.content["payload"])
    del payload["interaction_metadata"]
    reading = read(msgspec.json.decode(json.dumps(payload), type=Message))
    assert reading.interaction_id == "1400000000000000010"
    assert reading.addressee == "1144000000000000001"
    assert reading.command == "describe"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.0.1:1/a/b/picture-1.png?ex=1", "picture-1.png"),
        ("http://127.0.0.1:1/a/b/two%20words.png", "two words.png"),
        ("http://127.0.0.1:1/", None),
        ("http://[::1/picture-1.png", None),
        (None, None),
    ],
)
def test_the_pictures_file_name_is_read_from_its_link(url: str | None, name: str | None) -> None:
    embed = Embed(type="rich", description="1️⃣ a", image=EmbedImage(url=url))
    assert read(Message("1", "2", embeds=(embed,))).upload_name == name


def test_an_info_shows_its_text_as_content_too() -> None:
    embed = Embed(type="rich", title="Your info - me", description="**Job Mode**: Fast")
    assert read(Message("1", "2", embeds=(embed,))).shown.content == "**Job Mode**: Fast"
    said = Message("1", "2", content="Hello", embeds=(embed,))
    assert read(said).shown.content == "Hello"


def test_an_info_behind_a_warning_shows_its_own_text() -> None:
    reading = read(_said("describe/warning_yellow", embeds=[WARNING, INFO]))
    assert reading.shown.content == "**Job Mode**: Fast"
    assert reading.shown.result == {"info": {"mode": "fast"}}


def test_attachments_and_flags_of_a_message_survive_its_reading() -> None:
    message = _said("imagine/final", flags=64)
    reading = read(message)
    assert reading.shown.attachments == tuple(message.attachments or ())
    assert len(reading.shown.attachments) == 1
    assert reading.shown.flags == 64
    assert reading.ephemeral
    assert reading.shown.buttons is not None
    assert Button("U1", f"MJ::JOB::upsample::1::{UUID}") in reading.shown.buttons
    partial = read(Message("1", "2"))
    assert (partial.shown.attachments, partial.shown.flags, partial.shown.buttons) == (
        (),
        None,
        None,
    )


def test_a_message_shows_when_it_was_sent() -> None:
    message = _said("imagine/final")
    assert message.timestamp
    assert read(message).shown.timestamp == message.timestamp
