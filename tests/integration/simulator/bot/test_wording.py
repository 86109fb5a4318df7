from __future__ import annotations

import pytest

from tests.integration.simulator.scene import Setting
from tests.pictures import webp
from waystation.simulator.bot import wording
from waystation.simulator.bot.job import Ask, Job
from waystation.simulator.discord.files import picture_of
from waystation.simulator.drawing import pictures


def _describing(setting: Setting) -> Job:
    job = setting.job(look=pictures.look(webp()))
    ask = job.ask
    picture = picture_of("cat.webp", webp(), "image/webp")
    job.ask = Ask(ask.user, ask.account, ask.channel, "describe", "1", picture=picture)
    return job


def test_prompts_are_numbered_and_kept_in_the_book() -> None:
    job = _describing(setting := Setting())
    (embed,) = wording.described(job, setting.scene).embeds
    paragraphs = embed["description"].split("\n\n")
    assert [p[:3] for p in paragraphs] == ["1️⃣", "2️⃣", "3️⃣", "4️⃣"]
    assert [p[4:] for p in paragraphs] == job.entry["prompts"]


def test_a_look_alike_says_something_else_and_stays_out_of_the_book() -> None:
    job = _describing(setting := Setting())
    (true,) = wording.described(job, setting.scene).embeds
    prompts = job.entry["prompts"]
    (false,) = wording.look_alike(job, setting.scene).embeds
    assert false["description"] != true["description"]
    assert job.entry["prompts"] is prompts


def test_a_look_alike_of_info_needs_no_picture() -> None:
    setting = Setting()
    assert wording.look_alike(setting.job("info"), setting.scene).embeds[0]["title"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"plan": "Trial"}, "**Subscription**: None (Trial)"),
        ({"active": "Paused"}, "**Subscription**: Pro (Paused)"),
        ({"mode": "Relaxed", "foreign_queued": 2}, "**Queued Jobs (relax)**: 2"),
        ({"fast_hours": 0.0}, "**Fast Time Remaining**: 0.00/0.0 hours (0.00%)"),
        ({"foreign_running": 3}, "**Running Jobs**: 3"),
        ({}, "**Running Jobs**: None"),
    ],
)
def test_info_shows_the_standing(change: dict[str, object], line: str) -> None:
    account = Setting().account
    for name, value in change.items():
        setattr(account.standing, name, value)
    assert line in wording.info_text(account).split("\n")
