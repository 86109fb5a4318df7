"""The demo's acts notice what is not as it should be. (When all is: tests/e2e/test_cli.py.)"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.cli.run import FakeClient
from waystation.cli.demo import acts
from waystation.cli.demo.acts import ACTS, describe_file, halted, info, moderated
from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import Stage
from waystation.cli.screen import Screen
from waystation.client import Client
from waystation.errors import Halted

JOB = {"jobid": "job:1", "verb": "describe", "status": "completed", "code": 200}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_CALLBACK_WITHIN_S", 0.01)
    monkeypatch.setattr(acts, "_MAIL_WITHIN_S", 0.01)


def stage(monkeypatch: pytest.MonkeyPatch, *answers: object) -> Stage:
    """A stage whose service answers so, and whose simulator takes every fault."""

    async def fault(self: Stage, name: str, **switch: object) -> None:
        return None

    monkeypatch.setattr(Stage, "fault", fault)
    picture = Path("fox.webp")
    simulator: dict[str, Any] = {"url": "", "accounts": []}
    made = Stage(Screen(True), picture, simulator, "", {}, site=Site(picture), mailbox=Mailbox())
    made.client = cast(Client, FakeClient(list(answers)))
    made.channels = ["2", "3"]
    return made


def verdicts(stage: Stage) -> list[bool]:
    return [check.ok for check in stage.checks]


def test_every_act_has_a_title_of_its_own() -> None:
    assert len({title for title, _ in ACTS}) == len(ACTS) == 6


async def test_info_that_failed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage(monkeypatch, {"status": "failed", "code": 502})
    await info(here)
    assert verdicts(here) == [False]


async def test_a_describe_with_three_prompts_and_no_callback_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = JOB | {"status": "started", "messageId": "5"}
    three = JOB | {"embeds": [{"description": "1\n\n2\n\n3"}]}
    here = stage(monkeypatch, started, three)
    await describe_file(here)
    assert verdicts(here) == [True, False, False]


async def test_a_picture_that_was_not_refused_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage(monkeypatch, JOB, JOB)
    await moderated(here)
    assert verdicts(here) == [False, False]


async def test_an_account_that_was_not_halted_is_noticed_in_every_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = {"channel": "2", "discord": "x", "maxJobs": 3}
    here = stage(monkeypatch, JOB, account, JOB, {"code": 596}, None, {"code": 596})
    await halted(here)
    assert verdicts(here) == [False] * 6


async def test_a_halt_is_seen_by_the_answer_of_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = stage(monkeypatch, Halted())
    assert await acts._is_halted(here, "2")
