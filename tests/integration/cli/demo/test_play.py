"""The demo from curtain to curtain, with acts of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from tests.harness.command_line import FakeClient
from waystation.cli.demo import play as module
from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.play import play
from waystation.cli.demo.processes import Program
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import Stage
from waystation.cli.screen import Screen
from waystation.client import Client
from waystation.errors import Unavailable

Act = Callable[[Stage], Awaitable[None]]
PICTURE = Path("fox.webp")


class Theatre:
    """A stage without processes; its client is remembered."""

    def __init__(self) -> None:
        self.client = FakeClient([None])

    @asynccontextmanager
    async def stage(
        self,
        screen: Screen,
        picture: Path,
        pictures: Path | None,
        nodes: int = 1,
        database: str | None = None,
    ) -> AsyncIterator[Stage]:
        simulator = {"url": "http://127.0.0.1:1", "accounts": []}
        yield Stage(
            screen,
            picture,
            simulator,
            "http://127.0.0.1:2",
            {},
            pictures or Path("thrown away"),
            service=Program(Path("log"), {}, "nothing"),
            site=Site(picture),
            mailbox=Mailbox(),
        )

    async def people(self, stage: Stage) -> None:
        stage.token = "user:1-secret"
        stage.client = cast(Client, self.client)
        stage.channels = ["2", "3"]
        stage.check(True, "people came")


@pytest.fixture
def theatre(monkeypatch: pytest.MonkeyPatch) -> Theatre:
    found = Theatre()
    monkeypatch.setattr(module, "_stage", found.stage)
    monkeypatch.setattr(module, "_end_in_order_on_signals", lambda: None)
    return found


def acts(monkeypatch: pytest.MonkeyPatch, *found: Act) -> None:
    monkeypatch.setattr(module, "ACTS", tuple((f"act {act.__name__}", act) for act in found))


async def fine(stage: Stage) -> None:
    stage.check(True, "it went well")


async def wrong(stage: Stage) -> None:
    stage.check(False, "it went well")


async def broken(stage: Stage) -> None:
    raise Unavailable("the service is gone", details="its last words")


async def test_all_checks_passed_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, theatre: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    acts(monkeypatch, theatre.people, fine)
    assert await play(Screen(False), PICTURE, folder=None, keep=False)
    out = capsys.readouterr().out
    assert "No Discord account is used" in out and "1. act people" in out
    assert "All 2 checks passed. Discord was the simulator, the rest is real." in out
    assert "results    are thrown away; --save DIR keeps the pictures" in out
    assert [call[0] for call in theatre.client.calls] == ["close"]


async def test_where_results_stay_is_said_first(
    monkeypatch: pytest.MonkeyPatch, theatre: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    acts(monkeypatch, theatre.people)
    assert await play(Screen(False), PICTURE, folder=Path("mine"), keep=False)
    assert "results    mine\n" in capsys.readouterr().out.partition("1. ")[0]


async def test_one_failed_check_fails_the_demo_and_the_others_are_still_made(
    monkeypatch: pytest.MonkeyPatch, theatre: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    acts(monkeypatch, theatre.people, wrong, broken, fine)
    assert not await play(Screen(False), PICTURE, folder=None, keep=False)
    out = capsys.readouterr().out
    assert "✗ the service is gone (its last words)" in out
    assert "2 of 4 checks failed." in out


async def test_without_people_nothing_more_is_tried(
    monkeypatch: pytest.MonkeyPatch, theatre: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    acts(monkeypatch, broken, fine)
    assert not await play(Screen(True), PICTURE, folder=None, keep=False)
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "checks": [
            {
                "act": "1. act broken",
                "expected": "the service is gone (its last words)",
                "ok": False,
            }
        ],
    }


async def test_a_kept_demo_tells_how_to_call_it(
    monkeypatch: pytest.MonkeyPatch, theatre: Theatre, capsys: pytest.CaptureFixture[str]
) -> None:
    async def kept() -> None:
        return None

    monkeypatch.setattr(module, "_kept", kept)
    acts(monkeypatch, theatre.people)
    assert await play(Screen(False), PICTURE, folder=None, keep=True)
    out = capsys.readouterr().out
    assert "export WAYSTATION_URL=http://127.0.0.1:2 WAYSTATION_TOKEN=user:1-secret\n" in out
    assert "results    thrown away\n" in out
    assert """$WAYSTATION_URL/v2/jobs/info -d '{"channel": "2"}'\n""" in out
