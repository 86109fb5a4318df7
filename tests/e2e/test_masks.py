"""Masks that are too large cost one user nothing and no memory (F3)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from tests.e2e.attackers import huge_mask
from tests.e2e.process import another_person, ground

MASKS = 60
MOST_KIB = 300 * 1024


async def test_huge_masks_are_refused_by_their_head_and_hold_up_nobody(tmp_path: Path) -> None:
    mask = huge_mask()
    async with ground(tmp_path, accounts=2) as here, AsyncExitStack() as stack:
        ada = await here.settle_in(1)
        bob = await another_person(here, 1)
        grid = await bob.run("imagine", prompt="a red fox")
        # a kept connection may have been closed a moment ago
        ada.http = bob.http = await stack.enter_async_context(aiohttp.ClientSession())
        press = {"jobid": grid["jobid"], "button": "U1", "mask": mask}
        pressing = [
            asyncio.ensure_future(bob.call("POST", "/v2/jobs/button", press)) for _ in range(MASKS)
        ]
        status, job, _ = await ada.describe(here.photo())
        assert status == 200, job
        assert (await ada.final(job["jobid"]))["status"] == "completed"
        told = [(status, body["error"]) for status, body, _ in await asyncio.gather(*pressing)]
        # those that found no place in their user's share are told to wait
        refused, crowded = (
            (400, "mask has more than 16777216 pixels"),
            (429, "Too many large requests at once; try again"),
        )
        assert set(told) <= {refused, crowded} and refused in told
        process = Path(f"/proc/{here.service.process.pid}/status").read_text("utf-8")
        [most] = [line.split()[1] for line in process.splitlines() if line.startswith("VmHWM")]
        assert int(most) < MOST_KIB
