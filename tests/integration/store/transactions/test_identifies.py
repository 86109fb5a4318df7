"""IDENTIFYs of the last day."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.build import START
from tests.fakes import FakeClock
from tests.limits import GHOST_AGE
from waystation.store.sqlite.store import SqliteStore

DAY = timedelta(days=1)


async def test_each_identify_takes_those_with_it_that_count_no_more(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "w.db", FakeClock(), ghost_age=GHOST_AGE)
    later = START + DAY
    for user_id, at in (("1", START), ("2", START), ("1", later), ("1", later)):
        await store.identifies.add(user_id, at, at - DAY)
    assert await store.identifies.after("1", START - DAY) == [later]
    assert await store.identifies.after("2", START - DAY) == []
    await store.close()
