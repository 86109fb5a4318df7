"""A set of ids with a bound."""

from __future__ import annotations

from waystation.midjourney.recent import RecentIds


def test_what_was_added_is_remembered() -> None:
    recent = RecentIds()
    recent.add("1")
    assert "1" in recent
    assert "2" not in recent
    assert None not in recent


def test_the_oldest_is_forgotten_first() -> None:
    recent = RecentIds(capacity=2)
    for one in ("1", "2", "1", "3"):
        recent.add(one)
    assert "1" in recent
    assert "2" not in recent
    assert "3" in recent
