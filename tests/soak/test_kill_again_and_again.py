"""A service under load that is killed at random moments, many times."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.process import Ground, ground
from tests.e2e.test_crash import ASKED, Absence, Crash, crashed, the_page, while_away
from tests.pictures import PROOFS
from waystation.simulator.timeline import Disturbance

ROUNDS = 25
CALLERS = 8


@pytest.mark.parametrize("crash", ASKED, ids=str)
async def test_a_describe_completes_although_the_session_is_forgotten(
    tmp_path: Path, crash: Crash
) -> None:
    async with crashed(tmp_path, crash) as here:
        await while_away(here, Absence.FORGOTTEN)
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", (job, here.service.log)
        said = job["embeds"][0]["description"]
        assert all(prompt in said for prompt in the_page(here)["prompts"])


async def test_a_service_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(20260102)
    async with ground(tmp_path, accounts=3, speed=20.0, first_answer_s=10) as here:
        await here.settle_in(3)
        asking = [asyncio.create_task(ask_on(here, random.Random(n))) for n in range(CALLERS)]
        for _ in range(ROUNDS):
            await asyncio.sleep(chance.uniform(0.05, 1.5))  # the moment of the kill is the test
            here.kill()
            if chance.random() < 0.3:
                here.sim.drop(chance.randrange(3), Disturbance.LOSE)
            await here.restart()
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await here.sim.settled()
        jobs = await here.final()
        ends = Counter((job["status"], job["error"]) for job in jobs)
        print(f"{len(jobs)} jobs, {len(here.interactions)} interactions: {dict(ends)}")
        assert ends[("completed", None)] > ROUNDS
        by_nonce = {page["nonce"]: page for page in here.sim.book}
        for job in jobs:
            if job["nonce"] in by_nonce:
                assert job["status"] == "completed", job


async def ask_on(here: Ground, chance: random.Random) -> None:
    """Ask for one picture after the other, whatever happens to the service."""
    while True:
        picture = here.photo(chance.choice(PROOFS).filename)
        body = {"describeUrl": picture, "replyUrl": f"{here.outside.url}/callback"}
        try:
            await here.ada.call("POST", "/v2/jobs/describe", body)
        except (aiohttp.ClientError, ConnectionError):
            await asyncio.sleep(0.05)  # it is dead; the next one listens somewhere else
