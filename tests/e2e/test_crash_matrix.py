"""SIGKILL at every await point that a job passes: nothing is lost, doubled, swapped or leaked.

One service on SQLite dies and starts again; of two nodes on PostgreSQL either dies, and the other
goes on.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pickle
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.awaits import PACKAGES, Moment
from tests.e2e.deeds import DEEDS
from tests.e2e.deeds_on_nodes import ACCOUNTS_NODE, ON_NODES, OTHER_NODE
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
    once_each,
    walked,
)
from tests.harness.postgresql import Cluster, needs_postgresql

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
    "discord.rest:DiscordRest.submit",
)
"""Where a job passes from its POST to its callback; the points themselves are found."""

PASSED_BY_NODES = (
    # either node: by chance one hears nothing while points are noted
    (None, "store.postgresql.listening:PostgresWakes._listen"),
    (ACCOUNTS_NODE, "engine.nodes.serving:Serving._serve"),
    (ACCOUNTS_NODE, "engine.account.spreading:Spreading.take_jobs"),
    (ACCOUNTS_NODE, "engine.account.pool:Pool.stop"),
    (OTHER_NODE, "engine.service:Service.submit"),
    (OTHER_NODE, "engine.nodes.elsewhere:Elsewhere.ask"),
    (OTHER_NODE, "engine.account.spreading:Spreading.round"),
    (OTHER_NODE, "engine.account.lease:take_lease"),
    (OTHER_NODE, "engine.account.recovery:Recovery._read_since"),
    *(
        (node, point)
        for node in (ACCOUNTS_NODE, OTHER_NODE)
        for point in (
            "engine.nodes.node:Node._keep",
            "engine.nodes.hearing:Hearing.run",
            "store.postgresql.listening:PostgresWakes._tell_on",
            "store.postgresql.pool:Pool._once",
        )
    ),
)
"""Places that a job, a command and an account pass on their way between two nodes."""


def _installations() -> Iterator[Any]:
    for number in range(2 * PARTS):
        on_nodes, part = divmod(number, PARTS)
        # two at once: points that are passed by chance are missed more often on a busy machine
        marks = [pytest.mark.xdist_group(f"matrix {part % 2}"), *needs_postgresql[: bool(on_nodes)]]
        name = "two nodes" if on_nodes else "one service"
        yield pytest.param(bool(on_nodes), part, marks=marks, id=f"{name}, part {part}")


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Cluster | None:
    """Return the server on which there are two nodes; None: there is one service on SQLite."""
    return request.getfixturevalue("postgresql") if request.param else None


@pytest.fixture
async def matrix(
    server: Cluster | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sequence[Crash]]:
    """Return all crashes, from one reference run of all workers."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    known = place / ("crash-matrix" if server is None else "crash-matrix-of-nodes")
    with known.with_suffix(".lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not known.exists():
            known.write_bytes(
                pickle.dumps(await found(tmp_path_factory.mktemp("reference"), server))
            )
    yield pickle.loads(known.read_bytes())


def chosen(crashes: Sequence[Crash], server: Cluster | None) -> Sequence[Crash]:
    """Return the deaths that are died here: of nodes one for each point, all in the soak."""
    return crashes if server is None else once_each(crashes)


@pytest.mark.parametrize(("server", "part"), [*_installations()], indirect=["server"])
async def test_a_service_that_dies_at_any_await_point_loses_nothing(
    tmp_path: Path, server: Cluster | None, matrix: Sequence[Crash], part: int
) -> None:
    some = in_parts(chosen(matrix, server), PARTS)[part]
    parts = in_parts(some, SIDE_BY_SIDE)
    walks = await asyncio.gather(
        *(walked(tmp_path / str(number), its, server) for number, its in enumerate(parts))
    )
    told = "\n".join([f"seed {SEED}; {len(some)} deaths:", *map(str, some)])
    wrong = [one for walk in walks for one in walk.wrong]
    assert not wrong, "\n".join([*wrong, told])
    missed = [str(one) for walk in walks for one in walk.missed if one.is_sure]
    print("not reached:", *missed, sep="\n")
    if server is None:
        # of nodes, each loop passes some points by chance
        assert len(missed) <= MISSED_AT_MOST, "\n".join(["not reached:", *missed, told])
    died = [one for walk in walks for one in walk.died]
    print(f"{len(died)} deaths of {len(some)}")
    assert len(died) >= LEAST_SHARE * len(some), told


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(False, marks=pytest.mark.xdist_group("matrix 0"), id="one service"),
        pytest.param(
            True,
            marks=[pytest.mark.xdist_group("matrix 1"), *needs_postgresql[:1]],
            id="two nodes",
        ),
    ],
    indirect=True,
)
async def test_the_matrix_has_every_await_point_that_the_deeds_reach(
    server: Cluster | None, matrix: Sequence[Crash]
) -> None:
    told = "\n".join([f"seed {SEED}; {len(matrix)} deaths:", *map(str, matrix)])
    assert len(matrix) == len(set(matrix)) >= LEAST, told
    # each is in one of the parts that are tested
    all_ = chosen(matrix, server)
    parts = in_parts(all_, PARTS)
    assert sorted(map(str, all_)) == sorted(str(one) for part in parts for one in part)
    assert {one.death.point for one in all_} == {one.death.point for one in matrix}
    deeds = DEEDS if server is None else ON_NODES
    assert {one.deed for one in matrix} == {*deeds, STARTS}, told
    assert {one.death.moment for one in matrix} == {*Moment}
    points = {one.death.point for one in matrix}
    for place in PASSED:
        assert any(place in point for point in points), f"{place} is not passed\n{told}"
    for node, place in () if server is None else PASSED_BY_NODES:
        passed = any(node in (None, one.node) and place in one.death.point for one in matrix)
        assert passed, f"{place} is not passed by node {node}\n{told}"
    for package in PACKAGES:
        # the matching is pure: it awaits nothing
        is_passed = any(package in point for point in points)
        assert is_passed is (package != "waystation.midjourney."), package
