"""Gateway frames: what is read, what is said, and that no token shows."""

from __future__ import annotations

import msgspec
import pytest

from waystation.wire import gateway
from waystation.wire.gateway import (
    ClientFrame,
    CloseCode,
    CommandIndexUpdate,
    Frame,
    GatewayAddress,
    Hello,
    Identify,
    Opcode,
    Properties,
    Ready,
    RequiredActionUpdate,
    Resume,
)

PROPERTIES = Properties("linux", "Waystation", "Waystation")


def test_a_frame_keeps_its_payload_undecoded() -> None:
    frame = msgspec.json.decode(b'{"op":0,"t":"X","s":3,"d":{"a":[1]},"new":1}', type=Frame)
    assert (frame.op, frame.t, frame.s, bytes(frame.d)) == (0, "X", 3, b'{"a":[1]}')


def test_a_frame_without_a_payload_reads_as_null() -> None:
    frame = msgspec.json.decode(b'{"op":11}', type=Frame)
    assert (bytes(frame.d), frame.s, frame.t) == (b"null", None, None)


def test_ready_needs_little_and_ignores_the_rest() -> None:
    ready = msgspec.json.decode(
        b'{"v":9,"session_id":"s","user":{"id":"1","flags":0},"guilds":[]}', type=Ready
    )
    assert (ready.session_id, ready.user.id, ready.resume_gateway_url) == ("s", "1", None)
    assert ready.required_action is None


@pytest.mark.parametrize("secret", [Identify("tok", PROPERTIES), Resume("tok", "session", 4)])
def test_an_object_with_a_token_hides_it(secret: Identify | Resume) -> None:
    assert "tok" not in repr(secret)
    assert "tok" not in repr(ClientFrame(Opcode.IDENTIFY, secret))
    assert b'"tok"' in msgspec.json.encode(secret)


def test_an_identify_asks_for_nothing_more() -> None:
    """Source: wire notes 2.4."""
    sent = Identify("tok", PROPERTIES)
    assert (sent.capabilities, sent.compress) == (0, False)


def test_a_heartbeat_is_two_fields() -> None:
    assert msgspec.json.encode(ClientFrame(Opcode.HEARTBEAT, None)) == b'{"op":1,"d":null}'


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"heartbeat_interval":41250,"_trace":[]}', Hello(41250)),
        (b'{"required_action":null}', RequiredActionUpdate()),
        (b'{"guild_id":"2"}', CommandIndexUpdate("2")),
        (b'{"url":"ws://127.0.0.1:9"}', GatewayAddress("ws://127.0.0.1:9")),
    ],
)
def test_payloads_ignore_unknown_fields(payload: bytes, value: object) -> None:
    assert msgspec.json.decode(payload, type=type(value)) == value


@pytest.mark.parametrize("guilds", [b'{"a":1}', b'[{"channels":[{"last_message_id":"\xff"}]}]'])
def test_guilds_and_channels_of_another_shape_say_nothing(guilds: bytes) -> None:
    ready = msgspec.json.decode(
        b'{"session_id":"s","user":{"id":"1"},"guilds":' + guilds + b","
        b'"private_channels":[{"id":"5","last_message_id":"1400000000000000077"}]}',
        type=Ready,
    )
    assert ready.newest == "1400000000000000077"


def test_opcodes_and_close_codes_have_discords_numbers() -> None:
    """discord.py has the same ones."""
    assert [*Opcode] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 14, 37, 40]
    assert [*CloseCode] == [1000, 1001, *range(4000, 4006), *range(4007, 4017)]


def test_shapes_of_the_wire_are_values() -> None:
    shapes = [one for one in vars(gateway).values() if isinstance(one, msgspec.StructMeta)]
    assert shapes
    assert [one.__name__ for one in shapes if not one.__struct_config__.frozen] == []
