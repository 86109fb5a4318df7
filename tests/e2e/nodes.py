"""More nodes beside the service of a ground: `waystation serve` on the same database."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import AsyncIterator, Sequence

from tests.e2e.conftest import Person, eventually
from tests.e2e.process import Child, Ground

__all__ = ["NodeProcess", "another_node", "is_connected_at", "two_nodes"]


class NodeProcess:
    """One more node, and the ground's person as its caller."""

    def __init__(
        self, here: Ground, number: int, program: Sequence[str] = (), **environment: str
    ) -> None:
        self.here = here
        self.service = Child(
            {**here.environment, **environment},
            here.directory / f"node{number}.log",
            program or here.program,
        )
        self.ada = Person(here.ada.user_id, here.ada.token, "", here.http, here.answers)

    async def start(self) -> None:
        """Start it and wait until it listens."""
        await self.service.start("serve", "--port", "0", "--json")
        line = await self.service.line()
        assert line, self.service.log
        self.ada.url = json.loads(line)["url"]

    async def sessions(self) -> int:
        """Return how many accounts it has that hear Discord."""
        return await sessions_of(self.ada)

    def kill(self) -> None:
        """Kill it this instant."""
        self.service.signal(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.service.signal(signal.SIGTERM)
        return await self.service.ended()


async def sessions_of(ada: Person) -> int:
    """Return how many accounts hear Discord on the node that a person asks."""
    async with ada.http.get(ada.url + "/readyz") as answer:
        return int((await answer.json())["sessions"].get("connected", 0))


async def is_connected_at(ada: Person, channel: str) -> bool:
    """Tell whether the node that a person asks has an account, and it hears Discord."""
    return bool((await ada.account(channel))["connection"]["state"] == "connected")


@contextlib.asynccontextmanager
async def another_node(
    here: Ground, number: int = 2, program: Sequence[str] = (), **environment: str
) -> AsyncIterator[NodeProcess]:
    """Start one more node; it ends with the block.

    Args: program: what Python runs instead of `waystation`; environment: variables that differ
    """
    node = NodeProcess(here, number, program, **environment)
    try:
        await node.start()
        yield node
    finally:
        await node.service.end()


@contextlib.asynccontextmanager
async def two_nodes(
    here: Ground, accounts: int = 2, program: Sequence[str] = (), **environment: str
) -> AsyncIterator[NodeProcess]:
    """Let the ground's service and another node have as many accounts each."""
    await here.settle_in(accounts)
    async with another_node(here, 2, program, **environment) as other:

        async def even() -> bool:
            counts = [await sessions_of(here.ada), await other.sessions()]
            return counts == [accounts // 2] * 2

        await eventually(even)
        yield other
