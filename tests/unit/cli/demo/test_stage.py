"""How the demo says what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import Stage
from waystation.cli.screen import Screen
from waystation.errors import Unavailable


def stage(*, as_json: bool = False, simulator: str = "") -> Stage:
    picture = Path("fox.webp")
    simulated = {"url": simulator, "accounts": []}
    return Stage(Screen(as_json), picture, simulated, "", {}, site=Site(picture), mailbox=Mailbox())


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
