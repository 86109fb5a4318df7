from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.store.columns import Columns, Values, instant, instant_or_none, micros, minute_of

_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))

Number = NewType("Number", str)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    name: str
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Thing:
    number: Number
    is_on: bool
    made_at: datetime
    colour: Colour | None
    gone_at: datetime | None = None
    span: timedelta = timedelta()
    data: bytes | None = None
    parts: tuple[Part, ...] = ()
    words: dict[str, Part] | None = None


THINGS = Columns(Thing, {"parts_n": lambda thing: len(thing.parts)})
BARE = Thing(Number("7"), False, datetime(2026, 1, 2, tzinfo=UTC), None)
FULL = Thing(
    Number("8"),
    True,
    datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    Colour.RED,
    datetime(2026, 1, 3, tzinfo=UTC),
    timedelta(hours=-1, microseconds=1),
    b"",
    (Part("a", (1, 2)), Part("b")),
    {"x": Part("c")},
)


def _row(values: Values) -> tuple[object, ...]:
    return tuple(values[name] for name in THINGS.names)


@pytest.mark.parametrize("thing", [BARE, FULL], ids=["bare", "full"])
def test_a_value_comes_back_equal(thing: Thing) -> None:
    assert THINGS.read(_row(THINGS.values(thing))) == thing


def test_the_columns_are_the_fields_and_then_the_computed_ones() -> None:
    assert THINGS.names == (*Thing.__match_args__, "parts_n")
    assert THINGS.values(FULL)["parts_n"] == 2


def test_a_database_gets_its_own_types_alone() -> None:
    values = THINGS.values(FULL)
    assert (values["is_on"], type(values["is_on"])) == (1, int)
    assert (values["colour"], type(values["colour"])) == ("red", str)
    assert values["made_at"] == micros(FULL.made_at)
    assert values["span"] == -3_599_999_999
    assert values["data"] == b""
    assert values["parts"] == '[{"name":"a","sizes":[1,2]},{"name":"b","sizes":[]}]'


def test_empty_parts_cost_no_json() -> None:
    values = THINGS.values(BARE)
    assert values["parts"] is None and values["words"] is None
    assert THINGS.read(_row(values)).parts == ()


def test_sequences_come_back_as_tuples_at_every_depth() -> None:
    read = THINGS.read(_row(THINGS.values(FULL)))
    assert type(read.parts) is tuple and type(read.parts[0].sizes) is tuple


@given(_MOMENTS)
def test_times_are_exact_to_the_microsecond(moment: datetime) -> None:
    assert instant(micros(moment)) == instant_or_none(micros(moment)) == moment


def test_no_time_stays_no_time() -> None:
    assert instant_or_none(None) is None


def test_one_column_is_written_as_in_the_whole_row() -> None:
    assert THINGS.value("number", Number("7")) == "7"
    assert THINGS.value("is_on", True) == 1
    assert THINGS.value("span", timedelta(seconds=2)) == 2_000_000


def test_one_column_is_read_as_in_the_whole_row() -> None:
    assert THINGS.field("number", "7") == "7"
    assert THINGS.field("span", 2_000_000) == timedelta(seconds=2)
    assert THINGS.field("gone_at", None) is None


def test_minutes_are_whole_and_counted_from_1970() -> None:
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    moments = (begin, begin + timedelta(seconds=59.9), begin + timedelta(minutes=61))
    assert [minute_of(moment) for moment in moments] == [0, 0, 61]
