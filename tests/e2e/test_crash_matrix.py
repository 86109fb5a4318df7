"""SIGKILL at every await point that a job passes: nothing is lost, doubled, swapped or leaked."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pickle
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.awaits import PACKAGES, Moment
from tests.e2e.deeds import DEEDS
from tests.e2e.matrix import (
    LEAST,
    LEAST_SHARE,
    MISSED_AT_MOST,
    PARTS,
    SEED,
    STARTS,
    Crash,
    found,
    in_parts,
    walked,
)

SIDE_BY_SIDE = 3
"""Installations of a test: most of a death is waiting."""

PASSED = (
    "engine.service:Service.submit",
    "engine.intake:Intake.take",
    "engine.inputs:Inputs.add_job",
    "engine.account.uploading:Uploading.upload",
    "engine.account.asking:Asking._record",
    "engine.account.asking:Asking._perform",
    "engine.account.verdicts:Verdicts.judge",
    "engine.account.listener:Listener.receive",
    "engine.account.owned:Owned.step",
    "engine.account.owner:Owner._take_hold",
    "engine.account.lease:take_lease",
    "engine.account.recovery:Recovery._read_since",
    "engine.queueing.dispatcher:Dispatcher.",
    "engine.outbox.callbacks:Callbacks._deliver",
    "engine.outbox.callbacks:Callbacks._record",
    "outbound.fetch:PictureFetcher.fetch",
    "outbound.callbacks:CallbackSender.send",
    "store.sqlite.writer:Writer.run",
    "discord.rest:DiscordRest.submit",
)
"""Where a job passes from its POST to its callback; the points themselves are found."""


@pytest.fixture
async def matrix(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sequence[Crash]]:
    """Return all crashes, from one reference run of all workers."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    known = place / "crash-matrix"
    with known.with_suffix(".lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not known.exists():
            known.write_bytes(pickle.dumps(await found(tmp_path_factory.mktemp("reference"))))
    yield pickle.loads(known.read_bytes())


@pytest.mark.parametrize(
    "part",
    # two of them at once: points that are passed by chance are missed more often on a busy machine
    [pytest.param(one, marks=pytest.mark.xdist_group(f"matrix {one % 2}")) for one in range(PARTS)],
)
async def test_a_service_that_dies_at_any_await_point_loses_nothing(
    tmp_path: Path, matrix: Sequence[Crash], part: int
) -> None:
    some = in_parts(matrix, PARTS)[part]
    parts = in_parts(some, SIDE_BY_SIDE)
    walks = await asyncio.gather(
        *(walked(tmp_path / str(number), its) for number, its in enumerate(parts))
    )
    told = "\n".join([f"seed {SEED}; {len(some)} deaths:", *map(str, some)])
    wrong = [one for walk in walks for one in walk.wrong]
    assert not wrong, "\n".join([*wrong, told])
    missed = [str(one) for walk in walks for one in walk.missed if one.is_sure]
    print("not reached:", *missed, sep="\n")
    assert len(missed) <= MISSED_AT_MOST, "\n".join(["not reached:", *missed, told])
    died = [one for walk in walks for one in walk.died]
    print(f"{len(died)} deaths of {len(some)}")
    assert len(died) >= LEAST_SHARE * len(some), told


async def test_the_matrix_has_every_await_point_that_the_deeds_reach(
    matrix: Sequence[Crash],
) -> None:
    told = "\n".join([f"seed {SEED}; {len(matrix)} deaths:", *map(str, matrix)])
    assert len(matrix) == len(set(matrix)) >= LEAST, told
    # each is in one of the parts that are tested
    parts = in_parts(matrix, PARTS)
    assert sorted(map(str, matrix)) == sorted(str(one) for part in parts for one in part)
    assert {one.deed for one in matrix} == {*DEEDS, STARTS}, told
    assert {one.death.moment for one in matrix} == {*Moment}
    points = {one.death.point for one in matrix}
    for place in PASSED:
        assert any(place in point for point in points), f"{place} is not passed\n{told}"
    for package in PACKAGES:
        # the matching is pure: it awaits nothing
        is_passed = any(package in point for point in points)
        assert is_passed is (package != "waystation.midjourney."), package
