from __future__ import annotations

from waystation.midjourney.commands import COMMANDS as VERBS
from waystation.simulator.discord.commands import (
    COMMANDS,
    DECOY_APPLICATION_ID,
    applications,
    command_of,
    index,
    index_version,
)
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID


def test_a_command_is_found_by_application_and_id_only() -> None:
    info = command_of(MIDJOURNEY_APPLICATION_ID, "972289487818334209")
    assert info is not None and info.name == "info"
    assert command_of(DECOY_APPLICATION_ID, info.id) is None
    assert command_of(MIDJOURNEY_APPLICATION_ID, "1") is None


def test_a_new_generation_changes_every_version() -> None:
    for old, new in zip(
        index(0)["application_commands"], index(1)["application_commands"], strict=True
    ):
        assert (old["id"], old["name"]) == (new["id"], new["name"])
        assert old["version"] != new["version"]
    assert index_version(0) != index_version(1)


def test_ids_are_unique_and_names_are_unique_within_an_application() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    assert len({(c.application_id, c.name) for c in COMMANDS}) == len(COMMANDS)
    assert {c.application_id for c in COMMANDS} == {app["id"] for app in applications()}


def test_describe_offers_a_picture_or_a_link() -> None:
    commands = index(0, MIDJOURNEY_APPLICATION_ID)["application_commands"]
    (describe,) = [command for command in commands if command["name"] == "describe"]
    options = [(o["type"], o["name"], o["required"]) for o in describe["options"]]
    assert options == [(11, "image", False), (3, "link", False)]


def _ours() -> dict[str, dict[str, object]]:
    return {c["name"]: c for c in index(0, MIDJOURNEY_APPLICATION_ID)["application_commands"]}


def test_every_command_of_the_service_is_listed() -> None:
    asked = {row.slash.split()[0] for row in VERBS.values() if row.slash}
    assert set(_ours()) == asked | {"Cancel Job"}


def test_blend_takes_two_to_five_pictures_and_a_choice_of_shapes() -> None:
    options = _ours()["blend"]["options"]
    assert isinstance(options, list)
    pictures = [o for o in options if o["type"] == 11]
    assert [o["name"] for o in pictures if o["required"]] == ["image1", "image2"]
    assert len(pictures) == 5
    (shape,) = [o for o in options if o["type"] == 3]
    assert [choice["value"] for choice in shape["choices"]] == ["--ar 2:3", "--ar 1:1", "--ar 3:2"]


def test_commands_below_prefer_are_listed_as_a_tree() -> None:
    prefer = next(command for command in COMMANDS if command.name == "prefer")
    assert set(prefer.verbs) == {
        *("prefer remix", "prefer variability", "prefer suffix", "prefer auto_dm"),
        *("prefer option set", "prefer option list"),
    }
    options = prefer.payload(0, "en-US")["options"]
    assert {option["name"]: option["type"] for option in options}["option"] == 2


def test_the_menu_command_is_of_another_type() -> None:
    assert _ours()["Cancel Job"]["type"] == 3
    assert _ours()["imagine"]["type"] == 1
