"""No swaps: many identical prompts at once, under all that makes their results look alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.mixture import NOT_OF_MATCHING, WORDS, prove
from tests.e2e.swaps import (
    HAZARDS_OF_MATCHING,
    HAZARDS_OF_WORDS,
)
from waystation.simulator.faults.hazards import HAZARDS

OF_PRESSES = {"late_echo", "missing_echo", "low_variability"}
"""They bend nothing of an imagine: `test_hazards.py`."""


def test_every_hazard_of_drawing_is_in_the_mixture() -> None:
    mixed = set(HAZARDS_OF_MATCHING) | set(HAZARDS_OF_WORDS)
    assert set(HAZARDS) - NOT_OF_MATCHING - OF_PRESSES <= mixed


@pytest.mark.slow
async def test_a_thousand_identical_prompts_are_never_swapped(tmp_path: Path) -> None:
    verdict = await prove(tmp_path, seed=1)
    assert verdict.in_use >= 2.0, verdict.figures()


@pytest.mark.slow
async def test_nor_are_they_at_high_speed(tmp_path: Path) -> None:
    await prove(tmp_path, seed=2, speed=1000.0)


@pytest.mark.slow
async def test_nor_are_they_in_other_words(tmp_path: Path) -> None:
    await prove(tmp_path, seed=3, speed=1000.0, words=WORDS)


@pytest.mark.slow
async def test_nor_are_they_where_jobs_that_midjourney_queues_are_tracked(tmp_path: Path) -> None:
    verdict = await prove(tmp_path, seed=4, jobs=300, track_queued_jobs=True)
    assert verdict.figures()["hazards"]["job_queued"] >= 5, verdict.figures()
    assert verdict.ends["queued"] == 0, verdict.figures()
