"""Nodes: the processes that act for accounts, and what they are asked to do for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from waystation.jobs import Job

__all__ = [
    "AccountTold",
    "Command",
    "CommandStatus",
    "Commands",
    "LiveNode",
    "Nodes",
    "Ownership",
    "ToldWait",
]


@dataclass(frozen=True, slots=True)
class Ownership:
    """Nodes and accounts at one moment."""

    nodes: Sequence[str]
    """Ids of the nodes whose lease runs, in order."""
    owners: Mapping[str, str | None]
    """The node that has each account, by account_id in order; None: no node whose lease runs."""
    next_end_s: float | None = None
    """Seconds until the first of their leases ends, unless it is renewed; None: no lease runs."""


@dataclass(frozen=True, slots=True)
class LiveNode:
    """A node whose lease runs."""

    node_id: str
    name: str
    """For people; several may have the same."""
    left_s: float
    """Seconds until its lease ends, unless it is renewed."""
    accounts: int
    """Accounts that it has."""
    keys: Sequence[str]
    """Names of its vault's keys; the first one seals. Empty: its version publishes none."""


@dataclass(frozen=True, slots=True)
class ToldWait:
    """A wait that Discord has asked an account for, or the installation's breaker."""

    until: datetime
    text: str = ""
    """Discord's last word on it, as sent."""
    is_breaker: bool = False


@dataclass(frozen=True, slots=True)
class AccountTold:
    """Facts of an account that its node tells the other nodes."""

    state: str = "waiting"
    """As `Owner.state`."""
    reason: str = ""
    """Why the connection broke or could not be made; empty while it stands."""
    wait: ToldWait | None = None
    upload_wait: ToldWait | None = None
    """The wait of a job that must upload something first; None: `wait`."""


class Nodes(Protocol):
    """Leases of nodes, and the accounts that each has. Each method is one transaction.

    Leases end by the database's clock; a database within the process takes the service's time.
    Raises from all: StoreError.
    """

    async def begin(self, node_id: str, name: str, length: timedelta) -> None:
        """Begin a node with a lease of that length."""
        ...

    async def renew(self, node_id: str, length: timedelta) -> bool:
        """Let a node's lease run for that length from now; False: the node is over."""
        ...

    async def leave(self, node_id: str) -> None:
        """End a node: its accounts are free at once; nothing when it is over already."""
        ...

    async def take(self, account_id: str, node_id: str, *, free_only: bool = False) -> int:
        """Give an account to a node and return its new epoch, above any that it ever had.

        A node that has the account already gets a new epoch, too. Where another node had it whose
        lease has ended, that node is over and all its accounts are free.

        Args: free_only: not where the node has it already
        Raises: LeaseLost: another node has it, or this one is over; NotFound: no such account
        """
        ...

    async def let_go(self, account_id: str, node_id: str, epoch: int) -> None:
        """Give an account back; nothing when it was taken again meanwhile."""
        ...

    async def ownership(self) -> Ownership:
        """Return who has what now."""
        ...

    async def tell(self, node_id: str, told: Sequence[tuple[str, int, AccountTold]]) -> None:
        """Let other nodes know of a node's accounts; an account that it lost is left out.

        Args: told: account_id, the epoch under which the node has it, and what is told
        """
        ...

    async def told(self, account_id: str) -> AccountTold:
        """Return what the node of an account has told; `waiting` where no node has it."""
        ...

    async def told_of(self, user_id: int) -> Mapping[str, AccountTold]:
        """Return the same of the accounts that a user may use, by account_id; no others."""
        ...

    async def waits_of(self, user_id: int, at: datetime) -> Mapping[str, AccountTold]:
        """Return the same of those alone that have to wait longer than until that moment."""
        ...

    async def live(self) -> Sequence[LiveNode]:
        """Return the nodes whose lease runs, by name and id."""
        ...

    async def unsent(self, node_id: str, limit: int = 500) -> Sequence[Job]:
        """Return jobs that were not asked yet, of the accounts of a node, the oldest first.

        Args: limit: how many are read at once; all are returned
        """
        ...


class CommandStatus(StrEnum):
    """How far a command is."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Command:
    """A deed for the node that has an account. Done twice, it does what it does once."""

    command_id: str
    account_id: str
    kind: str
    body: str
    """JSON."""


class Commands(Protocol):
    """Commands between nodes. Each method is one transaction. Raises from all: StoreError."""

    async def add(
        self, command: Command, life: timedelta, most: int, work: timedelta = timedelta()
    ) -> bool:
        """Let a command wait for the account's node that long.

        Args: most: commands for the accounts of one user that there may be; work: how long after
        its end a command counts as one of them, since a node may still work on it
        Returns: False when there are as many: nothing was written
        Raises: NotFound: the account is gone
        """
        ...

    async def drop(self, command_id: str) -> None:
        """Delete a command whose answer is wanted no more."""
        ...

    async def take(self, node_id: str, limit: int = 16) -> Sequence[Command]:
        """Return commands for the accounts of a node; the oldest first.

        Nobody else gets them while the lease of that node runs.
        """
        ...

    async def answer(self, command_id: str, node_id: str, answer: str) -> bool:
        """Record what came of a command (JSON); False: the node has not taken it."""
        ...

    async def withdraw(self, command_id: str) -> bool:
        """Take a command back; False: a node has taken it before."""
        ...

    async def look(self, command_id: str) -> tuple[CommandStatus, str | None] | None:
        """Return how far a command is, and its answer; None: there is no such command any more."""
        ...

    async def waiting(self) -> int:
        """Return how many commands no node has taken yet."""
        ...

    async def purge(self, age: timedelta) -> None:
        """Delete those that ended so long ago, and nodes whose lease did."""
        ...
