"""Two nodes on one store, each with what it asks and serves; time is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.build import START, account, setup
from tests.fakes import FakeClock, FakeIds
from tests.harness.leases import lone_node
from tests.limits import GHOST_AGE
from waystation.engine.nodes.elsewhere import Elsewhere
from waystation.engine.nodes.serving import Deed, Serving
from waystation.ports.wakes import Heard
from waystation.store.sqlite.store import SqliteStore

__all__ = ["Told", "Two", "two"]


class Told:
    """`ports.Wakes` between two nodes of one process."""

    listens = True
    silent_since = None

    def __init__(self) -> None:
        self.others: list[Heard] = []
        self.deaf = False

    def tell(self, *ids: str) -> None:
        """Wake the others at once."""
        for heard in () if self.deaf else self.others:
            heard(ids)

    async def run(self, heard: Heard) -> None:
        """Hear."""
        self.others.append(heard)

    async def flush(self) -> None:
        """Return: it has left."""


class Two:
    """One asks; the other has account 1 and serves."""

    def __init__(self, store: SqliteStore, clock: FakeClock, deeds: Mapping[str, Deed]) -> None:
        self.store, self.clock, self.wakes = store, clock, Told()
        self.asking = Elsewhere(store.commands, clock, FakeIds(), self.wakes)
        self.node = lone_node(store, clock, FakeIds(), 10**8)
        self.serving = Serving(store.commands, self.node, clock, deeds, self.wakes)
        self.wakes.others = [self.heard]
        self.running: asyncio.Task[None] | None = None

    def heard(self, ids: Collection[str] | None) -> None:
        """Let both look."""
        self.asking.heard(ids)
        self.serving.heard(ids)

    async def serve(self) -> None:
        """Take account 1, and do what is asked."""
        run = await self.node.begin()
        await self.store.nodes.take("account-1", run.node_id)
        self.running = asyncio.create_task(self.serving.run())

    async def pass_until(self, waiting: asyncio.Future[Any], step_s: float = 0.5) -> float:
        """Move the time until something is done; return how far."""
        began = self.clock.monotonic()
        async with asyncio.timeout(30):
            while not waiting.done():
                await asyncio.sleep(0.005)
                if not waiting.done():
                    self.clock.advance(step_s)
        return self.clock.monotonic() - began


@asynccontextmanager
async def two(directory: Path, deeds: Mapping[str, Deed]) -> AsyncIterator[Two]:
    """Make them on a store with account 1."""
    clock = FakeClock()
    store = await SqliteStore.open(directory / "w.db", clock, ghost_age=GHOST_AGE)
    await store.add_user("owner@example.org", b"hash", START)
    await store.put_account(setup(account(1)))
    here = Two(store, clock, deeds)
    try:
        yield here
    finally:
        if here.running is not None:
            here.running.cancel()
            await asyncio.gather(here.running, return_exceptions=True)
        await store.close()
