"""Two nodes under load while one dies or sleeps, or the database goes: nothing is lost or doubled.

Each test lets callers ask on both nodes for the same again and again, lets one thing happen in
between, and holds what came out against the words of docs/rules.md (`zeros`).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import Person, eventually
from tests.e2e.databases import on_postgresql_alone
from tests.e2e.nodes import NodeProcess, another_node, sessions_of, two_nodes
from tests.e2e.process import Ground, ground
from tests.e2e.zeros import zeros
from tests.harness.postgresql import Cluster

pytestmark = [on_postgresql_alone, pytest.mark.slow]

PROMPT = "a red fox in the snow"
LEASE_S = 3.0
REST_S = 120.0
"""Within which each job has ended and told its callback once all is well: longer than any limit
of these tests, and than a claim of which the end could not be written."""

LIMITS: Mapping[str, Any] = {"lease_s": LEASE_S, "first_answer_s": 30.0, "job_timeout_s": 60.0}

Trouble = Callable[[Ground, NodeProcess, Cluster], Awaitable[None]]


async def _asks(here: Ground, ada: Person, channel: str, number: int) -> None:
    """Ask on one node, whatever happens to it, until cancelled."""
    while True:
        number += 2
        body = {
            # every other prompt is the same for all: such jobs can be taken for each other
            "prompt": PROMPT if number % 4 < 2 else f"{PROMPT} {number}",
            "channel": channel,
            "replyUrl": f"{here.outside.url}/callback",
        }
        status = 0
        with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
            status, _, _ = await ada.call("POST", "/v2/jobs/imagine", body)
        await asyncio.sleep(0.05 if status == 200 else 0.2)


@contextlib.asynccontextmanager
async def busy(here: Ground, *people: Person) -> AsyncIterator[None]:
    """Let callers ask on each node for each account; wait until each job has ended."""
    asking = [
        asyncio.create_task(_asks(here, ada, account.channel_id, 100 * place + turn))
        for place, ada in enumerate(people)
        for turn, account in enumerate(here.sim.accounts)
    ]
    try:
        yield
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    async with asyncio.timeout(REST_S):
        while True:
            with here.records() as records:
                owed = records.rows("select 1 from callbacks where status = 'pending'")
                if all(job["finished_at"] for job in records.jobs()) and not owed:
                    break
            await asyncio.sleep(0.2)
    await here.sim.settled()


async def completed(here: Ground, more: int) -> None:
    """Wait until so many more jobs have been completed."""
    before = len(here.outside.callbacks)
    async with asyncio.timeout(REST_S):
        while len(here.outside.callbacks) < before + more:
            await asyncio.sleep(0.05)


async def killed(here: Ground, other: NodeProcess, cluster: Cluster) -> None:
    other.kill()
    await other.service.ended()

    async def has_all() -> bool:
        return await sessions_of(here.ada) == len(here.sim.accounts)

    await eventually(has_all)


async def asleep_past_its_lease(here: Ground, other: NodeProcess, cluster: Cluster) -> None:
    other.service.signal(signal.SIGSTOP)

    async def has_all() -> bool:
        return await sessions_of(here.ada) == len(here.sim.accounts)

    try:
        async with asyncio.timeout(REST_S):
            while not await has_all():
                await asyncio.sleep(0.1)
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
