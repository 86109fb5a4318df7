"""IDENTIFYs of the last day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests import build
from tests.build import START
from tests.fakes import FakeClock
from tests.limits import GHOST_AGE
from waystation.store.columns import Values, micros
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions.database import Database
from waystation.store.transactions.lately import add

DAY = timedelta(days=1)


def test_two_sessions_that_begin_at_once_send_one_identify(database: Database) -> None:
    forget = START - DAY
    first, second, third = START, build.later(0.001), build.later(5)
    assert add(database, "1111", first, forget, None)
    # it has read before the first one was noted
    assert not add(database, "1111", second, forget, None)
    assert not add(database, "1111", first, forget, first)
    assert add(database, "2222", second, forget, None)
    assert add(database, "1111", third, forget, first)
    assert not add(database, "1111", build.later(10), forget, first)
    known: Values = {"discord_user_id": "1111", "after": 0}
    assert database.all("identifies_after", known) == [(micros(first),), (micros(third),)]


async def test_each_identify_takes_those_with_it_that_count_no_more(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "w.db", FakeClock(), ghost_age=GHOST_AGE)
    later = START + DAY
    for user_id, at in (("1", START), ("2", START), ("1", later)):
        assert await store.identifies.add(user_id, at, at - DAY, None)
    assert await store.identifies.after("1", START - DAY) == [later]
    assert await store.identifies.after("2", START - DAY) == []
    await store.close()
