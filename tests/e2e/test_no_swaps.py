"""No swaps: many identical prompts at once, under all that makes their results look alike."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from tests.e2e.conftest import Install, Installation, Person
from waystation.simulator.hazards import HAZARDS

SMALL = {"picture_size": 64}

OTHERS = {
    *("expired_form", "no_form", "older_activity"),
    *("cancel_deletes", "answered_at_once", "vanished_late"),
}

DRAWN = sorted(set(HAZARDS) - OTHERS)
"""Hazards of drawing; the others concern modals and iframes, cancels, written answers and late
moderation."""

PROMPT = "a red fox in the snow, https://127.0.0.1/fox.png --ar 3:2"

TOLD_APART = "Result could not be told apart"


async def _person(here: Installation, accounts: int) -> tuple[Person, list[str]]:
    ada = await here.person()
    channels = await here.equip(ada, accounts)
    await here.connected(accounts)
    return ada, channels


async def _drawn(ada: Person, channel: str, prompt: str = PROMPT) -> dict[str, Any]:
    body = {"prompt": prompt, "channel": channel}
    while True:
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", body)
        if status != 429:
            break
        await asyncio.sleep(0.05)
    assert "jobid" in job, (status, job)
    return await ada.final(job["jobid"])


@pytest.mark.parametrize("hazard", DRAWN)
async def test_a_single_job_survives_every_hazard(install: Install, hazard: str) -> None:
    settings = {"vanish_grace_s": 3.0, "first_answer_s": 8.0}
    async with install(sim_options=SMALL, **settings) as here:
        ada, (channel,) = await _person(here, 1)
        switch = here.sim.fault(hazard, count=1)
        final = await _drawn(ada, channel)
        assert final["status"] == "completed", final
        assert switch.fired == 1


@pytest.mark.parametrize("seed", [1, 2])
async def test_identical_prompts_under_random_hazards_are_never_swapped(
    install: Install, seed: int
) -> None:
    chance = Random(seed)
    settings = {"vanish_grace_s": 3.0, "first_answer_s": 15.0}
    accounts, rounds = 3, 8
    async with install(accounts=accounts, seed=seed, sim_options=SMALL, **settings) as here:
        ada, channels = await _person(here, accounts)
        for account in here.sim.accounts:
            for hazard in chance.sample(DRAWN, len(DRAWN)):
                count = chance.randint(1, 3)
                here.sim.fault(hazard, count=count, account=account.user_id)
        asked = [_drawn(ada, channel) for channel in channels for _ in range(rounds)]
        finals = await asyncio.gather(*asked)
        ends = [(final["status"], final.get("error")) for final in finals]
        assert set(ends) <= {("completed", None), ("failed", TOLD_APART)}, ends
        told_apart = ends.count(("completed", None))
        assert told_apart >= 0.75 * len(ends), ends
