from __future__ import annotations

import pytest

from tests.integration.simulator.discord_client import Client, component, labels
from waystation.simulator.bot.buttons import MODELS
from waystation.simulator.bot.preferences import SETTINGS, VERSION_MENU, setting_button

FAST = (
    "Done! Note that once you exhaust your fast hours, you can purchase more on the website: "
    "<https://midjourney.com/account>. To conserve your fast hours, use `/relax` to switch back "
    "to relax mode."
)
RELAX = (
    "Done! Your jobs now do not consume fast-hours, but might take a little longer. You can "
    "always switch back with /fast"
)
REMIX_ON = (
    "Remix mode turned on! Clicking the variation buttons will now give you a chance to edit your "
    "prompt!"
)
VARIABILITY_OFF = (
    "High variability mode turned off! You can always turn this on by running "
    "`/prefer variability` again."
)


@pytest.mark.parametrize(
    ("verb", "field", "value", "words"),
    [
        ("fast", "mode", "Fast", FAST),
        ("turbo", "mode", "Turbo", FAST),
        ("relax", "mode", "Relaxed", RELAX),
        ("stealth", "visibility", "Stealth", "Done! Your images will not be shown"),
        ("public", "visibility", "Public", "Done! Your images will be shown"),
        ("prefer remix", "remix", True, REMIX_ON),
        ("prefer variability", "high_variation", False, VARIABILITY_OFF),
        ("prefer auto_dm", "auto_dm", True, "Auto DM mode turned on!"),
    ],
)
async def test_a_command_changes_the_standing_and_says_so_ephemerally(
    ready: Client, verb: str, field: str, value: object, words: str
) -> None:
    said = await ready.command(verb)
    assert said["content"].startswith(words)
    assert (said["flags"], said["interaction"]["name"]) == (64, verb)
    assert getattr(ready.account.standing, field) == value


@pytest.mark.parametrize(
    ("verb", "field", "words"),
    [
        ("prefer remix", "remix", "Remix mode turned off!"),
        ("prefer variability", "high_variation", "High variability mode turned on!"),
        ("prefer auto_dm", "auto_dm", "Auto DM mode turned off!"),
    ],
)
async def test_a_toggle_goes_back_the_second_time(
    ready: Client, verb: str, field: str, words: str
) -> None:
    before = getattr(ready.account.standing, field)
    await ready.command(verb)
    assert (await ready.command(verb))["content"].startswith(words)
    assert getattr(ready.account.standing, field) == before


async def test_a_suffix_is_set_and_removed(ready: Client) -> None:
    said = await ready.command("prefer suffix", new_value="--v 6")
    assert "`--v 6`" in said["content"]
    assert (await ready.imagine("fox"))["content"].startswith("**fox --v 6** - <@")
    assert "removed" in (await ready.command("prefer suffix"))["content"]
    assert (await ready.imagine("fox"))["content"].startswith("**fox** - <@")


async def test_options_are_set_listed_and_removed(ready: Client) -> None:
    empty = await ready.command("prefer option list")
    assert empty["content"] == "No custom options set."
    await ready.command("prefer option set", option="mine", value="--hd")
    assert (await ready.command("prefer option list"))["content"] == "`--mine`: `--hd`"
    await ready.command("prefer option set", option="mine")
    assert (await ready.command("prefer option list"))["content"] == empty["content"]


async def test_info_shows_what_the_commands_changed(ready: Client) -> None:
    await ready.command("turbo")
    await ready.command("stealth")
    text = (await ready.command("info"))["embeds"][0]["description"]
    assert "**Job Mode**: Turbo" in text
    assert "**Visibility Mode**: Stealth" in text


# /settings.


async def test_settings_are_an_ephemeral_menu_and_buttons(ready: Client) -> None:
    await ready.send("settings")
    created, updated = [data for name, data in await ready.events() if name.startswith("MESS")]
    assert (created["flags"], created["nonce"]) == (192, ready.last_nonce)
    assert (updated["id"], updated["flags"], updated["content"]) == (created["id"], 64, "")
    menu = component(updated, VERSION_MENU)
    assert menu["type"] == 3
    chosen = {option["value"]: option["default"] for option in menu["options"]}
    assert chosen == {version: version == "7" for version in MODELS}
    assert labels(updated)[1:] == [setting.label for line in SETTINGS for setting in line]
    assert component(updated, "Remix mode")["style"] == 2
    assert component(updated, "Fast mode")["style"] == 3
    assert all(len(row["components"]) <= 5 for row in updated["components"])
    assert len(updated["components"]) <= 5


@pytest.mark.parametrize(
    ("label", "field", "value"),
    [
        ("Remix mode", "remix", True),
        ("RAW Mode", "raw", True),
        ("Personalization", "personalization", True),
        ("Stylize very high", "stylize", 750),
        ("Low Variation Mode", "high_variation", False),
        ("Stealth", "visibility", "Stealth"),
        ("Relax mode", "mode", "Relaxed"),
        ("Turbo mode", "mode", "Turbo"),
    ],
)
async def test_a_press_changes_a_setting_and_edits_the_message(
    ready: Client, label: str, field: str, value: object
) -> None:
    message = await ready.command("settings")
    assert component(message, label)["style"] == 2
    events = await ready.pressed(message, label)
    assert [name for name, _ in events] == [
        "INTERACTION_CREATE",
        "INTERACTION_SUCCESS",
        "MESSAGE_UPDATE",
    ]
    edited = events[-1][1]
    assert (edited["id"], edited["flags"]) == (message["id"], 64)
    assert component(edited, label)["style"] == 3
    assert getattr(ready.account.standing, field) == value


async def test_the_menu_chooses_the_model(ready: Client) -> None:
    message = await ready.command("settings")
    await ready.press(message, VERSION_MENU, "6.1")
    edited = (await ready.events())[-1][1]
    options = component(edited, VERSION_MENU)["options"]
    assert [option["value"] for option in options if option["default"]] == ["6.1"]
    assert ready.account.standing.version == "6.1"
    await ready.press(message, VERSION_MENU, "nonsense")
    await ready.events()
    assert ready.account.standing.version == "6.1"


async def test_reset_goes_back_to_the_usual_settings(ready: Client) -> None:
    standing = ready.account.standing
    standing.remix, standing.version, standing.suffix = True, "8.1", "--hd"
    message = await ready.command("settings")
    assert message["content"] == "Current suffix: `--hd`"
    edited = (await ready.pressed(message, "Reset Settings"))[-1][1]
    assert edited["content"] == ""
    assert (standing.remix, standing.version, standing.suffix) == (False, "8.2", "")


async def test_settings_are_edited_for_their_user_alone(ready: Client) -> None:
    message = await ready.command("settings")
    _, edited = (await ready.pressed(message, "RAW Mode"))[-1]
    assert "guild_id" not in edited
    path = f"/api/v9/channels/{ready.account.channel_id}/messages"
    assert (await ready.get(path)).json == []


def test_ids_of_settings_are_unique_and_found() -> None:
    ids = [setting.custom_id for line in SETTINGS for setting in line] + [VERSION_MENU]
    assert len(set(ids)) == len(ids)
    for custom_id in ids:
        button = setting_button(custom_id)
        assert button is not None and button.deed == "settings"
    assert setting_button("MJ::Settings::Other") is None
