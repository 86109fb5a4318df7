"""The simulator's README names what there is: flags, calls, faults."""

from __future__ import annotations

from importlib import resources

import pytest

from tests.integration.simulator.scene import Setting
from waystation.simulator.__main__ import _parser
from waystation.simulator.book.pages import page
from waystation.simulator.doors.control import _CALLS
from waystation.simulator.faults.switches import SWITCHABLE

README = resources.files("waystation.simulator").joinpath("README.md").read_text("utf-8")


def test_it_begins_with_what_is_not_imitated() -> None:
    headings = [line for line in README.splitlines() if line.startswith("## ")]
    assert headings[0] == "## Left out"


@pytest.mark.parametrize("name", SWITCHABLE)
def test_every_fault_is_named(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("call", [f"{method} {path}" for method, path, _ in _CALLS])
def test_every_control_call_is_named(call: str) -> None:
    assert f"`{call}`" in README


def test_every_flag_is_named() -> None:
    flags = [flag for action in _parser()._actions for flag in action.option_strings]
    missing = [flag for flag in flags if flag.startswith("--") and f"`{flag}`" not in README]
    assert missing == ["--help"]


def test_every_field_of_a_page_is_named() -> None:
    fields = page(Setting().job().ask, 1, "2", "3", 4.0)
    hidden = {"application_id", "account", "user_id", "channel_id"}
    assert [name for name in set(fields) - hidden if f"`{name}`" not in README] == []


def test_parameters_of_faults_outside_the_titles_are_named() -> None:
    for fault in SWITCHABLE.values():
        for param in fault.params:
            assert f"`{param}`" in README, f"{fault.name}: {param}"
