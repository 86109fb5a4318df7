"""The meaning of a label, and the buttons of a message."""

from __future__ import annotations

import pytest

from waystation.jobs import Button
from waystation.midjourney.buttons import (
    BUTTONS,
    Needs,
    button_row,
    buttons_of,
    custom_id_hash,
    is_known_deed,
    is_same_deed,
    message_hash,
    names_job,
)
from waystation.wire.message import Attachment, Component, Emoji, Message, SelectOption

UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
OTHER = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9"

LABELS = """U1 U2 U3 U4 V1 V2 V3 V4 ⬅️ ➡️ ⬆️ ⬇️ 🔄 Vary (Strong)|Vary (Subtle)|Vary (Region)|
Zoom Out 1.5x|Zoom Out 2x|Upscale (2x)|Upscale (4x)|Upscale (Subtle)|Upscale (Creative)|
Redo Upscale (2x)|Redo Upscale (4x)|Redo Upscale (Subtle)|Redo Upscale (Creative)|Make Square|
Make Variations|Remaster|Custom Zoom|Animate (High motion)|Animate (Low motion)|
Extend (High motion)|Extend (Low motion)"""


def test_every_label_of_v2_has_a_row() -> None:
    first, _, rest = LABELS.partition(" Vary")
    labels = {*first.split(), *(one.strip() for one in f"Vary{rest}".split("|") if one.strip())}
    assert labels <= set(BUTTONS)


def test_the_needs_of_a_press_are_v2s() -> None:
    assert {label for label, row in BUTTONS.items() if row.once} == {"U1", "U2", "U3", "U4"}
    assert {label for label, row in BUTTONS.items() if row.prompt is Needs.MUST} == {"Custom Zoom"}
    assert {label for label, row in BUTTONS.items() if row.mask} == {"Vary (Region)"}


def test_a_form_opens_at_each_press_of_what_needs_words_of_its_own() -> None:
    asking = {label for label, row in BUTTONS.items() if row.asks_always}
    assert asking == {"Custom Zoom", "1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣"}
    assert button_row("U1").prompt is Needs.NO
    assert button_row("Sharpen").shows == frozenset()


def _message(*components: Component, **fields: object) -> Message:
    row = Component(type=1, components=components)
    return Message("1", "2", components=(row,), **fields)  # type: ignore[arg-type]


def test_buttons_are_read_by_label_or_emoji_from_the_message() -> None:
    message = _message(
        Component(2, "MJ::JOB::upsample::1::x", "U1"),
        Component(2, "MJ::JOB::reroll::0::x", emoji=Emoji("🔄")),
        Component(2, "MJ::off", "Off", disabled=True),
        Component(2, "MJ::nameless"),
        Component(2, label="Web", url="https://a.test/jobs/1"),
        Component(3, "MJ::Settings::VersionSelector", "V"),
    )
    assert buttons_of(message) == (
        Button("U1", "MJ::JOB::upsample::1::x"),
        Button("🔄", "MJ::JOB::reroll::0::x"),
    )
    assert buttons_of(Message("1", "2")) is None


@pytest.mark.parametrize(
    ("custom_id", "found"),
    [
        (f"MJ::JOB::upsample::1::{UUID}", UUID),
        (f"MJ::JOB::reroll::0::{UUID.upper()}::SOLO", UUID),
        ("MJ::Job::PicReader::1", None),
        (f"MJ::x{UUID}", None),
    ],
)
def test_the_uuid_of_a_custom_id(custom_id: str, found: str | None) -> None:
    assert custom_id_hash(custom_id) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (f"user_a_fox_{UUID}.webp", UUID),
        (f"user_{OTHER}_fox_{UUID}.png", UUID),
        (f"{UUID}_grid_0.webp", UUID),
        (f"{UUID}_0_step_12.jpeg", UUID),
        (f"{UUID}_1_720_N.mp4", UUID),
        (f"{UUID}_0.mp4", UUID),
        (f"user_{UUID}_fox.png", None),
        ("grid_0.webp", None),
    ],
)
def test_the_uuid_of_a_file_is_the_last_part_of_its_name(name: str, found: str | None) -> None:
    assert message_hash(Message("1", "2", attachments=(Attachment("3", name),))) == found


def test_a_custom_id_counts_before_a_link_and_a_link_before_a_name() -> None:
    named = (Attachment("3", f"x_{OTHER}.png"),)
    link = Component(2, label="Web", url=f"https://a.test/jobs/{UUID}")
    button = Component(2, f"MJ::JOB::upsample::1::{OTHER}", "U1")
    assert message_hash(_message(link, attachments=named)) == UUID
    assert message_hash(_message(link, button)) == OTHER
    assert message_hash(_message(Component(2, url="https://[broken/jobs/1"))) is None


def test_a_deed_is_the_same_where_a_strength_is_left_out() -> None:
    assert is_same_deed("variations", "variations (strong)")
    assert is_same_deed("variations (strong)", "variations (strong)")
    assert not is_same_deed("variations (subtle)", "variations (strong)")
    assert not is_same_deed("variations", "upscaled")


def test_a_deed_of_the_table_is_known_whatever_its_strength() -> None:
    assert is_known_deed("upscaled (subtle)") and is_known_deed("upscaled")
    assert not is_known_deed("sharpened")


def test_the_entries_of_a_menu_are_buttons_with_a_value() -> None:
    menu = Component(
        3,
        "MJ::Settings::VersionSelector",
        options=(SelectOption("V7", "7", default=True), SelectOption(value="6")),
    )
    assert buttons_of(_message(menu)) == (
        Button("V7", "MJ::Settings::VersionSelector", "7", is_on=True),
        Button("6", "MJ::Settings::VersionSelector", "6"),
    )


def test_a_button_beside_a_text_is_read_too() -> None:
    beside = Component(9, accessory=Component(2, "MJ::JOB::upsample::1::x", "U1"))
    assert buttons_of(_message(beside)) == (Button("U1", "MJ::JOB::upsample::1::x"),)


def test_a_file_of_a_job_is_named_after_it() -> None:
    assert names_job(f"me_a_fox_{UUID}.png")
    assert not names_job("fox.png")
