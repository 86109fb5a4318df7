"""Messages that are laid out by components alone read like those of the older form."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import UNSET

from tests.golden.corpus import PAYLOADS, message_of
from waystation.midjourney.layout import unfolded
from waystation.midjourney.reading import read
from waystation.wire.message import Message

LAID_OUT = {
    "imagine/v2_container": "imagine/final",
    "imagine/v2_gallery": "imagine/final",
    "imagine/v2_section": "imagine/final",
    "imagine/v2_text": "imagine/progress_31",
}


def _message(**fields: object) -> Message:
    body = {"id": "5", "channel_id": "3"} | fields
    return msgspec.json.decode(json.dumps(body), type=Message)


@pytest.mark.parametrize(("laid_out", "older"), LAID_OUT.items())
def test_words_pictures_and_uuid_are_those_of_the_older_form(laid_out: str, older: str) -> None:
    new = read(message_of(PAYLOADS[laid_out])).shown
    old = read(message_of(PAYLOADS[older])).shown
    assert (new.content, new.hash, new.progress) == (old.content, old.hash, old.progress)
    shown = [(one.id, one.url, one.filename, one.width) for one in new.attachments]
    assert shown == [(one.id, one.url, one.filename, one.width) for one in old.attachments]


@pytest.mark.parametrize("name", ["imagine/v2_container", "imagine/v2_gallery"])
def test_buttons_in_a_container_can_be_pressed(name: str) -> None:
    buttons = read(message_of(PAYLOADS[name])).shown.buttons
    assert buttons == read(message_of(PAYLOADS["imagine/final"])).shown.buttons


def test_a_button_beside_a_section_can_be_pressed() -> None:
    buttons = read(message_of(PAYLOADS["imagine/v2_section"])).shown.buttons
    assert buttons is not None
    assert [button.label for button in buttons] == ["U1"]


def test_a_message_of_the_older_form_is_left_as_it_is() -> None:
    message = message_of(PAYLOADS["imagine/final"])
    assert unfolded(message) is message


def test_an_update_without_components_says_nothing_of_words_and_pictures() -> None:
    message = unfolded(_message(flags=1 << 15, content="", attachments=[]))
    assert message.content is UNSET and message.attachments is UNSET


def test_an_update_without_flags_is_known_by_its_components() -> None:
    message = unfolded(_message(components=[{"type": 10, "content": "**a fox** - <@1> (5%)"}]))
    assert message.content == "**a fox** - <@1> (5%)"


def test_a_picture_that_is_listed_and_shown_is_one_picture() -> None:
    url = "http://127.0.0.1/attachments/3/7/a.png"
    media = {"url": url, "attachment_id": "7"}
    message = unfolded(
        _message(
            attachments=[{"id": "7", "url": url, "filename": "a.png"}],
            components=[{"type": 12, "items": [{"media": media}, {}]}],
        )
    )
    assert message.attachments is not UNSET
    assert [one.id for one in message.attachments] == ["7"]


@pytest.mark.parametrize("url", ["http://[", "", "a%2Fb"])
def test_an_odd_link_names_no_file_and_breaks_nothing(url: str) -> None:
    message = unfolded(_message(components=[{"type": 11, "media": {"url": url}}]))
    assert message.attachments is not UNSET
    assert message.attachments[0].url == url
