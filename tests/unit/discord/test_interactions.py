"""The commands that a place offers, and the interaction that asks one."""

from __future__ import annotations

import msgspec
import pytest

from waystation.actions import AnswerModal, Option, Press, React, Slash, Submission, Uploaded
from waystation.discord.interactions import commands_by_name, encode_interaction
from waystation.errors import LocalProtocolError
from waystation.jobs import Nonce
from waystation.wire.interaction import ApplicationCommand, CommandIndex

INDEX = b"""{"applications":[{"id":"900"}],"version":"1","application_commands":[
 {"id":"1","application_id":"900","version":"11","type":1,"name":"info","options":[{"type":3}]},
 {"id":"2","application_id":"900","version":"12","type":1,"name":"beschreiben",
  "name_default":"describe"},
 {"id":"3","application_id":"900","version":"13","type":3,"name":"Cancel Job"},
 {"id":"4","application_id":"666","version":"14","type":1,"name":"info"},
 {"id":"5","application_id":"900","version":"15","name":"settings"}]}"""


def test_only_slash_commands_of_the_application_count_under_their_default_name() -> None:
    commands = commands_by_name(msgspec.json.decode(INDEX, type=CommandIndex), "900")
    assert {name: command.id for name, command in commands.items()} == {
        "info": "1",
        "describe": "2",
        "settings": "5",
    }


COMMAND = ApplicationCommand("2", "900", "12", "beschreiben", 1, "describe")
SLASH = Slash(
    "describe", [Option(11, "image", 0)], [Uploaded("cat.png", "1b4e28ba/cat.png")]
)  # fmt: skip


@pytest.mark.parametrize("guild_id", ["2222", None])
def test_an_interaction_names_its_guild_only_outside_direct_messages(guild_id: str | None) -> None:
    submission = Submission(Nonce("140"), "3333", guild_id, SLASH)
    said = msgspec.json.decode(encode_interaction(submission, COMMAND, "live-session", "900"))
    place = {} if guild_id is None else {"guild_id": guild_id}
    assert said == place | {
        "type": 2,
        "application_id": "900",
        "channel_id": "3333",
        "session_id": "live-session",
        "nonce": "140",
        "data": {
            "version": "12",
            "id": "2",
            "name": "describe",
            "type": 1,
            "options": [{"type": 11, "name": "image", "value": 0}],
            "attachments": [
                {"id": "0", "filename": "cat.png", "uploaded_filename": "1b4e28ba/cat.png"}
            ],
        },
    }


def test_a_command_without_options_still_sends_empty_lists() -> None:
    submission = Submission(Nonce("1"), "3", None, Slash("describe"))
    data = msgspec.json.decode(encode_interaction(submission, COMMAND, "s", "900"))["data"]
    assert (data["options"], data["attachments"]) == ([], [])


def test_a_subcommand_has_options_and_no_value() -> None:
    text = Option(3, "new_value", "--v 7")
    asks = {"suffix": (text,), "remix": ()}
    for name, options in asks.items():
        slash = Slash("prefer", (Option(1, name, options=options),))
        submission = Submission(Nonce("1"), "3", None, slash)
        data = msgspec.json.decode(encode_interaction(submission, COMMAND, "s", "900"))["data"]
        inner = [{"type": 3, "name": "new_value", "value": "--v 7"}] if options else []
        assert data["options"] == [{"type": 1, "name": name, "options": inner}]


def test_a_press_repeats_the_message_and_its_flags() -> None:
    press = Press("77", 64, "MJ::JOB::upsample::1::x")
    body = encode_interaction(Submission(Nonce("1"), "3", "2", press), None, "s", "900")
    assert msgspec.json.decode(body) == {
        "type": 3,
        "application_id": "900",
        "guild_id": "2",
        "channel_id": "3",
        "session_id": "s",
        "nonce": "1",
        "message_id": "77",
        "message_flags": 64,
        "data": {"component_type": 2, "custom_id": "MJ::JOB::upsample::1::x"},
    }


def test_a_modal_is_answered_under_its_own_ids() -> None:
    answered = AnswerModal("88", "MJ::RemixModal::x", {"MJ::RemixModal::new_prompt": "a fox"})
    body = encode_interaction(Submission(Nonce("2"), "3", None, answered), None, "s", "900")
    assert msgspec.json.decode(body) == {
        "type": 5,
        "application_id": "900",
        "channel_id": "3",
        "session_id": "s",
        "nonce": "2",
        "data": {
            "id": "88",
            "custom_id": "MJ::RemixModal::x",
            "components": [
                {
                    "type": 1,
                    "components": [
                        {"type": 4, "custom_id": "MJ::RemixModal::new_prompt", "value": "a fox"}
                    ],
                }
            ],
        },
    }


def test_a_reaction_is_no_interaction() -> None:
    with pytest.raises(LocalProtocolError):
        encode_interaction(Submission(Nonce("1"), "3", None, React("7", "x")), None, "s", "900")


def test_a_press_of_a_menu_names_the_value_that_is_chosen() -> None:
    press = Press("77", 0, "MJ::Settings::Model", value="7")
    said = msgspec.json.decode(
        encode_interaction(Submission(Nonce("140"), "3333", None, press), None, "s", "900")
    )
    assert said["data"] == {
        "component_type": 3,
        "custom_id": "MJ::Settings::Model",
        "type": 3,
        "values": ["7"],
    }
