"""Sidelining, played by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import build
from waystation.sidelining import (
    FIRST_SPAN,
    IN_A_ROW,
    LONGEST_SPAN,
    TOLD_AGAIN,
    Cause,
    Trouble,
    is_sidelined,
    preferred,
    trouble_after,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
UNKNOWN = Cause(400, "10003", "Unknown Channel")
MISSING = Cause(403, "50001", "Missing Access")


def _refused(*causes: Cause | None, trouble: Trouble | None = None) -> Trouble | None:
    for cause in causes:
        trouble = trouble_after(trouble, cause, NOW)
    return trouble


def _sidelined(times: int = 1) -> tuple[Trouble, datetime]:
    """Return an account that was sidelined so often for the same, and when it is on trial."""
    trouble = _refused(UNKNOWN, UNKNOWN, UNKNOWN)
    for _ in range(times - 1):
        assert trouble is not None and trouble.until is not None
        trouble = trouble_after(trouble, UNKNOWN, trouble.until)
    assert trouble is not None and trouble.until is not None
    return trouble, trouble.until


def test_the_third_same_refusal_sidelines_for_ten_minutes() -> None:
    assert IN_A_ROW == 3
    assert not is_sidelined(_refused(UNKNOWN, UNKNOWN), NOW)
    trouble, until = _sidelined()
    assert until == NOW + timedelta(minutes=10)
    assert is_sidelined(trouble, NOW) and is_sidelined(trouble, until - MOMENT)
    assert not is_sidelined(trouble, until)


def test_nobody_is_sidelined_who_was_never_refused() -> None:
    assert not is_sidelined(None, NOW)
    assert trouble_after(None, None, NOW) is None


def test_other_words_of_discord_make_no_other_cause() -> None:
    chinese = Cause(400, "10003", "未知频道")
    assert is_sidelined(_refused(UNKNOWN, chinese, UNKNOWN), NOW)


@pytest.mark.parametrize("between", [None, MISSING, Cause(404, "10003", "Unknown Channel")])
def test_whatever_comes_between_begins_the_count_anew(between: Cause | None) -> None:
    trouble = _refused(UNKNOWN, UNKNOWN, between, UNKNOWN, UNKNOWN)
    assert not is_sidelined(trouble, NOW)
    assert is_sidelined(trouble_after(trouble, UNKNOWN, NOW), NOW)


def test_a_refusal_while_it_is_sidelined_changes_nothing() -> None:
    trouble, until = _sidelined()
    assert trouble_after(trouble, UNKNOWN, until - MOMENT) == trouble
    assert trouble_after(trouble, MISSING, until - MOMENT) == trouble


@pytest.mark.parametrize("cause", [UNKNOWN, MISSING])
def test_the_next_refusal_on_trial_sidelines_for_twice_as_long(cause: Cause) -> None:
    trouble, until = _sidelined()
    again = trouble_after(trouble, cause, until)
    assert again is not None
    assert (again.cause, again.since, again.span) == (cause, until, 2 * FIRST_SPAN)


def test_no_time_is_longer_than_six_hours() -> None:
    assert timedelta(hours=6) == LONGEST_SPAN
    spans = [_sidelined(times)[0].span for times in range(1, 9)]
    assert spans == sorted(spans) and spans[-1] == spans[-2] == LONGEST_SPAN


def test_a_success_brings_it_back_and_begins_anew() -> None:
    trouble, until = _sidelined(times=3)
    for now in (until - MOMENT, until):
        back = trouble_after(trouble, None, now)
        assert not is_sidelined(back, now)
        for _ in range(IN_A_ROW):
            assert not is_sidelined(back, now)
            back = trouble_after(back, UNKNOWN, now)
        assert back is not None and back.span == FIRST_SPAN


def test_a_cause_is_told_once() -> None:
    trouble, until = _sidelined()
    assert trouble.is_new
    again = trouble_after(trouble, UNKNOWN, until)
    assert again is not None and again.until is not None and not again.is_new
    other = trouble_after(again, MISSING, again.until)
    assert other is not None and other.is_new


def test_a_cause_that_comes_and_goes_is_told_once_a_day() -> None:
    trouble, _ = _sidelined()
    for later, told in ((TOLD_AGAIN / 2, False), (TOLD_AGAIN, True)):
        now = NOW + later
        back = trouble_after(trouble, None, now)
        for _ in range(IN_A_ROW):
            assert back is None or not back.is_new
            back = trouble_after(back, UNKNOWN, now)
        assert back is not None and back.is_new is told
    assert trouble_after(trouble, None, NOW + TOLD_AGAIN) is None


def test_an_instant_that_lies_ahead_keeps_nobody_out() -> None:
    trouble, _ = _sidelined()
    assert not is_sidelined(trouble, NOW - MOMENT)


def test_a_sidelined_account_is_preferred_to_none_alone() -> None:
    aside, well = build.account(), build.account(2)
    aside = build.replace(aside, trouble=_sidelined()[0])
    assert preferred([aside, well], NOW) == [well]
    assert preferred([aside], NOW) == [aside]
    assert preferred([aside, well], NOW + FIRST_SPAN) == [aside, well]


@pytest.mark.parametrize(("code", "end"), [("10003", "400 with code 10003"), ("", "400")])
def test_a_cause_says_status_and_code(code: str, end: str) -> None:
    words = f"Discord refuses what this account sends: HTTP status {end}"
    assert str(Cause(400, code, "…")) == words
