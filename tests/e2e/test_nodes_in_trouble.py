"""Two nodes under load while one dies or sleeps, or the database goes: nothing is lost or doubled.

Each test lets callers ask on both nodes for the same again and again, lets one thing happen in
between, and holds what came out against the words of docs/rules.md (`zeros`).
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.e2e.busy import LIMITS, REST_S, busy, completed
from tests.e2e.conftest import eventually
from tests.e2e.databases import on_postgresql_alone
from tests.e2e.nodes import NodeProcess, another_node, hears_all, two_nodes
from tests.e2e.process import Ground, ground
from tests.e2e.zeros import zeros
from tests.harness.postgresql import Cluster

pytestmark = [on_postgresql_alone, pytest.mark.slow]

TAKEN_S = LIMITS["lease_s"] + 5.0 + 4.0
"""Within which the accounts of a stopped node are another's: the end of its lease and of a write
that it was in the middle of, and the time of a busy machine."""

Trouble = Callable[[Ground, NodeProcess, Cluster], Awaitable[None]]


async def killed(here: Ground, other: NodeProcess, cluster: Cluster) -> None:
    other.kill()
    await other.service.ended()

    await eventually(lambda: hears_all(here))


async def asleep_past_its_lease(here: Ground, other: NodeProcess, cluster: Cluster) -> None:
    other.service.signal(signal.SIGSTOP)
    began = time.monotonic()

    try:
        with here.records() as records:
            async with asyncio.timeout(REST_S):
                while len(records.rows("select distinct node_id from assignments")) > 1:
                    await asyncio.sleep(0.1)
        took_s = time.monotonic() - began
        assert took_s < TAKEN_S
        await eventually(lambda: hears_all(here))
        await completed(here, 3)
    finally:
        other.service.signal(signal.SIGCONT)


async def without_connections(here: Ground, other: NodeProcess, cluster: Cluster) -> None:
    for _ in range(3):
        cluster.cut_off()
        await completed(here, 2)


async def without_server(here: Ground, other: NodeProcess, cluster: Cluster) -> None:
    cluster.restart()


@pytest.mark.parametrize(
    "trouble", [killed, asleep_past_its_lease, without_connections, without_server]
)
async def test_nothing_is_lost_whatever_happens_to_a_node(
    tmp_path: Path, trouble: Trouble, postgresql: Cluster
) -> None:
    async with (
        ground(tmp_path, accounts=2, speed=20.0, options={"picture_size": 64}, **LIMITS) as here,
        two_nodes(here) as other,
    ):
        async with busy(here, here.ada, other.ada):
            await completed(here, 4)
            await trouble(here, other, postgresql)
            if trouble is killed:
                async with another_node(here, 3):
                    await completed(here, 4)
            else:
                await completed(here, 4)
        assert {word: found for word, found in (await zeros(here)).items() if found} == {}
