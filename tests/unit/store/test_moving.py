from __future__ import annotations

import pytest

from waystation.store.moving import PIECE_BYTES, Sum, in_order, pieces


def summed(*rows: tuple[object, ...]) -> Sum:
    found = Sum()
    for row in rows:
        found.add(row)
    return found


ROWS = [(1, "a", None, b"\0x", 0.5), (2, "\udcff", "", b"", -1.0), (1, "a", None, b"\0x", 0.5)]


def test_the_order_of_rows_does_not_matter() -> None:
    assert summed(*ROWS) == summed(*reversed(ROWS))
    assert len(summed(*ROWS).checksum) == 16


@pytest.mark.parametrize(
    "other",
    [
        ROWS[:2],
        [*ROWS, ROWS[0]],
        [(1, "a", None, b"\0x", 0.5), (2, "\udcff", "", b"", -1.0), (1, "a", "", b"\0x", 0.5)],
        [(1, "a", None, b"\0x", 0.5), (2, "\udcff", "", b"", -1.0), (1, "a", None, "\0x", 0.5)],
    ],
)
def test_a_row_more_a_row_less_and_a_changed_value_show(other: list[tuple[object, ...]]) -> None:
    assert summed(*ROWS) != summed(*other)


def test_a_sum_is_no_other_thing_and_tells_itself() -> None:
    assert summed() != 0
    assert repr(summed()) == "0 rows, checksum 0000000000000000"
    assert summed(("a" * 100,)).widest > 100


def test_pieces_hold_all_rows_in_order_and_few_bytes() -> None:
    blob = b"x" * (1 << 20)
    found = list(pieces((number, blob) for number in range(10)))
    assert [row[0] for piece in found for row in piece] == list(range(10))
    assert max(len(piece) for piece in found) <= PIECE_BYTES // len(blob)
    assert [len(piece) for piece in pieces((n,) for n in range(4_001))] == [2_000, 2_000, 1]
    assert list(pieces([])) == []


def test_tables_come_after_those_to_which_they_refer() -> None:
    order = in_order({"a": ["b", "a"], "b": ["c"], "c": [], "d": ["a", "c"]})
    assert sorted(order) == ["a", "b", "c", "d"]
    assert order.index("c") < order.index("b") < order.index("a") < order.index("d")
    with pytest.raises(ValueError, match="cycle"):
        in_order({"a": ["b"], "b": ["a"]})
