"""More nodes beside the service of a ground: `waystation serve` on the same database."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from tests.e2e.conftest import Person, eventually
from tests.e2e.process import Child, Ground

__all__ = [
    "Node",
    "NodeProcess",
    "another_node",
    "has_account",
    "hears_all",
    "sessions_of",
    "two_nodes",
]


class Node(Protocol):
    """A service and the person who asks it: the ground's own, or one more."""

    environment: dict[str, str]
    service: Child
    ada: Person

    async def start(self) -> None:
        """Start it, again if it has ended, and wait until it listens."""


class NodeProcess:
    """One more node, and the ground's person as its caller."""

    def __init__(
        self,
        here: Ground,
        number: int,
        program: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        child: Callable[..., Child] = Child,
    ) -> None:
        """Args: environment: variables that differ; child: makes its process"""
        self.here = here
        self.environment = {**here.environment, **(environment or {})}
        self._log = here.directory / f"node{number}.log"
        self._program = program or here.program
        self._child = child
        self.service = self._made()
        self.ada = Person(here.ada.user_id, here.ada.token, "", here.http, here.answers)

    def _made(self) -> Child:
        return self._child(self.environment, self._log, self._program)

    async def start(self) -> None:
        """Start it, again if it has ended, and wait until it listens."""
        self.service = self._made()
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


async def hears_all(here: Ground) -> bool:
    """Tell whether the ground's service hears all accounts."""
    return await sessions_of(here.ada) == len(here.sim.accounts)


async def sessions_of(ada: Person) -> int:
    """Return how many accounts hear Discord on the node that a person asks."""
    async with ada.http.get(ada.url + "/readyz") as answer:
        return int((await answer.json())["sessions"].get("connected", 0))


def has_account(here: Ground, node: Node, channel: str) -> bool:
    """Tell whether a node has an account: each node answers for all, but the row names one."""
    with here.records() as records:
        rows = records.rows(
            "select node_id from assignments"
            " join accounts on accounts.account_id = assignments.account_id where channel = ?",
            channel,
        )
    # a node tells its log under which id it has begun
    return any(row["node_id"] in node.service.log for row in rows)


@contextlib.asynccontextmanager
async def another_node(
    here: Ground, number: int = 2, program: Sequence[str] = (), **environment: str
) -> AsyncIterator[NodeProcess]:
    """Start one more node; it ends with the block.

    Args: program: what Python runs instead of `waystation`; environment: variables that differ
    """
    node = NodeProcess(here, number, program, environment)
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
