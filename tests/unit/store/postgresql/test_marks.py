from __future__ import annotations

from waystation.store.postgresql.marks import Marks


def test_a_mark_is_written_where_the_transaction_has_written() -> None:
    marks = Marks(7)
    assert [marks.take(), marks.take()] == [1, 2]
    assert "select 7, 2," in marks.last(2)
    assert marks.last(2).endswith("where pg_current_xact_id_if_assigned() is not null")


def test_a_second_begin_writes_the_mark_whatever_follows() -> None:
    marks = Marks(7)
    assert "insert into commit_marks select 7, 1," in marks.first(marks.take())
    assert "where" not in marks.first(1)


def test_a_sweep_leaves_the_marks_that_may_be_asked_for() -> None:
    marks = Marks(7)
    for _ in range(256):
        marks.take()
    for number in (1, 2, 4):
        marks.give_back(number)
    assert marks.last(256).endswith("process = 7 and number < 3")
    for number in range(3, 257):
        marks.give_back(number)
    assert marks.last(256).endswith("process = 7 and number < 257")
    assert "delete" not in marks.last(255)
