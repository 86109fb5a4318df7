"""Waiting: the bar's figures, and plain lines where nobody watches."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from waystation.cli.screen import Screen
from waystation.cli.waiting import percent, waiting


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"status": "progress", "content": "**a fox** - <@1> (31%) (fast)"}, 31),
        ({"status": "progress", "content": "**at (99%) off** - <@1> (4%) (fast)"}, 4),
        ({"status": "progress", "content": "**x** (Waiting to start)"}, None),
        ({"status": "progress"}, None),
        ({"status": "progress", "content": "(250%)"}, 100),
        ({"status": "started", "content": "(31%)"}, None),
        ({"status": "completed", "content": "**x** (fast)"}, 100),
        ({}, None),
    ],
)
def test_percent_is_what_the_bot_states(job: dict[str, object], expected: int | None) -> None:
    assert percent(job) == expected


def test_without_a_terminal_each_change_is_a_line_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with waiting(Screen(as_json=False), "imagine") as show:
        for status, content in (
            ("started", ""),
            ("started", ""),
            ("progress", "(31%)"),
            ("progress", "(31%) again"),
            ("completed", ""),
        ):
            show({"status": status, "content": content})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "imagine …",
        "imagine … started",
        "imagine … progress 31 %",
        "imagine … completed",
    ]


def test_with_json_and_no_terminal_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting(Screen(as_json=True), "imagine") as show:
        show({"status": "started"})
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_bar_shows_status_and_leaves_nothing_behind() -> None:
    screen = Screen(as_json=False)
    file = io.StringIO()
    screen.err = Console(file=file, force_terminal=True, width=80)
    with waiting(screen, "imagine") as show:
        show({"status": "progress", "content": "(31%)"})
        show({"status": "x\x1b[31m"})
    shown = file.getvalue()
    assert "imagine" in shown and "━" in shown
    assert "x\\x1b[31m" in shown
    assert shown.rstrip().endswith("\x1b[2K")
