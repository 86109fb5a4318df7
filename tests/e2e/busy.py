"""Callers who ask on several nodes again and again, whatever happens to these."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from tests.e2e.conftest import Person
from tests.e2e.process import Ground

__all__ = ["LIMITS", "REST_S", "busy", "completed"]

PROMPT = "a red fox in the snow"
LEASE_S = 3.0
REST_S = 120.0
"""Within which each job has ended and told its callback once all is well: longer than any limit
of these tests, and than a claim of which the end could not be written."""

LIMITS: Mapping[str, Any] = {"lease_s": LEASE_S, "first_answer_s": 30.0, "job_timeout_s": 60.0}


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
        # in a thread: a proxy that serves a node may run here
        while not await asyncio.to_thread(_has_ended, here):
            await asyncio.sleep(0.2)
    await here.sim.settled()


def _has_ended(here: Ground) -> bool:
    """Tell whether each job and each callback has ended."""
    with here.records() as records:
        owed = records.rows("select 1 from callbacks where status = 'pending'")
        return all(job["finished_at"] for job in records.jobs()) and not owed


async def completed(here: Ground, more: int) -> None:
    """Wait until so many more jobs have been completed."""
    before = len(here.outside.callbacks)
    async with asyncio.timeout(REST_S):
        while len(here.outside.callbacks) < before + more:
            await asyncio.sleep(0.05)
