from __future__ import annotations

from tests.build import replace
from tests.integration.simulator.scene import Setting
from waystation.simulator.bot.buttons import BUTTONS
from waystation.simulator.bot.job import Job, Press
from waystation.simulator.bot.references import application, interaction, triggered
from waystation.simulator.discord.messages import reference


def _pressing(setting: Setting, **fields: object) -> Job:
    press = Press({"id": "9"}, BUTTONS[0], "U1", "")
    return setting.job("button", press=replace(press, **fields))


def test_an_answer_to_a_command_names_its_interaction_twice() -> None:
    setting = Setting()
    said = interaction(setting.world, setting.job("imagine"))
    for name in ("interaction", "interaction_metadata"):
        assert (said[name]["id"], said[name]["name"]) == ("100", "imagine")
    assert said["webhook_id"] == setting.world.midjourney.id
    owners = said["interaction_metadata"]["authorizing_integration_owners"]
    assert owners == {"0": setting.channel.guild_id}


def test_an_answer_to_a_button_names_it_once_with_the_message() -> None:
    setting = Setting()
    said = triggered(setting.world, _pressing(setting))
    assert "interaction" not in said
    metadata = said["interaction_metadata"]
    assert (metadata["id"], metadata["type"]) == ("100", 3)
    assert metadata["interacted_message_id"] == "9"
    assert "name" not in metadata


def test_an_answer_to_a_form_names_the_press_that_opened_it() -> None:
    setting = Setting()
    metadata = triggered(setting.world, _pressing(setting, opened_by="55"))["interaction_metadata"]
    assert (metadata["id"], metadata["type"]) == ("100", 5)
    assert metadata["triggering_interaction_metadata"]["id"] == "55"


def test_an_answer_to_an_iframe_is_one_to_its_press() -> None:
    setting = Setting()
    metadata = triggered(setting.world, _pressing(setting, opened_by="100"))["interaction_metadata"]
    assert (metadata["id"], metadata["type"]) == ("100", 3)


def test_a_reply_holds_what_it_replies_to_but_not_that_ones_own() -> None:
    setting = Setting()
    target = {"id": "9", "channel_id": setting.channel.id, "referenced_message": {"id": "8"}}
    said = reference(setting.channel, target)
    assert said["message_reference"]["message_id"] == "9"
    assert said["message_reference"]["guild_id"] == setting.channel.guild_id
    assert said["referenced_message"] == {"id": "9", "channel_id": setting.channel.id}
    assert "guild_id" not in reference(setting.direct, target)["message_reference"]


def test_direct_channels_have_no_owner() -> None:
    setting = Setting()
    said = interaction(setting.world, setting.job("info", channel=setting.direct))
    assert said["interaction_metadata"]["authorizing_integration_owners"] == {}
    assert application(setting.world.impostor)["application_id"] == setting.world.impostor.id
