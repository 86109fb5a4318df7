"""Two nodes under load of which one sees less: its database falls silent, its clock is off.

Like `test_nodes_in_trouble`: callers ask on both nodes again and again, and what came out is held
against the words of docs/rules.md (`zeros`).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.busy import LIMITS, REST_S, busy, completed
from tests.e2e.conftest import eventually
from tests.e2e.databases import on_postgresql_alone
from tests.e2e.nodes import another_node, hears_all, sessions_of, two_nodes
from tests.e2e.process import Ground, ground
from tests.e2e.zeros import zeros
from tests.harness.cutting import cutter
from tests.harness.postgresql import Cluster

pytestmark = [on_postgresql_alone, pytest.mark.slow]

SMALL = {"picture_size": 64}

_ELSEWHEN: Final = """
from datetime import UTC, datetime, timedelta
import waystation.app.state
from waystation.clock import SystemClock
from waystation.cli import main
waystation.app.state.SystemClock = lambda: SystemClock(
    lambda: datetime.now(UTC) + timedelta(minutes={minutes})
)
main()
"""
"""`waystation` on a machine whose clock is off."""

_SESSIONS: Final = """
select pid, state, wait_event_type, wait_event, now() - xact_start, pg_blocking_pids(pid),
  left(query, 100)
from pg_stat_activity where datname like 'test%'
"""


async def _has_all(here: Ground, cluster: Cluster) -> None:
    """Wait until the ground's service hears all accounts."""

    try:
        await eventually(lambda: hears_all(here), REST_S)
    except TimeoutError:
        sessions = await asyncio.to_thread(cluster.say, _SESSIONS)
        raise AssertionError(f"not taken over\n{sessions}\n{here.service.log}") from None


async def _nothing_is_wrong(here: Ground) -> None:
    assert {word: found for word, found in (await zeros(here)).items() if found} == {}


async def test_a_node_whose_database_falls_silent_loses_nothing(
    tmp_path: Path, postgresql: Cluster
) -> None:
    async with ground(tmp_path, accounts=2, speed=20.0, options=SMALL, **LIMITS) as here:
        place = urlsplit(here.environment["WAYSTATION_DATABASE_URL"])
        (port,) = parse_qs(place.query)["port"]
        async with cutter(postgresql.folder / f".s.PGSQL.{port}") as proxy:
            url = proxy.url(place.path[1:])
            async with (
                two_nodes(here, WAYSTATION_DATABASE_URL=url) as other,
                busy(here, here.ada, other.ada),
            ):
                await completed(here, 4)
                proxy.forwards.clear()
                await _has_all(here, postgresql)
                await completed(here, 3)
                proxy.forwards.set()

                async def are_even() -> bool:
                    return await sessions_of(here.ada) == await sessions_of(other.ada) == 1

                await eventually(are_even, REST_S)
                await completed(here, 4)
        await _nothing_is_wrong(here)


@pytest.mark.parametrize("minutes", [5, -5])
async def test_nodes_whose_clocks_differ_by_five_minutes_lose_nothing(
    tmp_path: Path, minutes: int, postgresql: Cluster
) -> None:
    program = ("-c", _ELSEWHEN.format(minutes=minutes))
    async with (
        ground(tmp_path, accounts=2, speed=20.0, options=SMALL, **LIMITS) as here,
        two_nodes(here, program=program) as other,
    ):
        async with busy(here, here.ada, other.ada):
            await completed(here, 8)
            other.kill()
            await other.service.ended()
            await _has_all(here, postgresql)
            async with another_node(here, 3, program):
                await completed(here, 6)
        await _nothing_is_wrong(here)


async def test_a_server_that_goes_in_a_nodes_first_seconds_loses_nothing(
    tmp_path: Path, postgresql: Cluster
) -> None:
    async with ground(tmp_path, accounts=2, speed=20.0, options=SMALL, **LIMITS) as here:
        await here.settle_in(2)
        async with another_node(here) as other:
            postgresql.restart()
            async with busy(here, here.ada, other.ada):
                await completed(here, 8)
            await _nothing_is_wrong(here)
