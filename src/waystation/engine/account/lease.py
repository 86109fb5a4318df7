"""Lease: an account that this node has, under an epoch of its own (R17).

Rules: the node's lease is the account's; once the run under which the account was taken is over,
so is this.
"""

from __future__ import annotations

from waystation.engine.nodes.node import Node, Run
from waystation.errors import LeaseLost
from waystation.ports import Nodes

__all__ = ["Lease", "take_lease"]


class Lease:
    """One account, taken under an epoch. Made by `take_lease`."""

    def __init__(self, node: Node, nodes: Nodes, account_id: str, run: Run, epoch: int) -> None:
        self._node = node
        self._nodes = nodes
        self._account_id = account_id
        self._run = run
        self.epoch = epoch

    @property
    def ends(self) -> float:
        """Monotonic seconds."""
        return self._run.ends

    async def keep(self) -> None:
        """Wait until it is lost, or until cancelled. Raises: LeaseLost."""
        await self._run.over.wait()
        raise LeaseLost("The lease of this process had run out")

    def request_timeout_s(self, limit_s: float) -> float:
        """Return how long a request may take: never past the lease.

        Raises: LeaseLost: nothing remains
        """
        return self._node.request_timeout_s(self._run, limit_s)

    async def give_back(self) -> None:
        """Let another node take the account at once. Raises: StoreError."""
        if not self._run.over.is_set():
            await self._nodes.let_go(self._account_id, self._run.node_id, self.epoch)


async def take_lease(node: Node, nodes: Nodes, account_id: str) -> Lease:
    """Take an account, as soon as the node has a lease.

    Raises: LeaseLost: another node has the account; NotFound; StoreError
    """
    run = await node.now()
    return Lease(node, nodes, account_id, run, await nodes.take(account_id, run.node_id))
