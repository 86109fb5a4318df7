"""The memory of a conversation beside its jobs, as a store can keep it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import replace
from tests.harness.play import new_job
from waystation.gateway_events import Seen
from waystation.jobs import JobId, Nonce
from waystation.midjourney.commands import MAX_JOBS, MAX_LANE
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.memory import BY_HAND, EARLIER, KINDS, Memory, Plain, Table

OPEN = [f"job-{number}" for number in range(MAX_JOBS + MAX_LANE)]
"""As many jobs as an account can have unfinished at once."""


def _table(memory: Memory) -> Table[int]:
    return memory.table(BY_HAND, Plain(int))


def test_all_kinds_together_are_what_the_store_keeps() -> None:
    assert sum(KINDS.values()) == 2_000


def test_every_unfinished_job_keeps_what_its_first_ask_was_known_by() -> None:
    memory = Memory()
    candidates = Candidates((), memory)
    for name in OPEN:
        first = replace(new_job(name), nonce=Nonce(f"first-{name}"))
        candidates.index.put(first)
        candidates.learn(replace(first, nonce=Nonce(f"second-{name}")))
    kept = [row for row in memory.changes() if row.kind == EARLIER]
    jobs = [replace(new_job(name), nonce=Nonce(f"second-{name}")) for name in OPEN]
    rebuilt = Candidates(jobs, Memory(kept))
    assert [rebuilt.index.find("nonce", f"first-{name}") for name in OPEN] == [
        JobId(n) for n in OPEN
    ]


def test_rows_beyond_a_smaller_capacity_give_way_with_the_next_new_one() -> None:
    table = _table(Memory(Seen(BY_HAND, str(number), b"1") for number in range(300)))
    table["new"] = 1
    assert len(table) == KINDS[BY_HAND]
    assert list(table)[-2:] == ["299", "new"]


def test_a_change_is_told_until_it_is_kept() -> None:
    memory = Memory()
    table = _table(memory)
    assert memory.changes() == ()
    table["a"] = 1
    assert memory.changes() == memory.changes() == (Seen(BY_HAND, "a", b"1"),)
    memory.keep()
    assert memory.changes() == ()
    del table["a"]
    assert memory.changes() == (Seen(BY_HAND, "a", None),)


def test_an_unchanged_value_is_not_told() -> None:
    memory = Memory([Seen(BY_HAND, "a", b"1")])
    table = _table(memory)
    table["a"] = 1
    assert table.setdefault("a", 2) == 1
    table["b"] = 2
    del table["b"]
    assert memory.changes() == ()
    with pytest.raises(KeyError):
        del table["b"]


def test_changes_that_were_not_committed_are_undone_in_their_order() -> None:
    memory = Memory([Seen(BY_HAND, "a", b"1"), Seen(BY_HAND, "b", b"2")])
    table = _table(memory)
    told = []
    table.restored = lambda: told.append(dict(table))
    memory.undo()
    assert told == []
    del table["a"]
    table["c"] = 3
    memory.undo()
    assert list(table.items()) == [("a", 1), ("b", 2)]
    assert told == [{"a": 1, "b": 2}]
    assert memory.changes() == ()


def test_the_oldest_gives_way_and_what_changes_keeps_its_place() -> None:
    memory = Memory()
    table = _table(memory)
    for number in range(KINDS[BY_HAND]):
        table[str(number)] = number
    memory.keep()
    table["0"] = 7
    table["new"] = 8
    assert len(table) == KINDS[BY_HAND]
    assert memory.changes() == (Seen(BY_HAND, "0", None), Seen(BY_HAND, "new", b"8"))


def test_a_row_that_another_version_wrote_is_left_out() -> None:
    table = _table(Memory([Seen(BY_HAND, "a", b"[]"), Seen(BY_HAND, "b", b"2")]))
    assert dict(table) == {"b": 2}


def test_rows_of_a_kind_that_is_not_known_harm_nobody() -> None:
    assert dict(_table(Memory([Seen("colour", "a", b"1")]))) == {}


_DEEDS = st.lists(
    st.tuples(
        st.sampled_from(("set", "delete", "keep", "undo")),
        st.sampled_from("abcd"),
        st.integers(0, 2),
    ),
    max_size=30,
)


@given(_DEEDS)
def test_whatever_is_done_in_whatever_order_what_is_kept_can_be_built_again(
    deeds: list[tuple[str, str, int]],
) -> None:
    memory = Memory()
    table = _table(memory)
    stored: dict[str, Seen] = {}
    kept: list[tuple[str, int]] = []
    for deed, key, value in deeds:
        if deed == "set":
            table[key] = value
        elif deed == "delete":
            table.pop(key, None)
        elif deed == "undo":
            memory.undo()
            assert list(table.items()) == kept
        else:
            for row in memory.changes():
                stored.pop(row.id, None)
                if row.body is not None:
                    stored[row.id] = row
            memory.keep()
            kept = list(table.items())
            assert dict(_table(Memory(stored.values()))) == dict(kept)


def test_a_row_that_came_and_went_before_it_was_kept_is_no_change() -> None:
    memory = Memory()
    table = _table(memory)
    for name in "ab":
        table[name] = 1
        del table[name]
    assert [*memory.changes()] == []


def test_a_table_is_read_as_a_dictionary_is() -> None:
    table = _table(Memory([Seen(BY_HAND, "a", b"1"), Seen(BY_HAND, "b", b"2")]))
    assert "a" in table
    assert "c" not in table
    assert list(table.values()) == [1, 2]


def test_a_value_that_came_back_before_it_was_kept_is_no_change() -> None:
    memory = Memory([Seen(BY_HAND, "a", b"1")])
    table = _table(memory)
    table["a"] = 2
    assert memory.changes() == (Seen(BY_HAND, "a", b"2"),)
    table["a"] = 1
    assert memory.changes() == ()
