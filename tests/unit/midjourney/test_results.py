"""The meaning of the bot's written answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.midjourney.results import info_result, settings_result, shorten_result
from waystation.wire.message import Component, Embed, SelectOption

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
    menu = Component(3, "MJ::Settings::VersionSelector", options=(SelectOption("", "7", True),))
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
