from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.fakes import FakeClock
from waystation.engine.nodes.node import Node, Run
from waystation.errors import LeaseLost, StoreError
from waystation.ports import Nodes

LENGTH_S = 30.0


class Rows:
    """A store that answers as told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.left: list[str] = []
        self.renewals = 0
        self.answer: bool | Exception | None = True
        """None: it never answers."""

    async def begin(self, node_id: str, name: str, length: timedelta) -> None:
        if isinstance(self.answer, Exception):
            raise self.answer
        assert (name, length) == ("host", timedelta(seconds=LENGTH_S))
        await asyncio.sleep(0)
        self.begun.append(node_id)

    async def renew(self, node_id: str, length: timedelta) -> bool:
        assert node_id == self.begun[-1]
        self.renewals += 1
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return bool(self.answer)

    async def leave(self, node_id: str) -> None:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.left.append(node_id)


class Kept:
    """A node that is kept."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.rows = Rows()
        ids = iter("abcdef")
        self.node = Node(
            cast(Nodes, self.rows), self.clock, lambda: next(ids), length_s=LENGTH_S, name="host"
        )
        self.running = asyncio.create_task(self.node.run())

    async def pass_time(self, seconds: float) -> None:
        await self.clock.elapse(seconds)

    @property
    def run(self) -> Run:
        run = self.node.current
        assert run is not None
        return run


@asynccontextmanager
async def kept(answer: Any = True) -> AsyncIterator[Kept]:
    here = Kept()
    here.rows.answer = answer
    try:
        await here.pass_time(0)
        yield here
    finally:
        here.running.cancel()
        await asyncio.gather(here.running, return_exceptions=True)


async def test_a_lease_is_renewed_three_times_within_its_length() -> None:
    async with kept() as here:
        first = here.run
        assert (first.node_id, first.ends) == ("a", 30)
        await here.pass_time(10)
        assert (here.rows.renewals, first.ends) == (1, 40)
        await here.pass_time(100)
        assert here.run is first and here.rows.renewals == 11


async def test_a_run_that_found_no_row_is_over_and_a_new_run_begins() -> None:
    async with kept() as here:
        first = here.run
        here.rows.answer = False
        await here.pass_time(10)
        assert first.over.is_set()
        assert here.rows.begun == ["a", "b"]
        assert (here.run.node_id, here.run.ends) == ("b", 40)


@pytest.mark.parametrize("answer", [StoreError("The disk is full."), None])
async def test_a_lease_that_cannot_be_renewed_ends_by_the_clock_of_the_process(
    answer: Exception | None,
) -> None:
    """R17."""
    async with kept() as here:
        first = here.run
        here.rows.answer = answer
        await here.pass_time(29.9)
        assert not first.over.is_set()
        await here.pass_time(0.2)
        assert first.over.is_set()


async def test_a_failed_renewal_is_repeated_sooner_and_saves_the_lease() -> None:
    async with kept() as here:
        here.rows.answer = StoreError("The disk is full.")
        await here.pass_time(10)
        here.rows.answer = True
        await here.pass_time(3.4)
        assert here.rows.renewals == 2
        assert here.run.node_id == "a" and here.run.ends == pytest.approx(43.33, abs=0.01)


async def test_a_node_begins_as_soon_as_the_store_lets_it() -> None:
    async with kept(StoreError("The disk is full.")) as here:
        waiting = asyncio.ensure_future(here.node.now())
        await here.pass_time(3)
        assert here.node.current is None and not waiting.done()
        here.rows.answer = True
        await here.pass_time(1)
        # an id that the store may have written, though it has not answered, is not used again
        assert (await waiting).node_id == "e"
        assert (await here.node.begin()).node_id == "e"


async def test_a_node_that_has_left_begins_no_more() -> None:
    async with kept() as here:
        first = here.run
        await here.node.leave()
        assert first.over.is_set() and here.rows.left == ["a"]
        await here.pass_time(60)
        assert here.running.done() and here.rows.begun == ["a"]
        await here.node.leave()
        assert here.rows.left == ["a"]


async def test_a_node_that_cannot_say_so_leaves_all_the_same() -> None:
    async with kept() as here:
        first = here.run
        here.rows.answer = StoreError("The disk is full.")
        with capture_logs() as logs:
            await here.node.leave()
        assert first.over.is_set() and [line["event"] for line in logs] == ["node.not_left"]


async def test_a_request_ends_before_the_lease_does() -> None:
    """R17."""
    async with kept() as here:
        assert here.node.request_timeout_s(here.run, 10) == 10
        assert here.node.request_timeout_s(here.run, 60) == 29
        here.run.ends = 1
        with pytest.raises(LeaseLost):
            here.node.request_timeout_s(here.run, 10)


async def test_a_request_of_a_run_that_is_over_is_not_made() -> None:
    async with kept() as here:
        run = here.run
        run.over.set()
        with pytest.raises(LeaseLost):
            here.node.request_timeout_s(run, 10)


async def test_two_who_begin_at_once_begin_one_run() -> None:
    """Of two runs one would be renewed and the other one used: its accounts would never work."""
    rows, ids = Rows(), iter("ab")
    node = Node(cast(Nodes, rows), FakeClock(), lambda: next(ids), length_s=LENGTH_S, name="host")
    first, second = await asyncio.gather(node.begin(), node.begin())
    assert first is second is node.current
    assert rows.begun == ["a"]
