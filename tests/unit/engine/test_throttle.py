from __future__ import annotations

from datetime import timedelta

from tests.fakes import START
from waystation.engine.throttle import Throttle
from waystation.quotas import Quota

MINUTE = timedelta(minutes=1)


def test_a_key_is_full_at_its_limit_and_only_within_the_window() -> None:
    throttle = Throttle(MINUTE, 2)
    throttle.add("one", START)
    assert not throttle.full("one", START)
    throttle.add("one", START + MINUTE / 2)
    assert throttle.full("one", START + MINUTE / 2)
    assert not throttle.full("another", START)
    assert not throttle.full("one", START + MINUTE)


def test_events_of_a_key_are_numbered_within_the_window() -> None:
    throttle = Throttle(MINUTE, 2)
    for seconds, number in ((0, 1), (10, 2), (20, 2)):
        now = START + timedelta(seconds=seconds)
        throttle.add("one", now)
        assert throttle.number("one", now) == number
    assert throttle.number("one", START + timedelta(seconds=75)) == 1
    assert throttle.number("another", START) == 0


def test_keys_that_fail_now_and_then_are_forgotten() -> None:
    throttle = Throttle(MINUTE, 2)
    for number in range(10_050):
        throttle.add(str(number), START)
    assert len(throttle._moments) == 10_000


def test_neither_keys_nor_moments_grow_with_what_callers_send() -> None:
    throttle = Throttle(MINUTE, 3, keys=5)
    for number in range(1_000):
        throttle.add(f"{number}" + "x" * 60_000, START)
        throttle.add("steady", START)
    assert len(throttle._moments) == 5
    assert max(map(len, throttle._moments)) == 64
    assert len(throttle._moments["steady"]) == 3
    # whoever goes on failing is not forgotten because of others
    assert throttle.full("steady", START)


def test_a_key_of_which_nothing_counts_any_more_is_forgotten_when_it_is_asked_about() -> None:
    throttle = Throttle(MINUTE, 2)
    throttle.add("one", START)
    assert not throttle.full("one", START + MINUTE)
    assert throttle._moments == {}


def test_a_quota_counts_down_and_says_when_something_of_it_comes_back() -> None:
    throttle = Throttle(MINUTE, 2)
    assert throttle.quota("jobs", "one", START) == Quota("jobs", 2, 2, 60)
    throttle.add("one", START)
    half = START + MINUTE / 2
    assert throttle.quota("jobs", "one", half, "5") == Quota("jobs", 2, 1, 60, 30, "5")
    throttle.add("one", half)
    assert throttle.quota("jobs", "one", half) == Quota("jobs", 2, 0, 60, 30)
    assert throttle.quota("jobs", "one", START + MINUTE) == Quota("jobs", 2, 1, 60, 30)
    assert throttle.quota("jobs", "one", half + MINUTE) == Quota("jobs", 2, 2, 60)
