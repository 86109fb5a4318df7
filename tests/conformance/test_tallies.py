"""Duties of each implementation of `ports.Tallies`, whatever its database.

The database's clock counts on PostgreSQL, so nothing here waits for a window to end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.conformance.stores import opened
from tests.fakes import START, FakeClock
from waystation.ports import Counted, Store, Tally

HOUR = Counted("wishes", timedelta(hours=1))
OTHERS = Counted("others", timedelta(hours=1))


@pytest.fixture
async def both(where: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores on one database, whose processes have clocks five minutes apart."""
    one = await opened(where, FakeClock())
    await one.add_user("owner@example.org", b"hash", START)
    # SQLite has one process, and its clock
    ahead = FakeClock(START + timedelta(minutes=5)) if "://" in where else FakeClock()
    two = await opened(where, ahead)
    yield one, two
    await one.close()
    await two.close()


async def test_events_of_each_process_count_for_all(both: tuple[Store, Store]) -> None:
    one, two = (store.tallies for store in both)
    assert await one.look(HOUR, "a") == Tally()
    for tallies in (one, two, one):
        assert await tallies.take(HOUR, "a", 3, 1) is None
    for tallies in (one, two):
        full = await tallies.take(HOUR, "a", 3, 1)
        assert full is not None
        assert full.number == 3
        assert full.resets_s is not None
        assert 3500 < full.resets_s <= 3660
    assert await two.take(HOUR, "b", 3, 1) is None
    assert await two.take(OTHERS, "a", 3, 1) is None
    assert (await one.look(HOUR, "a")).number == 3


async def test_an_event_that_is_given_back_counts_no_more(both: tuple[Store, Store]) -> None:
    one, two = (store.tallies for store in both)
    await one.give_back(HOUR, "a")
    assert await one.take(HOUR, "a", 2, 1) is None
    assert await one.take(HOUR, "a", 2, 1) is None
    await two.give_back(HOUR, "a")
    assert (await one.look(HOUR, "a")).number == 1
    await two.give_back(HOUR, "a")
    await two.give_back(HOUR, "a")
    assert await one.look(HOUR, "a") == Tally()


async def test_many_keys_are_shared_at_once(both: tuple[Store, Store]) -> None:
    one, two = (store.tallies for store in both)
    await one.share(HOUR, {"a": 2, "b": 1})
    known = await two.share(HOUR, {"c": 4, "a": 3})
    assert {key: tally.number for key, tally in known.items()} == {"a": 5, "c": 4}
    assert await two.share(HOUR, {}) == {}


async def test_slices_tell_how_old_what_happened_is(both: tuple[Store, Store]) -> None:
    one, two = (store.tallies for store in both)
    assert await one.slices(HOUR, "") == []
    await one.slices(HOUR, "", 3)
    await two.slices(HOUR, "", 4)
    found = await one.slices(HOUR, "")
    assert sum(one.number for one in found) == 7
    assert all(0 <= one.age_s < 120 for one in found)
