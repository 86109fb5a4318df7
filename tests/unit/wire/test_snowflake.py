"""Snowflakes: time in, time out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.wire.snowflake import (
    DISCORD_EPOCH,
    NO_SNOWFLAKE,
    is_newer,
    is_snowflake,
    newest,
    snowflake_at,
    snowflake_order,
    snowflake_time,
)

MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
)


@given(MOMENTS, st.integers(0, 2**22 - 1))
def test_a_snowflake_keeps_its_millisecond(moment: datetime, increment: int) -> None:
    assert snowflake_time(snowflake_at(moment, increment)) == moment


@given(MOMENTS, st.integers(1, 10**9), st.integers(0, 2**22 - 1))
def test_later_snowflakes_are_larger(moment: datetime, later_ms: int, increment: int) -> None:
    later = snowflake_at(moment + timedelta(milliseconds=later_ms))
    assert int(snowflake_at(moment, increment)) < int(later)


def test_a_known_snowflake_has_its_documented_time() -> None:
    assert snowflake_time("175928847299117063") == datetime(
        2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC
    )
    assert snowflake_at(DISCORD_EPOCH) == "0"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("936929561302675456", True),
        ("12345678901234567", True),
        ("1234567890123456", False),
        ("123456789012345678901", False),
        ("93692956130267545x", False),
        ("٩٣٦٩٢٩٥٦١٣٠٢٦٧٥٤٥٦", False),
        ("", False),
    ],
)
def test_only_seventeen_to_twenty_digits_look_like_a_snowflake(text: str, is_one: bool) -> None:
    assert is_snowflake(text) is is_one


def test_text_that_is_no_number_has_no_time() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        snowflake_time("soon")


def test_ids_are_in_the_order_of_their_numbers_whatever_their_length() -> None:
    """Discord's ids have grown by a digit since its first years."""
    ids = ["175928847299117063", "99", "1456483162128384000", "100"]
    assert sorted(ids, key=snowflake_order) == [ids[1], ids[3], ids[0], ids[2]]


@pytest.mark.parametrize(
    ("one", "other", "newer"), [("100", "99", True), ("99", "100", False), ("100", "100", False)]
)
def test_an_id_is_newer_than_one_that_was_made_before(one: str, other: str, *, newer: bool) -> None:
    assert is_newer(one, other) is newer


def test_the_newest_of_several_ids_is_told_and_the_oldest_of_all_for_none() -> None:
    assert newest("99", "1000", None, "100") == "1000"
    assert newest(None, "99") == "99"
    assert newest(None) == NO_SNOWFLAKE


def test_the_increment_is_kept_in_the_low_bits() -> None:
    moment = DISCORD_EPOCH + timedelta(milliseconds=3)
    assert int(snowflake_at(moment, 5)) == 3 * 2**22 + 5
    assert int(snowflake_at(moment, 2**22 + 5)) == 3 * 2**22 + 5
