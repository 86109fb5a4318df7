"""The act with several nodes notices what is not there. (When all is: tests/e2e/test_cli.py.)"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tests.harness.command_line import FakeClient
from waystation.cli.demo import takeover as module
from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.processes import Program
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import DemoNode, Stage
from waystation.cli.demo.takeover import taken_over
from waystation.cli.screen import Screen
from waystation.errors import NotFound, Unavailable


def stage(nodes: int) -> Stage:
    made = Stage(
        Screen(as_json=True),
        Path("fox.webp"),
        {"url": "http://127.0.0.1:9", "accounts": []},
        "http://127.0.0.1:2",
        {},
        Path("pictures"),
        service=Program(Path("log"), {}, "nothing"),
        site=Site(Path("fox.webp")),
        mailbox=Mailbox(),
        nodes=[
            DemoNode(Program(Path("log"), {}, "nothing"), f"http://127.0.0.1:{number}")
            for number in range(nodes)
        ],
    )
    made.channels = ["7"]
    return made


async def test_a_single_node_is_too_few() -> None:
    with pytest.raises(NotFound):
        await taken_over(stage(1))


async def test_an_account_that_no_node_connects_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Waiting(FakeClient):
        def __init__(self, *_: Any) -> None:
            super().__init__([])

        async def __aenter__(self) -> Waiting:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def discord_account(self, channel: str) -> Any:
            return {"connection": {"state": "waiting"}}

    monkeypatch.setattr(module, "Client", Waiting)
    monkeypatch.setattr(module, "_SPREAD_WITHIN_S", 0.2)
    with pytest.raises(Unavailable, match="no node has connected"):
        await taken_over(stage(2))


def test_the_node_that_connected_an_account_last_has_it() -> None:
    log = (
        "2026-11-28T13:25:12.1Z [info] gateway.live account=a channel=7 resumed=False\n"
        "2026-11-28T13:25:14.0Z [info] gateway.live account=b channel=8 resumed=False\n"
        '{"event": "gateway.live", "channel": "7", "timestamp": "2026-11-28T13:25:13.0Z"}\n'
        "2026-11-28T13:25:15.0Z [info] account.given account=a channel=7\n"
    )
    assert module._live_since(log, "7") == "2026-11-28T13:25:13.0Z"
    assert module._live_since("", "7") == ""


async def test_a_simulator_that_is_gone_is_told() -> None:
    with pytest.raises(Unavailable, match="simulator cannot be reached"):
        await module._drawn(stage(2), cast(Any, {"messageId": "1"}))


def test_a_callback_is_counted() -> None:
    counted: Sequence[int] = [Site(Path("fox.webp")).times("job:1")]
    assert counted == [0]
