from __future__ import annotations

import re

import pytest

from waystation.simulator.bot import buttons
from waystation.simulator.bot.buttons import BUTTONS, MODELS, Button, Opens, button_of
from waystation.simulator.bot.forms import FORMS
from waystation.simulator.bot.scripts import PRESSES
from waystation.simulator.payload import Payload

UUID = "01234567-89ab-4def-8123-456789abcdef"


def _labels(rows: tuple[Payload, ...]) -> list[list[str]]:
    return [[buttons.label_of(one) for one in row["components"]] for row in rows]


@pytest.mark.parametrize("button", BUTTONS, ids=lambda button: button.custom_id)
def test_a_row_is_found_by_the_custom_id_it_writes(button: Button) -> None:
    component = button.component(UUID)
    assert button_of(component["custom_id"]) == button
    assert buttons.label_of(component) == button.label
    assert ("emoji" in component) is (not button.label.isascii() and " " not in button.label)
    assert len(component["custom_id"]) <= 100


@pytest.mark.parametrize("button", BUTTONS, ids=lambda button: button.custom_id)
def test_every_button_has_a_script_and_every_form_exists(button: Button) -> None:
    assert button.deed in PRESSES
    assert (button.opens is Opens.NEVER) is (button.form == "")
    assert button.form in {"", "region", *FORMS}


def test_custom_ids_are_unique() -> None:
    assert len({button.custom_id for button in BUTTONS}) == len(BUTTONS)


def test_other_ids_are_nobodys() -> None:
    assert button_of("MJ::JOB::upsample::5::" + UUID) is None
    assert button_of("") is None


DOCUMENTED = """
U1 U2 U3 U4 V1 V2 V3 V4 🔄 ⬅️ ➡️ ⬆️ ⬇️ ❤️ | Upscale (Subtle) | Upscale (Creative) | Upscale (2x) |
Upscale (4x) | Vary (Subtle) | Vary (Strong) | Vary (Region) | Zoom Out 2x | Zoom Out 1.5x |
Custom Zoom | Make Square | Animate (High motion) | Animate (Low motion) | Extend (High motion) |
Extend (Low motion) | Make Variations | Remaster | Cancel Job | Imagine all 🎉 | Show Details |
1️⃣ 2️⃣ 3️⃣ 4️⃣ 5️⃣
"""


def test_every_documented_label_has_a_row() -> None:
    names = {button.label for button in BUTTONS}
    for part in DOCUMENTED.replace("\n", " ").split("|"):
        wanted = {part.strip()} if part.strip() in names else set(part.split())
        assert wanted <= names, wanted - names


def test_a_grid_has_its_documented_rows() -> None:
    assert _labels(buttons.grid_rows(UUID)) == [
        ["U1", "U2", "U3", "U4", "🔄"],
        ["V1", "V2", "V3", "V4", "Web"],
    ]


SINGLES = {
    "3": [],
    "4": [],
    "5.2": ["Upscale (2x)", "Upscale (4x)"],
    "6": ["Upscale (Subtle)", "Upscale (Creative)"],
    "6.1": ["Upscale (Subtle)", "Upscale (Creative)"],
    "7": ["Upscale (Subtle)", "Upscale (Creative)"],
    "8.1": [],
    "8.2": ["Upscale (Subtle)", "Upscale (Creative)"],
    "niji 6": ["Upscale (Subtle)", "Upscale (Creative)"],
    "niji 7": ["Upscale (Subtle)", "Upscale (Creative)"],
}


OUTPAINTS = ("Zoom Out 2x", "Zoom Out 1.5x", "Custom Zoom", "Make Square", "⬅️", "➡️", "⬆️", "⬇️")


@pytest.mark.parametrize("version", MODELS)
def test_a_single_picture_offers_what_its_model_can(version: str) -> None:
    rows = buttons.single_rows(UUID, MODELS[version], is_square=False)
    flat = [label for line in _labels(rows) for label in line]
    assert [label for label in flat if label.startswith("Upscale")] == SINGLES[version]
    is_old = version in ("3", "4")
    assert ("Make Variations" in flat) is is_old
    assert ("Remaster" in flat) is (version == "3")
    for label in ("Vary (Subtle)", "Vary (Strong)", *OUTPAINTS):
        assert (label in flat) is not is_old
    assert "❤️" in flat
    assert ("Animate (High motion)" in flat) is (version in ("7", "8.1", "8.2", "niji 7"))
    assert ("Vary (Region)" in flat) is (version in ("5.2", "6", "6.1", "7", "niji 6", "niji 7"))
    assert all(0 < len(line) <= 5 for line in _labels(rows)) and len(rows) <= 5


def test_each_model_has_upscales_of_its_own() -> None:
    numbered = [model for version, model in MODELS.items() if "niji" not in version]
    ids = [b.custom_id for model in numbered for b in model.upscales]
    assert len(set(ids)) == len(ids) == 10


def test_a_square_cannot_be_made_square() -> None:
    rows = buttons.single_rows(UUID, MODELS["7"], is_square=True)
    assert "Make Square" not in [label for line in _labels(rows) for label in line]


def test_an_upscaled_picture_can_be_upscaled_anew() -> None:
    assert _labels(buttons.upscaled_rows(UUID, MODELS["5.2"]))[0] == [
        "Redo Upscale (2x)",
        "Redo Upscale (4x)",
    ]


def test_video_and_its_clips_have_buttons_of_their_own() -> None:
    grid, clip = buttons.video_rows(UUID), buttons.clip_rows(UUID, 3)
    assert _labels(grid)[0] == ["U1", "U2", "U3", "U4", "🔄"]
    assert grid[0]["components"][0]["custom_id"] == f"MJ::JOB::video_virtual_upscale::1::{UUID}"
    assert [one["custom_id"] for one in clip[0]["components"]] == [
        f"MJ::JOB::animate_high_extend::3::{UUID}",
        f"MJ::JOB::animate_low_extend::3::{UUID}",
    ]


def test_a_message_tells_its_job_by_its_buttons_only() -> None:
    other = "fedcba98-7654-4210-8edc-ba9876543210"
    message = {"content": f"**{other}**", "components": list(buttons.grid_rows(UUID))}
    assert buttons.uuid_in(message) == UUID
    assert buttons.uuid_in({"components": list(buttons.described_rows())}) is None
    assert re.fullmatch(r"https://www\.midjourney\.com/jobs/" + UUID, _web(message)["url"])


def _web(message: Payload) -> Payload:
    web: Payload = message["components"][1]["components"][-1]
    return web


def test_only_the_pressed_button_changes_its_colour() -> None:
    rows = buttons.grid_rows(UUID)
    custom_id = f"MJ::JOB::variation::2::{UUID}"
    after = buttons.pressed(rows, custom_id)
    styles = {one.get("custom_id"): one["style"] for row in after for one in row["components"]}
    assert styles.pop(custom_id) == 1
    assert set(styles.values()) == {2, 5}
    assert buttons.component_of({"components": rows}, custom_id) == rows[1]["components"][1]
    assert buttons.component_of({"components": rows}, "MJ::other") is None


def test_shortened_prompts_have_as_many_digits_as_there_are() -> None:
    assert _labels(buttons.shortened_rows(3)) == [["1️⃣", "2️⃣", "3️⃣"], ["Show Details"]]
