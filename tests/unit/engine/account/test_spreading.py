"""A round's troubles; rounds of whole nodes are in tests/integration."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.build import account, replace
from tests.fakes import FakeClock
from tests.harness.play import new_job
from waystation.engine.account.pool import Pool
from waystation.engine.account.spreading import LOOK_HEARD_S, Spreading
from waystation.engine.nodes.node import Node
from waystation.errors import LeaseLost, StoreError
from waystation.jobs import Job, JobId
from waystation.ports import Account, Nodes, Ownership
from waystation.ports.wakes import Alone


class Owner:
    """An owner that takes and looks as told."""

    def __init__(self, of: Account) -> None:
        self.account = of
        self.taken: list[JobId] = []
        self.looks = 0
        self.fails: Exception | None = None

    def current(self, jobid: JobId) -> Job | None:
        return None

    async def take(self, job: Job) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken.append(job.jobid)

    async def look(self, unsent: Collection[JobId]) -> None:
        if self.fails is not None:
            raise self.fails
        self.looks += 1


class Parts:
    """A node, its pool of two accounts, and the rows, all in one."""

    def __init__(self) -> None:
        self.owners = [Owner(account(number)) for number in (1, 2)]
        self.jobs = [
            replace(new_job(f"{number}"), account_id=f"account-{number}") for number in (1, 2)
        ]
        self.started = asyncio.Event()
        self.started.set()
        self.node_id = "node"
        self.current = self
        self.refreshes = 0
        self.fails: Exception | None = None

    async def now(self) -> Parts:
        return self

    async def ownership(self) -> Ownership:
        return Ownership(["node"], {"account-1": "node", "account-2": "node"}, 60.0)

    async def unsent(self, node_id: str) -> Sequence[Job]:
        return self.jobs

    def get(self, account_id: str) -> Owner | None:
        return next((one for one in self.owners if one.account.account_id == account_id), None)

    def holding(self, account_id: str) -> Sequence[Job]:
        return ()

    async def own(self, account_id: str) -> None:
        return

    async def refresh(self) -> None:
        self.refreshes += 1
        if self.fails is not None:
            raise self.fails


def spreading(parts: Parts, clock: FakeClock) -> Spreading:
    nodes, node, pool = cast(Nodes, parts), cast(Node, parts), cast(Pool, parts)
    return Spreading(nodes, node, pool, clock, Alone(), length_s=90.0)


@pytest.mark.parametrize("error", [LeaseLost(), StoreError("The disk is full."), ValueError()])
async def test_an_owner_that_fails_keeps_no_job_from_the_others(error: Exception) -> None:
    parts = Parts()
    here = spreading(parts, FakeClock())
    parts.owners[0].fails = error
    with capture_logs() as logs:
        await here.take_jobs()
    assert [line["event"] for line in logs] == ["spreading.not_taken"] * 2
    assert (parts.owners[1].taken, parts.owners[1].looks) == ([JobId("2")], 1)
    parts.owners[0].fails = None
    await here.take_jobs()
    assert (parts.owners[0].taken, parts.owners[0].looks) == ([JobId("1")], 1)


async def test_changed_rows_are_read_again_after_the_store_has_failed() -> None:
    parts, clock = Parts(), FakeClock()
    here = spreading(parts, clock)
    parts.fails = StoreError("The disk is full.")
    here.rows_changed()
    running = asyncio.create_task(here.run())
    with capture_logs() as logs:
        await clock.sleeping()
    assert (parts.refreshes, [line["event"] for line in logs]) == (1, ["spreading.round_failed"])
    parts.fails = None
    await clock.elapse(LOOK_HEARD_S)
    assert parts.refreshes == 2
    await clock.elapse(LOOK_HEARD_S)
    assert parts.refreshes == 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
