"""Ids with a bound, one by one or in groups."""

from __future__ import annotations

from waystation.midjourney.memory import KINDS, SETTLED, Memory
from waystation.midjourney.recent import KnownBy, RecentIds


def test_an_added_user_is_remembered() -> None:
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


def test_a_group_is_forgotten_whole_and_the_oldest_first() -> None:
    known = KnownBy(Memory(), SETTLED)
    for number in range(KINDS[SETTLED] + 1):
        known.add(f"job-{number}", (f"nonce-{number}", f"message-{number}"))
    assert "nonce-0" not in known
    assert "message-0" not in known
    assert "nonce-1" in known
    assert f"message-{KINDS[SETTLED]}" in known


def test_the_signs_of_a_job_are_replaced() -> None:
    known = KnownBy(Memory(), SETTLED)
    known.add("job", ("1", "2"))
    known.add("other", ("2",))
    known.add("job", ("3",))
    assert "1" not in known
    assert "2" in known
    assert "3" in known


def test_groups_that_were_not_committed_are_forgotten() -> None:
    memory = Memory()
    known = KnownBy(memory, SETTLED)
    known.add("kept", ("1",))
    memory.keep()
    known.add("kept", ("2",))
    memory.undo()
    assert "1" in known
    assert "2" not in known


def test_groups_are_known_to_the_next_process() -> None:
    memory = Memory()
    KnownBy(memory, SETTLED).add("job", ("1", "2"))
    assert "2" in KnownBy(Memory(memory.changes()), SETTLED)
