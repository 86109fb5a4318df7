from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from tests.fakes import FakeClock
from waystation.engine.indexing import Indexing
from waystation.errors import StoreError
from waystation.ports import JobSearch, JobsFound


class _Search:
    """Has so many steps to do; fails at one of them."""

    def __init__(self, steps: int, fails_at: int = -1) -> None:
        self.steps = steps
        self.fails_at = fails_at
        self.limits: list[int] = []

    async def find(self, search: JobSearch) -> JobsFound:
        raise AssertionError

    async def index_older(self, limit: int) -> bool:
        self.limits.append(limit)
        if len(self.limits) == self.fails_at:
            raise StoreError("The disk is full.")
        self.steps -= 1
        return self.steps > 0


async def test_it_goes_on_in_small_steps_with_pauses_until_all_is_done() -> None:
    search, clock = _Search(3), FakeClock()
    running = asyncio.create_task(Indexing(search, clock).run())
    for done in (1, 2):
        await clock.sleeping()
        assert len(search.limits) == done
        clock.advance(0.05)
    await running
    assert search.limits == [100] * 3


async def test_a_step_that_fails_is_tried_again_later() -> None:
    search, clock = _Search(1, fails_at=1), FakeClock()
    with capture_logs() as logs:
        running = asyncio.create_task(Indexing(search, clock).run())
        await clock.sleeping()
        clock.advance(30)
        await running
    assert [line["event"] for line in logs] == ["indexing.step_failed"]
    assert len(search.limits) == 2
