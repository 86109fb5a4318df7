"""The proof of no swaps again, by other seeds, up to the top speed of the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.mixture import WORDS, prove


@pytest.mark.parametrize("words", [0.0, WORDS])
@pytest.mark.parametrize("speed", [6.0, 40.0, 1000.0])
@pytest.mark.parametrize("seed", [2, 3, 4])
async def test_no_seed_swaps_anything(
    tmp_path: Path, seed: int, speed: float, words: float
) -> None:
    await prove(tmp_path, seed=seed, speed=speed, words=words)
