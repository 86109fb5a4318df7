from __future__ import annotations

from datetime import UTC, datetime

from waystation.simulator.payload import decode, encode, timestamp


def test_times_always_have_six_sub_second_digits() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == (
        "2026-01-02T03:04:05.000000+00:00"
    )


def test_objects_are_written_without_spaces_and_in_their_order() -> None:
    assert encode({"b": 1, "a": None}) == b'{"b":1,"a":null}'
    assert decode(b'{"b": 1}') == {"b": 1}
