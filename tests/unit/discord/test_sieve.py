"""The first look at a message."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.golden.corpus import MESSAGES, message_of
from waystation.discord.dispatches import read_dispatch
from waystation.discord.sieve import MessageHead, concerns
from waystation.errors import RemoteProtocolError
from waystation.midjourney.reading import read
from waystation.ports import Interest
from waystation.wire.gateway import Frame, Opcode
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

HERE, ME = "3333", "42"
INTEREST = Interest(HERE, ME)
BOT = {"id": MIDJOURNEY_APPLICATION_ID, "username": "bot"}
OTHER = {"id": "43", "username": "other"}
ASKED = {"id": "7", "type": 2, "name": "imagine"}
MINE = ASKED | {"user": {"id": ME, "username": "me"}}
THEIRS = ASKED | {"user": OTHER}

ROWS: list[tuple[dict[str, Any], bool]] = [
    ({"channel_id": HERE}, True),
    ({"channel_id": HERE, "author": BOT}, True),
    ({"channel_id": HERE, "author": OTHER}, False),
    ({"channel_id": HERE, "application_id": MIDJOURNEY_APPLICATION_ID}, True),
    ({"channel_id": HERE, "application_id": MIDJOURNEY_APPLICATION_ID, "author": OTHER}, False),
    ({"channel_id": HERE, "application_id": "5", "author": BOT}, False),
    ({"channel_id": HERE, "author": BOT, "interaction": MINE}, True),
    ({"channel_id": HERE, "author": BOT, "interaction": THEIRS}, False),
    ({"channel_id": HERE, "interaction_metadata": THEIRS}, False),
    ({"channel_id": HERE, "interaction_metadata": MINE, "interaction": THEIRS}, True),
    ({"channel_id": HERE, "interaction_metadata": ASKED, "interaction": THEIRS}, False),
    ({"channel_id": HERE, "author": BOT, "mentions": [OTHER]}, False),
    ({"channel_id": HERE, "author": BOT, "mentions": [MINE["user"]]}, True),
    ({"channel_id": HERE, "author": BOT, "mentions": [OTHER, OTHER]}, True),
    ({"channel_id": "4444", "guild_id": "5", "author": BOT, "interaction": MINE}, False),
    ({"channel_id": "4444", "author": BOT}, True),
]


@pytest.mark.parametrize(("head", "does"), ROWS)
def test_a_head_tells_whether_a_message_can_concern_the_account(
    head: dict[str, Any], does: bool
) -> None:
    payload = msgspec.json.encode({"id": "5"} | head)
    assert concerns(msgspec.json.decode(payload, type=MessageHead), INTEREST) is does
    frame = Frame(Opcode.DISPATCH, msgspec.Raw(payload), 7, "MESSAGE_CREATE")
    assert bool(read_dispatch(frame, INTEREST)) is does
    assert len(read_dispatch(frame)) == 1


@pytest.mark.parametrize("head", [head for head, does in ROWS if not does])
def test_a_foreign_message_is_decoded_as_far_as_its_head(head: dict[str, Any]) -> None:
    # no Message can be made of these, so that whoever decodes one whole fails
    broken = {"id": 1, "content": 1, "embeds": 1, "components": 1} | head
    frame = Frame(Opcode.DISPATCH, msgspec.Raw(msgspec.json.encode(broken)), 7, "MESSAGE_UPDATE")
    assert read_dispatch(frame, INTEREST) == ()
    with pytest.raises(RemoteProtocolError):
        read_dispatch(frame)


@pytest.mark.parametrize("golden", MESSAGES, ids=str)
def test_only_messages_are_dropped_that_matching_ignores(golden: Any) -> None:
    message = message_of(golden)
    head = msgspec.json.decode(msgspec.json.encode(message), type=MessageHead)
    reading = read(message)
    for user in (reading.addressee or ME, ME):
        ignored = reading.from_bot is False or reading.addressee not in (None, user)
        assert concerns(head, Interest(message.channel_id, user)) is not ignored
