from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

from tests.unit.engine.desk import Desk, desk
from waystation.engine.health import Health


def counted(here: Desk) -> tuple[Health, list[int]]:
    """Return a health that is looked at, and how often the database was written for it."""
    writes: list[int] = []
    ping = here.failing.ping

    class Counting:
        async def ping(self) -> None:
            writes.append(1)
            await ping()

    return Health(cast(Any, Counting()), here.adapters.sealer, here.clock), writes


async def test_whoever_asks_at_once_or_right_after_costs_one_write(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        health, writes = counted(here)
        assert await asyncio.gather(*(health.problems() for _ in range(50))) == [()] * 50
        assert await health.problems() == ()
        assert len(writes) == 1
        here.clock.advance(0.5)
        assert await health.problems() == ()
        assert len(writes) == 2


async def test_a_problem_is_looked_at_again_each_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        health, _ = counted(here)
        here.failing.failing = {"ping"}
        assert await health.problems() == ("database: The disk is full.",)
        here.failing.failing = False
        assert await health.problems() == ()


async def test_a_caller_who_hangs_up_takes_the_look_from_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        health, _ = counted(here)
        first, second = (asyncio.create_task(health.problems()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ()
