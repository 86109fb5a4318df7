"""What the bot's written answers mean."""

from __future__ import annotations

import pytest

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
