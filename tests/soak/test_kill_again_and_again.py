"""A service under load that is killed at any point, hundreds of times (R20, R30)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.crashes import ASKED, Absence, Crash, crashed, the_page, while_away
from tests.e2e.kills import Tally, prove

SEEDS = (11, 12, 13, 14, 15)
KILLS = 102
"""Of each seed."""


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


async def test_a_service_killed_at_any_point_loses_swaps_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    """One installation for each seed, side by side: most of the time is that of starting anew."""
    runs = [prove(tmp_path / str(seed), seed, KILLS) for seed in SEEDS]
    ends = await asyncio.gather(*runs, return_exceptions=True)
    wrong = [one for one in ends if isinstance(one, BaseException)]
    tallies = [one for one in ends if isinstance(one, Tally)]
    print(
        f"{sum(one.kills for one in tallies)} kills, {sum(len(one.jobs) for one in tallies)} jobs"
    )
    if wrong:
        raise BaseExceptionGroup("of some seeds", wrong)
    # a slow machine does less between two kills, but it does something
    assert sum(one.ends["own"] for one in tallies) > KILLS
