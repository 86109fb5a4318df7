"""Deaths at await points by chance, beside look-alikes, with sessions that get lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from tests.e2e.matrix import found, wandered
from tests.harness.postgresql import Cluster, needs_postgresql

SEEDS = (21, 22, 23, 24, 25)
"""Installations, side by side."""

DEATHS = 245
"""Tried with each seed; one in six points is not reached again."""

LEAST = 1000


async def test_a_thousand_deaths_beside_look_alikes_lose_nothing(tmp_path: Path) -> None:
    await lose_nothing(tmp_path)


@needs_postgresql[0]
async def test_a_thousand_deaths_of_nodes_beside_look_alikes_lose_nothing(
    tmp_path: Path, postgresql: Cluster
) -> None:
    await lose_nothing(tmp_path, postgresql)


async def lose_nothing(place: Path, cluster: Cluster | None = None) -> None:
    crashes = await found(place / "reference", cluster)
    print(f"{len(crashes)} deaths to choose from; seeds {SEEDS}")
    walks = await asyncio.gather(
        *(wandered(place / str(seed), crashes, seed, DEATHS, cluster) for seed in SEEDS)
    )
    died = sum(len(walk.died) for walk in walks)
    ends = sum((walk.ends for walk in walks), Counter[str]())
    for seed, walk in zip(SEEDS, walks, strict=True):
        print(f"seed {seed}: {len(walk.died)} deaths, {walk.ends.total()} jobs: {dict(walk.ends)}")
    print(f"{died} deaths, {ends.total()} jobs: {dict(ends)}")
    wrong = [
        f"seed {seed}: {one}" for seed, walk in zip(SEEDS, walks, strict=True) for one in walk.wrong
    ]
    assert not wrong, "\n".join(wrong)
    assert died >= LEAST
