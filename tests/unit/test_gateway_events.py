"""Every gateway event that comes with a dispatch carries its sequence (I5)."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    MessageGone,
    MessageSeen,
    Passed,
    SeenAs,
    last_sequence,
    sequence_of,
)
from waystation.wire.message import Message

_OF_THE_CONNECTION = {CaughtUp, Disconnected}


def test_dispatches_have_a_sequence_and_events_of_the_connection_have_none() -> None:
    for event in get_args(GatewayEvent):
        names = {field.name for field in fields(event)}
        assert ("sequence" in names) == (event not in _OF_THE_CONNECTION), event


def test_a_message_read_back_has_no_sequence() -> None:
    assert MessageSeen(SeenAs.HISTORY, Message("1", "2")).sequence is None


def test_the_last_number_of_several_events_is_that_of_the_last_one_that_has_one() -> None:
    history = MessageSeen(SeenAs.HISTORY, Message("1", "2"))
    events: list[GatewayEvent] = [MessageGone("1", "2", 7), Passed(9), history]
    assert [sequence_of(event) for event in events] == [7, 9, None]
    assert last_sequence(events) == 9
    assert last_sequence([history]) is None
