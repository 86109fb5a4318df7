"""Pauses between the IDENTIFYs of one Discord user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from waystation.discord.identifying import (
    A_DAY,
    FREE,
    GAP,
    LONG_GAP,
    MOST_A_DAY,
    pause,
    waiting,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_the_first_identify_of_a_day_waits_for_nothing() -> None:
    assert pause((), NOW) == pause([NOW - A_DAY], NOW) == timedelta()


@pytest.mark.parametrize(("ago_s", "left_s"), [(0, 5), (1, 4), (4, 1), (5, 0), (60, 0)])
def test_two_identifies_are_five_seconds_apart(ago_s: int, left_s: int) -> None:
    assert pause([NOW - ago_s * SECOND], NOW) == left_s * SECOND


@pytest.mark.parametrize(("sent", "gap"), [(FREE - 1, GAP), (FREE, LONG_GAP), (FREE + 9, LONG_GAP)])
def test_after_three_hundred_of_a_day_the_pause_is_long(sent: int, gap: timedelta) -> None:
    moments = [NOW - (sent - 1 - n) * SECOND for n in range(sent)]
    assert pause(moments, NOW) == gap


def test_an_identify_of_a_wrong_clock_does_not_count() -> None:
    """R28."""
    assert pause([NOW - SECOND, NOW + timedelta(days=300)], NOW) == GAP - SECOND


def test_whoever_asks_without_end_sends_so_many_identifies_in_any_day() -> None:
    """Discord resets a token after 1,000 in 24 h (wire notes 2.4)."""
    sent: list[datetime] = []
    now = NOW
    while now < NOW + 3 * A_DAY:
        wait = pause(sent, now)
        now += wait
        assert pause(sent, now) == timedelta()
        sent.append(now)
    assert all(later - earlier >= GAP for earlier, later in pairwise(sent))
    most = max(sum(start <= one < start + A_DAY for one in sent) for start in sent)
    assert FREE < most <= MOST_A_DAY == 444


def test_the_reason_of_a_long_wait_tells_when_the_next_session_begins() -> None:
    assert waiting(timedelta(minutes=7)) == (
        "Waystation has begun 300 sessions or more of this Discord user within 24 h. It begins the "
        "next one in 7 min, so that Discord does not reset the token"
    )
