"""The meaning of the bot's written answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import replace
from tests.harness.play import new_job
from waystation.jobs import Button, Shown
from waystation.midjourney.results import (
    collected,
    info_result,
    is_choice,
    listed_prompt,
    mode_shown,
    picture_links,
    remix_shown,
    remix_switched,
    seed_of,
    seed_result,
    settings_result,
    shorten_result,
    shortened_from,
    unmarked,
)
from waystation.wire.message import Attachment, Component, Embed, SelectOption

INFO = """***User ID**: 0000
**Subscription**: Mega (Active monthly, renews next on <t:1705181223>)
**Visibility Mode**: Public
**Fast Time Remaining**: 59.5/60.0 hours (99%)
**Lifetime Usage**: 11170 images (120.63 hours)
**Relaxed Usage**: 344 images (3.47 hours)

**Queued Jobs (fast)**: 0
**Queued Jobs (relax)**: 2
**Running Jobs**: None"""


def test_the_lines_of_info_become_fields() -> None:
    assert info_result(Embed(description=INFO)) == {
        "info": {
            "plan": "Mega",
            "subscription": "Active monthly",
            "renewsAt": "2024-01-13T21:27:03.000Z",
            "visibility": "public",
            "fastHoursLeft": 59.5,
            "fastHoursTotal": 60.0,
            "lifetime": {"images": 11170, "hours": 120.63},
            "relaxed": {"images": 344, "hours": 3.47},
            "queuedFast": 0,
            "queuedRelax": 2,
            "running": 0,
        }
    }


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("**Subscription**: None (Trial)", {"plan": "None", "subscription": "Trial"}),
        ("**Subscription**: Inactive", {"plan": "Inactive"}),
        ("**Running Jobs**: 3", {"running": 3}),
        ("**Running Jobs**: a-b, c-d", {"running": 2}),
        ("**Job Mode**: Fast", {"mode": "fast"}),
        (
            "**Fast Time Remaining**: 15.0/30.0 minutes",
            {"fastHoursLeft": 0.25, "fastHoursTotal": 0.5},
        ),
    ],
)
def test_other_plans_are_read_too(line: str, fields: dict[str, object]) -> None:
    assert info_result(Embed(description=line)) == {"info": fields}


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            "**Fast Time Remaining**: 1,234.5/2,000 hours",
            {"fastHoursLeft": 1234.5, "fastHoursTotal": 2000.0},
        ),
        (
            "**Lifetime Usage**: 11,170 images (1,120.5 hours)",
            {"lifetime": {"images": 11170, "hours": 1120.5}},
        ),
        ("**Fast Time Remaining**: 1.2.3/30 hours", {}),
        ("**Fast Time Remaining**: ../.. hours", {}),
        ("**Fast Time Remaining**: " + "9" * 5000 + "/30 hours", {}),
        ("**Lifetime Usage**: 5 images (1.2.3 hours)", {}),
        ("**Lifetime Usage**: " + "9" * 5000 + " images (1 hour)", {}),
        ("**Queued Jobs (fast)**: " + "9" * 5000, {}),
        ("**Running Jobs**: " + "9" * 5000, {}),
        ("**Subscription**: Pro (Active, renews <t:99999999999>)", {"plan": "Pro"}),
    ],
)
def test_a_number_that_cannot_be_read_leaves_its_field_out(
    line: str, fields: dict[str, object]
) -> None:
    info = info_result(Embed(description=f"**Visibility Mode**: Public\n{line}"))["info"]
    assert isinstance(info, dict)
    assert {name: info.get(name) for name in fields} == fields
    assert set(info) <= {"visibility", "subscription", "renewsAt", *fields}


@given(st.text(st.sampled_from("0123456789.,/ ()hoursminutes images<t:>R\n*"), max_size=40))
def test_any_value_of_any_line_is_read_without_an_error(value: str) -> None:
    for name in (
        "Visibility Mode",
        "Fast Time Remaining",
        "Lifetime Usage",
        "Relaxed Usage",
        "Queued Jobs (fast)",
        "Running Jobs",
    ):
        info_result(Embed(description=f"**{name}**: {value}"))


def test_an_info_without_known_lines_has_no_fields() -> None:
    assert info_result(Embed(description="Hello")) == {}
    assert info_result(None) == {}


def test_settings_that_no_table_knows_are_options() -> None:
    menu = Component(
        3, "MJ::Settings::VersionSelector", options=(SelectOption("6"), SelectOption("", "7", True))
    )
    buttons = (
        Component(2, "a", "Remix mode", style=3),
        Component(2, "b", "Fast mode", style=2),
        Component(2, "c", "Relax mode", style=3),
        Component(2, "d", "Brand new", style=3),
        Component(2, "e"),
    )
    assert settings_result((Component(1, components=(menu, *buttons)),)) == {
        "settings": {"version": "7", "remix": True, "mode": "relax", "options": {"Brand new": True}}
    }


def test_suggestions_are_listed_in_the_bots_order() -> None:
    embed = Embed(description="**a** fox\n\n1️⃣ a fox \n2️⃣ fox")
    assert shorten_result(embed) == {"prompts": ["a fox", "fox"]}
    assert shorten_result(Embed(description="nothing")) == {}
    assert shorten_result(None) == {}


def test_the_prompt_of_a_shorten_is_one_of_the_lines_before_the_list() -> None:
    listed = "**a** very ~~small~~ fox\n\n**Shortened prompts**\n1️⃣ a fox\n2️⃣ fox"
    assert shortened_from(Embed(description=listed)) == ["a very small fox", "Shortened prompts"]
    assert shortened_from(Embed(description="a *red* fox\n~~\n")) == ["a red fox"]
    assert shortened_from(Embed()) == shortened_from(None) == []
    assert unmarked("a **red** ~~fox~~, a_b") == "a red fox, a_b"


def test_a_settings_button_that_does_something_once_is_no_option() -> None:
    buttons = (Component(2, "a", "Reset Settings", style=2), Component(2, "b", "Brand new"))
    shown = settings_result((Component(1, components=buttons),))
    assert shown == {"settings": {"options": {"Brand new": False}}}


def test_an_option_of_a_group_is_a_choice_in_either_case() -> None:
    assert is_choice("Turbo Mode")
    assert not is_choice("Remix mode")


# ── mode ──


@pytest.mark.parametrize(
    ("verb", "result", "mode"),
    [
        ("info", {"info": {"mode": "fast"}}, "fast"),
        ("info", {"info": {"mode": "relaxed"}}, "relax"),
        ("settings", {"settings": {"mode": "turbo"}}, "turbo"),
        ("info", {"info": {"plan": "Mega"}}, None),
        ("info", {"settings": {"mode": "turbo"}}, None),
        ("info", {"info": "fast"}, None),
    ],
)
def test_a_mode_is_read_where_its_verb_shows_it(
    verb: str, result: dict[str, object], mode: str | None
) -> None:
    assert mode_shown(replace(new_job("a", verb), result=result)) == mode


@pytest.mark.parametrize(
    ("result", "remix"),
    [
        ({"settings": {"remix": True}}, True),
        ({"settings": {"remix": False}}, False),
        ({"settings": {}}, False),
        ({}, False),
    ],
)
def test_settings_show_whether_remix_is_on(result: dict[str, object], *, remix: bool) -> None:
    assert remix_shown(replace(new_job("a", "settings"), result=result)) is remix


@pytest.mark.parametrize(
    ("content", "remix"),
    [("Remix mode turned on!", True), ("Remix mode turned off!", False), (None, False)],
)
def test_an_answer_tells_whether_remix_was_turned_on(content: str | None, *, remix: bool) -> None:
    assert remix_switched(replace(new_job("a", "info"), content=content)) is remix


# ── seed ──

UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
SEED = f"**a fox** - **Job ID**: {UUID.upper()}\n**seed** 1234\n"


def test_a_seed_is_read_at_the_end_of_its_message() -> None:
    assert seed_of(SEED) == (UUID, 1234)
    assert seed_result(SEED) == {"seed": {"content": SEED, "value": 1234}}
    # no number that a job could hold
    assert seed_of(SEED.replace("1234", "9" * 20)) is None


def test_a_seed_that_a_prompt_only_speaks_of_is_none() -> None:
    typed = f"{SEED} is what I typed"
    assert seed_of(typed) is None
    assert seed_result(typed) == {}


# ── what an answer lists ──


def test_a_listed_prompt_is_found_behind_its_number_without_links() -> None:
    embeds = (
        Embed(),
        Embed(description="1️⃣ an owl\n2️⃣ a fox by [Ada](<https://example.org>) --ar 3:2 "),
    )
    assert listed_prompt(embeds, "2️⃣") == "a fox by Ada --ar 3:2"
    assert listed_prompt(embeds, "3️⃣") is None


# ── pictures ──

CDN = "https://cdn.example.org"


def _drawn(*custom_ids: str) -> Shown:
    return Shown("900", hash="h", buttons=tuple(Button("x", one) for one in custom_ids))


@pytest.mark.parametrize(
    ("custom_id", "field", "urls"),
    [
        (
            "MJ::JOB::upsample::1::h",
            "imageUx",
            ["h/0_0.png", "h/0_1.png", "h/0_2.png", "h/0_3.png"],
        ),
        ("MJ::Outpaint::50::1::h", "imageUx", ["h/0_0.png"]),
        (
            "MJ::JOB::video_virtual_upscale::1::h",
            "videoUx",
            ["video/h/0.mp4", "video/h/1.mp4", "video/h/2.mp4", "video/h/3.mp4"],
        ),
        ("MJ::JOB::animate_low_extend::1::h", "videoUx", ["video/h/0.mp4"]),
    ],
)
def test_the_buttons_of_a_result_tell_its_single_pictures(
    custom_id: str, field: str, urls: list[str]
) -> None:
    links = [{"id": n, "url": f"{CDN}/{url}"} for n, url in enumerate(urls, start=1)]
    assert picture_links(CDN, _drawn("MJ::BOOKMARK::h", custom_id)) == {field: links}


def test_a_result_without_buttons_is_one_picture() -> None:
    one = {"imageUx": [{"id": 1, "url": f"{CDN}/h/0_0.png"}]}
    assert picture_links(CDN, Shown("900", hash="h")) == one


def test_a_picture_without_uuid_or_network_has_no_links() -> None:
    assert picture_links(CDN, Shown("900")) == {}
    assert picture_links("", _drawn("MJ::JOB::upsample::1::h")) == {}


def _shows(number: int, **result: object) -> Shown:
    return Shown(f"90{number}", attachments=(Attachment(str(number), "a.png"),), result=result)


def test_several_pictures_are_collected_and_their_links_counted_on() -> None:
    first = collected({}, _shows(1, imageUx=[{"id": 1, "url": "one"}]))
    both = collected(first, _shows(2, imageUx=[{"id": 1, "url": "two"}]))
    assert [one["id"] for one in both["attachments"]] == ["1", "2"]  # type: ignore[attr-defined]
    assert both["imageUx"] == [{"id": 1, "url": "one"}, {"id": 2, "url": "two"}]


def test_a_picture_that_is_collected_already_adds_nothing() -> None:
    first = collected({}, _shows(1))
    assert "imageUx" not in first
    assert collected(first, _shows(1)) == {}
