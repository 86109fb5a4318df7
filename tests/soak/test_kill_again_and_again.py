"""A service under load that is killed at any point, hundreds of times (R20, R30)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.kills import prove
from tests.e2e.test_crash import ASKED, Absence, Crash, crashed, the_page, while_away

SEEDS = (11, 12, 13, 14, 15)
KILLS = 105
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


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_service_killed_at_any_point_loses_swaps_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    tally = await prove(tmp_path, seed=seed, kills=KILLS)
    assert tally.ends["own"] > KILLS
