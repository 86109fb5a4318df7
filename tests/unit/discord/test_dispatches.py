"""From dispatches to gateway events."""

from __future__ import annotations

import msgspec
import pytest

from waystation.discord.dispatches import (
    COMMAND_INDEX_UPDATE,
    DISPATCHES,
    read_dispatch,
    read_outdated_guild,
)
from waystation.errors import RemoteProtocolError
from waystation.gateway_events import (
    GatewayEvent,
    HumanCheckSeen,
    IframeSeen,
    InteractionTold,
    MessageGone,
    MessageSeen,
    ModalSeen,
    SeenAs,
    ToldAs,
)
from waystation.ports import Interest
from waystation.wire.gateway import Frame, Opcode
from waystation.wire.interaction import IframeModalCreated, ModalCreated
from waystation.wire.message import Message


def dispatch(name: str | None, payload: object) -> Frame:
    return Frame(Opcode.DISPATCH, msgspec.Raw(msgspec.json.encode(payload)), 7, name)


MESSAGE = {"id": "5", "channel_id": "3333"}
TOLD = {"id": "10", "nonce": "140"}
READY = {"session_id": "s", "user": {"id": "1"}}
CHECK = "Discord asks the account's owner to act: REQUIRE_VERIFIED_PHONE"

ROWS: list[tuple[str, object, list[GatewayEvent]]] = [
    ("MESSAGE_CREATE", MESSAGE, [MessageSeen(SeenAs.CREATED, Message("5", "3333"), 7)]),
    ("MESSAGE_UPDATE", MESSAGE, [MessageSeen(SeenAs.UPDATED, Message("5", "3333"), 7)]),
    ("MESSAGE_DELETE", MESSAGE, [MessageGone("5", "3333", 7)]),
    (
        "MESSAGE_DELETE_BULK",
        {"ids": ["5", "6"], "channel_id": "3333"},
        [MessageGone("5", "3333", 7), MessageGone("6", "3333", 7)],
    ),
    ("INTERACTION_CREATE", TOLD, [InteractionTold(ToldAs.CREATED, "10", "140", 7)]),
    (
        "INTERACTION_SUCCESS",
        {"id": "10", "nonce": 140},
        [InteractionTold(ToldAs.SUCCEEDED, "10", "140", 7)],
    ),
    (
        "INTERACTION_FAILURE",
        {"id": "10", "reason_code": 2},
        [InteractionTold(ToldAs.FAILED, "10", None, 7)],
    ),
    ("INTERACTION_MODAL_CREATE", {"id": "10"}, [ModalSeen(ModalCreated("10"), 7)]),
    ("INTERACTION_IFRAME_MODAL_CREATE", {"id": "10"}, [IframeSeen(IframeModalCreated("10"), 7)]),
    ("READY", READY, []),
    (
        "READY",
        READY | {"required_action": "REQUIRE_VERIFIED_PHONE"},
        [HumanCheckSeen(CHECK, fatal=False, sequence=7)],
    ),
    (
        "USER_REQUIRED_ACTION_UPDATE",
        {"required_action": "REQUIRE_VERIFIED_PHONE"},
        [HumanCheckSeen(CHECK, fatal=False, sequence=7)],
    ),
    ("USER_REQUIRED_ACTION_UPDATE", {"required_action": None}, []),
    ("PRESENCE_UPDATE", {"anything": ["at all"]}, []),
]


@pytest.mark.parametrize(("name", "payload", "events"), ROWS)
def test_a_dispatch_becomes_gateway_events(
    name: str, payload: object, events: list[GatewayEvent]
) -> None:
    assert list(read_dispatch(dispatch(name, payload))) == events


def test_every_row_of_the_table_is_tested() -> None:
    assert set(DISPATCHES) <= {name for name, _, _ in ROWS}


OURS = Interest("3333", "1111")


@pytest.mark.parametrize(
    ("channel_id", "addressee", "heard"),
    [("3333", "1111", 1), ("3333", "2222", 0), ("4444", "1111", 0)],
)
def test_a_message_that_cannot_concern_the_account_says_nothing(
    channel_id: str, addressee: str, heard: int
) -> None:
    message = {
        "id": "5",
        "channel_id": channel_id,
        "guild_id": "7",
        "interaction_metadata": {"id": "9", "user": {"id": addressee}},
    }
    assert len(read_dispatch(dispatch("MESSAGE_CREATE", message), OURS)) == heard


def test_a_dispatch_without_a_name_says_nothing() -> None:
    assert read_dispatch(dispatch(None, {})) == ()


@pytest.mark.parametrize("name", DISPATCHES)
def test_a_known_dispatch_that_cannot_be_read_is_an_error_of_discord(name: str) -> None:
    with pytest.raises(RemoteProtocolError, match=name):
        read_dispatch(dispatch(name, ["not", "an", "object"]))


@pytest.mark.parametrize("name", DISPATCHES)
@pytest.mark.parametrize(
    "payload", [b'{"a":' + b"[" * 100_000, b'{"a":' + b'{"a":' * 100_000, b"\xff"]
)
def test_a_known_dispatch_too_deep_or_in_no_encoding_is_an_error_of_discord(
    name: str, payload: bytes
) -> None:
    frame = Frame(Opcode.DISPATCH, msgspec.Raw(payload), 7, name)
    with pytest.raises(RemoteProtocolError, match=name):
        read_dispatch(frame)
    with pytest.raises(RemoteProtocolError, match=name):
        read_outdated_guild(frame)


def test_a_command_index_update_names_its_guild() -> None:
    assert read_outdated_guild(dispatch(COMMAND_INDEX_UPDATE, {"guild_id": "2222"})) == "2222"
    with pytest.raises(RemoteProtocolError):
        read_outdated_guild(dispatch(COMMAND_INDEX_UPDATE, {}))
