from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import START
from waystation.callbacks import (
    ATTEMPT_AFTER_S,
    LONGEST_RETRY_AFTER_S,
    LONGEST_WAITS_S,
    TAKEN,
    Attempt,
    Callback,
    CallbackStatus,
    next_attempt_at,
)
from waystation.jobs import JobId

HOUR_S = 3600


def test_the_schedule_is_the_documented_one() -> None:
    minutes, hours = 60, HOUR_S
    assert (
        0,
        5,
        5 * minutes,
        30 * minutes,
        2 * hours,
        5 * hours,
        10 * hours,
        10 * hours,
    ) == ATTEMPT_AFTER_S
    assert sum(ATTEMPT_AFTER_S) == pytest.approx(27.6 * hours, rel=0.01)


@pytest.mark.parametrize("attempts", range(1, 8))
def test_after_each_failed_try_the_next_row_is_waited_for(attempts: int) -> None:
    due = next_attempt_at(attempts, START, 0.0)
    assert due == START + timedelta(seconds=ATTEMPT_AFTER_S[attempts])


def test_the_first_attempt_is_due_at_once() -> None:
    assert next_attempt_at(0, START, 0.9) == START


@pytest.mark.parametrize("attempts", [8, 9, 1000])
def test_after_the_eighth_it_is_given_up(attempts: int) -> None:
    assert next_attempt_at(attempts, START, 0.0) is None


@given(st.integers(0, 7), st.floats(0, 1))
def test_jitter_never_shortens_a_wait_and_adds_a_tenth_at_most(
    attempts: int, jitter: float
) -> None:
    due = next_attempt_at(attempts, START, jitter)
    assert due is not None
    wait_s = (due - START).total_seconds()
    assert ATTEMPT_AFTER_S[attempts] <= wait_s <= ATTEMPT_AFTER_S[attempts] * 1.1 + 1e-6


@pytest.mark.parametrize(
    ("status", "delivered"),
    [
        (None, False),
        (199, False),
        (200, True),
        (204, True),
        (299, True),
        (300, False),
        (500, False),
    ],
)
def test_any_2xx_is_delivered(status: int | None, delivered: bool) -> None:
    assert Attempt(status, None, 0.1).delivered is delivered


def test_a_redirect_counts_only_when_it_says_that_the_receiver_ran() -> None:
    assert Attempt(302, TAKEN, 0.1).delivered
    assert not Attempt(302, "a redirect; set replyUrl to https://a.example/", 0.1).delivered


def test_a_new_callback_is_pending_and_untried() -> None:
    callback = Callback("d", JobId("job:1"), 1, "http://a.test/", b"{}", START, START)
    assert (callback.status, callback.attempts) == (CallbackStatus.PENDING, 0)


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_a_shorter_or_an_endless_one() -> None:
    def wait_s(attempts: int, asked_s: float | None) -> float:
        again = next_attempt_at(attempts, START, 0.0, asked_s)
        assert again is not None
        return (again - START).total_seconds()

    assert wait_s(1, None) == wait_s(1, 3) == 5
    assert wait_s(1, 60) == 60
    assert wait_s(1, 10**9) == LONGEST_RETRY_AFTER_S
    assert wait_s(7, 60) == 36_000
    assert next_attempt_at(8, START, 0.0, 60) is None


def test_a_start_leaves_the_wait_that_a_receiver_may_have_asked_for() -> None:
    """R28."""
    assert LONGEST_WAITS_S[0] == 0
    assert LONGEST_WAITS_S[1] == LONGEST_RETRY_AFTER_S
    assert LONGEST_WAITS_S[-1] == pytest.approx(39_600)


def test_an_attempt_says_why_it_was_not_taken() -> None:
    assert Attempt(503, None, 0.1).failure == "HTTP status 503"
    assert Attempt(None, "a time-out", 0.1).failure == "a time-out"
    assert Attempt(410, None, 0.1).gone and not Attempt(404, None, 0.1).gone
