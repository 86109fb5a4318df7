"""The picture that a running job shows so far."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

import pytest
from PIL import Image
from rich.console import Console

from waystation.cli.preview import Blocks, Preview, draw, room
from waystation.client import Client
from waystation.errors import TransportError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(width: int, height: int, upper: tuple[int, ...] = RED, kind: str = "PNG") -> bytes:
    """A picture whose lower half is blue."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(upper, (0, 0, width, height // 2))
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


def shown(blocks: Blocks | None) -> str:
    assert blocks is not None
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=80)
    with console.capture() as captured:
        console.print(blocks)
    return captured.get()


def terminal(width: int = 80, height: int = 24, **options: Any) -> Console:
    file = io.TextIOWrapper(BytesIO(), encoding=options.pop("encoding", "utf-8"))
    given: dict[str, Any] = {
        "force_terminal": True,
        "color_system": "truecolor",
        "_environ": {},
    } | options
    return Console(file=file, width=width, height=height, **given)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_two_pixels_are_one_sign_with_two_colours(kind: str) -> None:
    lines = shown(draw(picture(200, 400, kind=kind), 2, 1)).splitlines()
    assert len(lines) == 1 and lines[0].count("▀") == 1
    red, blue = (lines[0].partition("m▀")[0].split(";")[at : at + 3] for at in (2, 7))
    assert int(red[0]) > 200 and int(blue[2]) > 200


def test_equal_neighbours_share_their_colours() -> None:
    assert shown(draw(picture(4, 4), 4, 2)) == (
        "\x1b[38;2;255;0;0;48;2;255;0;0m▀▀▀▀\x1b[0m\n\x1b[38;2;0;0;255;48;2;0;0;255m▀▀▀▀\x1b[0m\n"
    )


@pytest.mark.parametrize(
    ("size", "cells"), [((800, 800), (32, 16)), ((1600, 800), (32, 8)), ((800, 1600), (16, 16))]
)
def test_a_picture_keeps_its_shape(size: tuple[int, int], cells: tuple[int, int]) -> None:
    lines = shown(draw(picture(*size), 32, 16)).splitlines()
    assert (lines[0].count("▀"), len(lines)) == cells


def test_an_odd_row_ends_without_a_lower_half() -> None:
    assert shown(draw(picture(30, 30), 3, 9)).splitlines()[-1].count("48;2;") == 0


def test_bytes_that_are_no_picture_are_not_drawn() -> None:
    png, gif = picture(400, 400), picture(400, 400, kind="GIF")
    huge = png[:16] + (5000).to_bytes(4, "big") * 2 + png[24:]
    for data in (b"", b"<html>", png[:200], gif[:200], huge):
        assert draw(data, 32, 16) is None


def test_the_room_is_what_the_terminal_has() -> None:
    assert room(terminal()) == (32, 16)
    assert room(terminal(width=20, height=12)) == (19, 9)
    assert room(terminal(height=6)) is None


@pytest.mark.parametrize(
    "options",
    [
        {"color_system": "standard"},
        {"color_system": None},
        {"no_color": True},
        {"encoding": "ascii"},
    ],
)
def test_without_colours_or_signs_there_is_no_room(options: dict[str, Any]) -> None:
    assert room(terminal(**options)) is None


class Site:
    """Hands out one picture per link, as soon as its gate is open."""

    def __init__(self, pages: Mapping[str, bytes | Exception]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.gate = asyncio.Event()

    async def download(self, url: str, into: BytesIO, **bounds: Any) -> None:
        self.asked.append(url)
        assert bounds["most_bytes"] <= 2**24 and bounds["timeout_s"] <= 5
        await self.gate.wait()
        page = self.pages[url.partition("?")[0]]
        if isinstance(page, Exception):
            raise page
        into.write(page)


def progress(url: str, status: str = "progress") -> dict[str, Any]:
    return {"status": status, "attachments": [{"url": url}, {"url": "http://x/second"}]}


async def settled(preview: Preview) -> None:
    assert preview._task is not None
    async with asyncio.timeout(10):
        await preview._task


async def test_each_picture_is_fetched_once_however_its_link_is_signed() -> None:
    site = Site({"http://x/a": picture(8, 8), "http://x/b": picture(8, 4)})
    site.gate.set()
    preview = Preview(cast(Client, site), 8, 8)
    for url in ("http://x/a?s=1", "http://x/a?s=2", "http://x/b?s=1"):
        preview.look(progress(url))
        await settled(preview)
    assert site.asked == ["http://x/a?s=1", "http://x/b?s=1"]
    assert len(shown(preview.blocks).splitlines()) == 2


async def test_only_what_is_in_progress_is_looked_at() -> None:
    preview = Preview(cast(Client, Site({})), 8, 8)
    preview.look(progress("http://x/a", "started"))
    preview.look(progress("http://x/a", "completed"))
    preview.look({"status": "progress"})
    assert preview._task is None
    await preview.close()


async def test_while_one_is_fetched_only_the_newest_of_the_others_waits() -> None:
    site = Site(dict.fromkeys(("http://x/a", "http://x/b", "http://x/c"), picture(8, 8)))
    preview = Preview(cast(Client, site), 8, 8)
    for name in "abc":
        preview.look(progress(f"http://x/{name}"))
        await asyncio.sleep(0)
    site.gate.set()
    await settled(preview)
    assert site.asked == ["http://x/a", "http://x/c"]


@pytest.mark.parametrize("page", [TransportError("gone"), b"<html>"])
async def test_a_preview_that_cannot_be_shown_leaves_the_picture_before_it(
    page: bytes | Exception,
) -> None:
    site = Site({"http://x/a": picture(8, 8), "http://x/b": page})
    site.gate.set()
    preview = Preview(cast(Client, site), 8, 8)
    for name in "ab":
        preview.look(progress(f"http://x/{name}"))
        await settled(preview)
    assert len(site.asked) == 2 and preview.blocks is not None
    await preview.close()


async def test_a_fetch_that_hangs_ends_with_the_wait() -> None:
    site = Site({})
    preview = Preview(cast(Client, site), 8, 8)
    preview.look(progress("http://x/a"))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await preview.close()
    assert preview._task is not None and preview._task.cancelled()
