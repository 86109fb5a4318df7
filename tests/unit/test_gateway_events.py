"""Every gateway event that comes with a dispatch carries its sequence (I5)."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    MessageSeen,
    SeenAs,
)
from waystation.wire.message import Message

_OF_THE_CONNECTION = {CaughtUp, Disconnected}


def test_dispatches_have_a_sequence_and_events_of_the_connection_have_none() -> None:
    for event in get_args(GatewayEvent):
        names = {field.name for field in fields(event)}
        assert ("sequence" in names) == (event not in _OF_THE_CONNECTION), event


def test_a_message_read_back_has_no_sequence() -> None:
    assert MessageSeen(SeenAs.HISTORY, Message("1", "2")).sequence is None
