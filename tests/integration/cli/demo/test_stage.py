"""How the demo says what happened."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any, cast

import pytest
from aiohttp import web
from PIL import Image
from rich.console import Console

from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.processes import Program
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import Stage
from waystation.cli.screen import Screen
from waystation.client import Client, Job
from waystation.errors import Unavailable


def stage(*, as_json: bool = False, simulator: str = "") -> Stage:
    picture = Path("fox.webp")
    simulated = {"url": simulator, "accounts": []}
    folder = Path("nowhere")
    return Stage(
        Screen(as_json),
        picture,
        simulated,
        "",
        {},
        folder,
        service=Program(Path("log"), {}, "nothing"),
        site=Site(picture),
        mailbox=Mailbox(),
    )


async def test_checks_are_shown_under_their_act_and_remembered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = stage()
    shown.begin("1. Something")
    shown.check(True, "it went [well]")
    shown.check(False, "it went wrong")
    assert capsys.readouterr().out == "\n1. Something\n  ✓ it went [well]\n  ✗ it went wrong\n"
    assert [check.as_json() for check in shown.checks] == [
        {"act": "1. Something", "expected": "it went [well]", "ok": True},
        {"act": "1. Something", "expected": "it went wrong", "ok": False},
    ]


async def test_with_json_only_the_checks_remain(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = stage(as_json=True)
    quiet.begin("1. Something")
    quiet.check(True, "fine")
    quiet.gap()
    assert capsys.readouterr().out == ""
    assert len(quiet.checks) == 1


async def test_a_fault_is_switched_on_for_one_interaction() -> None:
    seen: list[Any] = []

    async def faults(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.Response(status=200 if len(seen) == 1 else 400, text="no such fault")

    app = web.Application()
    app.router.add_post("/_sim/faults", faults)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        here = stage(simulator=f"http://127.0.0.1:{runner.addresses[0][1]}")
        await here.fault("blocked", command="describe")
        assert seen == [{"name": "blocked", "count": 1, "command": "describe"}]
        with pytest.raises(Unavailable, match="no such fault"):
            await here.fault("nonsense")
    finally:
        await runner.cleanup()


class Gallery:
    """Hands out one picture, again and again."""

    def __init__(self) -> None:
        self.asked = 0

    async def download(self, url: str, into: IO[bytes], **bounds: Any) -> None:
        self.asked += 1
        Image.new("RGB", (8, 8), "red").save(into, "PNG")


async def test_a_picture_is_saved_and_shown_in_colours_once(tmp_path: Path) -> None:
    shown, file = stage(), io.StringIO()
    shown.screen.out = Console(
        file=file, force_terminal=True, color_system="truecolor", width=80, height=24, _environ={}
    )
    gallery = Gallery()
    shown.client, shown.folder = cast(Client, gallery), tmp_path
    job = cast(Job, {"jobid": "job:1", "status": "completed", "attachments": [{"url": "x/a.png"}]})
    for _ in range(2):
        assert await shown.picture_of(job) == tmp_path / "a.png"
    assert (gallery.asked, file.getvalue().count("a.png")) == (1, 1)
    assert file.getvalue().count("▀") == 8 * 4
