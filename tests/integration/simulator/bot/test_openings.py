from __future__ import annotations

from datetime import datetime, timedelta

from tests.integration.simulator.scene import NOON, Setting
from waystation.simulator.bot.openings import Openings


class Clock:
    """A clock set by hand."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_an_opening_is_found_until_it_is_closed() -> None:
    openings, job = Openings(Clock(), 60.0), Setting().job()
    openings.add("1", job)
    assert openings.find("1") is openings.find("1") is job
    assert openings.find("2") is None
    openings.close("1")
    openings.close("1")
    assert openings.find("1") is None


def test_an_opening_of_too_long_ago_is_gone() -> None:
    clock = Clock()
    openings = Openings(clock, 60.0)
    openings.add("1", Setting().job())
    clock.now = NOON + timedelta(seconds=59)
    assert openings.find("1") is not None
    clock.now = NOON + timedelta(seconds=61)
    assert openings.find("1") is None


def test_too_many_push_the_oldest_out() -> None:
    openings, job = Openings(Clock(), 60.0), Setting().job()
    for number in range(10_001):
        openings.add(str(number), job)
    assert openings.find("0") is None
    assert openings.find("1") is not None
    openings.clear()
    assert openings.find("1") is None
