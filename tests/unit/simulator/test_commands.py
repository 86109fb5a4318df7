from __future__ import annotations

from waystation.simulator.commands import (
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
