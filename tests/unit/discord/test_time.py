"""Discord's time, and how far our own clock is off."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from structlog.testing import capture_logs

from tests.fakes import START, FakeClock
from waystation.discord.time import DiscordTime


def _date(ahead_s: float) -> str:
    return format_datetime(START + timedelta(seconds=ahead_s), usegmt=True)


def test_before_its_first_answer_discord_has_our_time() -> None:
    clock = FakeClock()
    clock.set_wall(timedelta(hours=1))
    time = DiscordTime(clock)
    assert (time.now(), time.error, time.warning) == (START + timedelta(hours=1), None, None)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 99 Nov 2026 00:00:00 GMT"])
def test_a_date_that_cannot_be_read_says_nothing(date: str | None) -> None:
    time = DiscordTime(FakeClock())
    time.heard(date)
    assert time.now() == START


@pytest.mark.parametrize(("ahead_s", "side"), [(8, "behind"), (-8, "ahead of"), (-900, "ahead of")])
def test_an_error_above_five_seconds_is_told_once(ahead_s: int, side: str) -> None:
    time = DiscordTime(FakeClock())
    with capture_logs() as logs:
        time.heard(_date(ahead_s))
        time.heard(_date(ahead_s + 1))
    assert [(line["event"], line["ahead_s"]) for line in logs] == [("clock.differs", -ahead_s)]
    assert f"{abs(ahead_s + 1)} s {side} Discord" in (time.warning or "")


@pytest.mark.parametrize("ahead_s", [5, 0, -5])
def test_five_seconds_are_the_way_of_an_answer(ahead_s: int) -> None:
    time = DiscordTime(FakeClock())
    with capture_logs() as logs:
        time.heard(_date(ahead_s))
    assert (logs, time.warning) == ([], None)


def test_a_wall_clock_that_is_set_shows_without_another_answer() -> None:
    clock = FakeClock()
    time = DiscordTime(clock)
    time.heard(_date(0))
    clock.set_wall(timedelta(hours=1))
    clock.advance(60)
    assert time.now() == START + timedelta(seconds=60)
    assert "3600 s ahead of Discord" in (time.warning or "")
    with capture_logs() as logs:
        time.heard(_date(60))
        clock.set_wall(-timedelta(hours=1))
        time.heard(_date(60))
        clock.set_wall(timedelta(hours=1))
        time.heard(_date(60))
    assert [line["ahead_s"] for line in logs] == [3600, 3600]


def test_how_far_discord_is_ahead_is_held_against_our_own_time() -> None:
    clock = FakeClock()
    time = DiscordTime(clock)
    assert time.ahead is None
    clock.set_wall(timedelta(days=3))
    time.heard(_date(3600))
    assert time.ahead == timedelta(hours=1)
