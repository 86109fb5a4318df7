"""docs/limits.md has a row for each span of time in the source, with the number of the code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.documents.limits_page import DERIVED, ROWS, limits_page, spoken
from tests.documents.spans import Value, spans
from waystation.callbacks import ATTEMPT_AFTER_S
from waystation.settings import SETTINGS, Settings


def _places() -> list[str]:
    return [
        place
        for rows in ROWS.values()
        for row in rows
        for place in row.places.split()
        if not place.startswith("#")
    ]


def test_each_span_of_the_source_has_one_row_or_a_reason_why_not() -> None:
    told = [*_places(), *DERIVED]
    assert set(spans()) - set(told) == set(), "give it a row of ROWS, or a reason in DERIVED"
    assert set(told) - set(spans()) == set(), "its row names nothing"
    assert len(told) == len(set(told))


def test_each_setting_with_a_duration_has_a_row() -> None:
    durations = {row.variable for row in SETTINGS if row.unit in ("seconds", "days")}
    named = {row.variable for row in SETTINGS if row.name.endswith(("_s", "_days"))}
    assert durations == named <= set(_places())


def test_a_span_that_a_setting_replaces_names_a_setting() -> None:
    for place, reason in DERIVED.items():
        if reason.startswith("the setting "):
            assert hasattr(Settings(), reason.split()[2]), place


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("callbacks.ATTEMPT_AFTER_S", ATTEMPT_AFTER_S),
        ("WAYSTATION_JOB_RETENTION_DAYS", 31.0),
        ("deadlines.IN_FLIGHT", timedelta(seconds=5)),
        ("logins.Logins.__init__:timedelta", timedelta(minutes=1)),
        ("client.Client.download.timeout_s", 300.0),
        ("calls.repeated:wait_max", 8.0),
        ("adapters.OwnerLimits.cancel_wait_s", 10.0),
    ],
)
def test_the_scan_finds_each_kind_of_span(place: str, value: Value) -> None:
    assert spans()[place] == value


@pytest.mark.parametrize(
    ("value", "place", "words"),
    [
        (1.5, "x._S", "1.5 s"),
        (60.0, "x._S", "60 s"),
        (120.0, "x._S", "2 min"),
        (3600, "x._S", "1 h"),
        (5000, "x._BUSY_MS", "5 s"),
        (31.0, "X_DAYS", "31 days"),
        (timedelta(days=1), "", "24 h"),
        ((0, 5, 300), "", "at once, 5 s, 5 min"),
    ],
)
def test_a_span_is_told_in_words(value: Value, place: str, words: str) -> None:
    assert spoken(value, place) == words


def test_a_row_shows_the_number_of_the_code() -> None:
    row = "| Whole job | 30 min | `job_timeout_s` | The job fails with 502. |"
    assert row in limits_page().splitlines()
