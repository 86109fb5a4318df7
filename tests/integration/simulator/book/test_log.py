from __future__ import annotations

from datetime import UTC, datetime

from tests.integration.simulator.scene import Setting
from waystation.simulator.book.log import Book, Log
from waystation.simulator.book.pages import page


def _log(limit: int = 10) -> Log:
    return Log(limit, lambda: datetime(2026, 1, 1, tzinfo=UTC))


def test_entries_are_numbered_and_read_from_a_number_on() -> None:
    log = _log()
    for kind in ("frame", "request", "frame"):
        log.add(kind)
    assert [entry["n"] for entry in log.entries()] == [1, 2, 3]
    assert [entry["n"] for entry in log.entries(since=1)] == [2, 3]
    assert [entry["n"] for entry in log.entries(kind="frame")] == [1, 3]
    assert [entry["n"] for entry in log.entries(1, "frame,request")] == [2, 3]
    assert log.entries(since=3) == log.entries(since=99) == []


def test_a_full_log_forgets_its_oldest_entries_and_keeps_counting() -> None:
    log = _log(limit=2)
    for _ in range(5):
        log.add("frame")
    assert [entry["n"] for entry in log.entries()] == [4, 5]
    assert [entry["n"] for entry in log.entries(since=1)] == [4, 5]
    log.clear()
    assert log.add("frame")["n"] == 6


def test_the_book_has_one_page_per_job_and_forgets_the_oldest() -> None:
    book = Book(2)
    ask = Setting().job().ask
    for number in (1, 2, 3):
        book.open(page(ask, number, "100", "7", accepted_at_s=0.0))
    assert [entry["number"] for entry in book.entries()] == [2, 3]
    book.clear()
    assert book.entries() == []
