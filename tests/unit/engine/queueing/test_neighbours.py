from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.fakes import FakeClock
from waystation.engine.queueing.neighbours import LOOK_S, Neighbours
from waystation.errors import StoreError
from waystation.ports import Upkeep


class Database:
    """Counts the commits of others, and may be down."""

    def __init__(self) -> None:
        self.commits = 7
        self.is_down = False
        self.error: Exception = StoreError("The database cannot be used")

    async def foreign_commits(self) -> int:
        if self.is_down:
            raise self.error
        return self.commits


@pytest.mark.parametrize("error", [StoreError("The database cannot be used"), ValueError()])
async def test_each_change_of_another_process_wakes_once_and_a_broken_look_is_repeated(
    error: Exception,
) -> None:
    clock, database, woken = FakeClock(), Database(), 0
    database.error = error

    def wake() -> None:
        nonlocal woken
        woken += 1

    looking = asyncio.create_task(Neighbours(cast(Upkeep, database), wake, clock).run())
    counted = []
    for commits, is_down in ((7, False), (8, False), (8, False), (9, True), (9, False)):
        database.commits, database.is_down = commits, is_down
        await clock.elapse(LOOK_S)
        counted.append(woken)
    assert counted == [0, 1, 1, 1, 2]
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
