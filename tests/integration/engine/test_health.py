from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import apsw

from tests.harness.desk import Desk, desk
from waystation.engine.health import Health


def counted(here: Desk) -> tuple[Health, list[bool]]:
    """Return a health, and for each look at the database whether it wrote."""
    looks: list[bool] = []
    ping = here.failing.ping

    class Counting:
        async def ping(self, *, write: bool) -> None:
            looks.append(write)
            await ping(write=write)

    return Health(cast(Any, Counting()), here.adapters.sealer, here.clock), looks


async def test_one_look_serves_all_and_writes_twice_a_second_at_most(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        health, looks = counted(here)
        assert await asyncio.gather(*(health.problems() for _ in range(50))) == [()] * 50
        assert await health.problems() == ()
        assert looks == [True, False]
        here.clock.advance(0.5)
        assert await health.problems() == ()
        assert looks == [True, False, True]


async def test_a_locked_database_is_seen_without_a_write(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        health, looks = counted(here)
        assert await health.problems() == ()
        here.store._connections.writer.connection.set_busy_timeout(0)
        other = apsw.Connection(str(tmp_path / "waystation.db"))
        other.execute("begin immediate")
        assert [one.partition(":")[0] for one in await health.problems()] == ["database"]
        other.execute("rollback")
        other.close()
        assert looks == [True, False]


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
