"""Waiting: the bar's figures, and plain lines where nobody watches."""

from __future__ import annotations

import asyncio
import io
import re
from io import BytesIO
from typing import cast

import pytest
from PIL import Image
from rich.console import Console

from tests.harness.command_line import FakeClient
from waystation.cli.screen import Screen
from waystation.cli.waiting import percent, waiting
from waystation.client import Client


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


BOT = "the bot, at most 180 s"


def client() -> Client:
    return cast(Client, FakeClient([]))


async def test_without_a_terminal_each_change_is_a_line_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with waiting(Screen(as_json=False), "imagine", client(), BOT) as show:
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
        "imagine … waits for the bot, at most 180 s",
        "imagine … started",
        "imagine … progress 31 %",
        "imagine … completed",
    ]


async def test_with_json_and_no_terminal_nothing_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with waiting(Screen(as_json=True), "imagine", client(), BOT) as show:
        show({"status": "started"})
    assert capsys.readouterr() == ("", "")


def on_a_terminal(**environment: str) -> tuple[Screen, io.StringIO]:
    screen, file = Screen(as_json=False), io.StringIO()
    screen.err = Console(
        file=file,
        force_terminal=True,
        color_system="truecolor",
        width=80,
        height=24,
        _environ=environment,
    )
    return screen, file


async def test_on_a_terminal_a_bar_shows_status_and_leaves_nothing_behind() -> None:
    screen, file = on_a_terminal()
    async with waiting(screen, "imagine", client(), BOT) as show:
        assert "waits for the bot, at most 180 s" in file.getvalue()
        show({"status": "progress", "content": "(31%)"})
        show({"status": "x\x1b[31m"})
    shown = file.getvalue()
    assert "imagine" in shown and "━" in shown and "progress 31 %" in shown
    assert "x\\x1b[31m" in shown
    assert shown.rstrip().endswith("\x1b[2K")


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
async def test_a_terminal_that_cannot_or_must_not_draw_gets_lines(
    environment: dict[str, str],
) -> None:
    screen, file = on_a_terminal(**environment)
    async with waiting(screen, "imagine", client(), BOT) as show:
        show({"status": "progress", "content": "(31%)", "attachments": [{"url": "http://x/a"}]})
    shown = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert shown == f"imagine … waits for {BOT}\nimagine … progress 31 %\n"


async def test_the_picture_so_far_is_drawn_below_the_bar_and_taken_away() -> None:
    picture = BytesIO()
    Image.new("RGB", (64, 64), (1, 200, 3)).save(picture, "PNG")
    fetched = asyncio.Event()

    class Showing:
        async def download(self, url: str, into: BytesIO, **bounds: object) -> None:
            into.write(picture.getvalue())
            fetched.set()

    screen, file = on_a_terminal()
    async with waiting(screen, "imagine", cast(Client, Showing()), BOT) as show:
        show({"status": "progress", "attachments": [{"url": "http://x/a.webp?s=1"}]})
        async with asyncio.timeout(10):
            await fetched.wait()
            while "▀" not in file.getvalue():
                await asyncio.sleep(0.01)
    shown = file.getvalue()
    assert "\x1b[38;2;1;200;3;48;2;1;200;3m▀" in shown
    assert shown.count("▀") >= 32 * 16
    assert shown.endswith("\x1b[1A\x1b[2K" * 17)
