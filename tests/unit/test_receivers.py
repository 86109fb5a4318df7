from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from tests.build import later, replace
from waystation.receivers import MAILS, Receiver, after_failure, gone, mail_of, receiver_of

DAY_S = 86_400.0
PATIENCE = timedelta(days=5)
PLACE = "https://example.org"


def failed(before: Receiver | None, days: float, patience: timedelta = PATIENCE) -> Receiver:
    return after_failure(before, 1, PLACE, "HTTP status 503", later(days * DAY_S), patience)


def over(*days: float, patience: timedelta = PATIENCE) -> list[Receiver]:
    """Return how the receiver stands after failures on these days."""
    seen: list[Receiver] = []
    for day in days:
        seen.append(failed(seen[-1] if seen else None, day, patience))
    return seen


def test_the_mails_come_after_one_three_and_five_days_and_the_last_one_disables() -> None:
    days = (0, 0.99, 1, 1.5, 2.99, 3, 4.99, 5, 6)
    stands = over(*days)
    told = [after.told - before.told for before, after in itertools.pairwise(stands)]
    assert told == [0, 1, 0, 0, 1, 0, 1, 0]
    assert [one.disabled_at is not None for one in stands] == [False] * 7 + [True] * 2
    assert stands[-1].disabled_at == later(5 * DAY_S)
    assert MAILS == (1, 3, 5)


def test_two_failures_far_apart_disable_nothing() -> None:
    stands = over(0, 9, 9.001, 9.9)
    assert [one.told for one in stands] == [0, 1, 1, 1]
    assert stands[-1].disabled_at is None


def test_mails_are_a_fifth_apart_however_long_it_has_failed() -> None:
    stands = over(0, 9, 9.99, 10, 10.99, 11)
    assert [one.told for one in stands] == [0, 1, 1, 2, 2, 3]
    assert stands[-1].disabled_at == later(11 * DAY_S)


def test_another_patience_moves_the_mails_with_it() -> None:
    stands = over(0, 2, 6, 10, patience=timedelta(days=10))
    assert [one.told for one in stands] == [0, 1, 2, 3]


def test_without_patience_nothing_is_disabled_and_nobody_is_told() -> None:
    last = over(0, 1, 10, 100, patience=timedelta())[-1]
    assert (last.told, last.disabled_at) == (0, None)
    assert last.failed_at == later(100 * DAY_S)


def test_the_last_failure_is_kept_with_its_reason() -> None:
    first = failed(None, 0)
    second = after_failure(first, 1, PLACE, "a time-out", later(60), PATIENCE)
    assert (second.failing_since, second.failed_at) == (later(0), later(60))
    assert (first.reason, second.reason) == ("HTTP status 503", "a time-out")


def test_a_url_that_is_gone_is_disabled_at_once_and_without_a_mail() -> None:
    """R41."""
    one = gone(1, "https://example.org/hook", later(5))
    assert (one.is_gone, one.disabled_at, one.told) == (True, later(5), 0)


def test_a_mail_says_the_place_the_hours_and_the_reason() -> None:
    warned = over(0, 1.5)[-1]
    subject, body = mail_of(warned)
    assert subject == "Waystation: a receiver of your callbacks fails"
    assert "https://example.org has taken no callback for 36 hours" in body
    assert "HTTP status 503" in body and "will\nbe disabled" in body


def test_the_last_mail_says_how_to_enable_it() -> None:
    subject, body = mail_of(over(0, 1, 3, 5)[-1])
    assert subject == "Waystation: a receiver of your callbacks is disabled"
    assert "for 120 hours" in body
    assert "POST /v2/deliveries/ping" in body and "POST /v2/deliveries/replay" in body


def test_no_text_of_a_receiver_breaks_a_mail() -> None:
    odd = replace(over(0, 1)[-1], reason="{place} {x} {0}", place="https://{host}")
    assert "{place} {x} {0}" in mail_of(odd)[1]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://user:pw@example.org/hook?key=1#x", "https://example.org"),
        ("http://example.org:8080/a", "http://example.org:8080"),
        ("http://[::1]:x/", "unreadable"),
    ],
)
def test_the_place_of_a_url_tells_nothing_secret(url: str, place: str) -> None:
    """R46."""
    assert receiver_of(url) == place
