"""A service that is killed at any point loses, swaps and doubles nothing; see tests/soak, too."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.kills import prove

KILLS = 10


async def test_ten_kills_at_any_point_lose_swap_and_double_nothing(tmp_path: Path) -> None:
    tally = await prove(tmp_path, seed=1, kills=KILLS)
    assert tally.ends["own"] > KILLS
