"""Accounts that a test's node has, for as long as the test goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.build import START
from tests.fakes import FakeClock
from waystation.engine.nodes.node import Node
from waystation.ports import Clock, IdSource, Store
from waystation.store.columns import micros
from waystation.store.transactions import nodes
from waystation.store.transactions.database import Database

__all__ = ["LONG", "claim", "claim_in", "lone_node"]

LONG = timedelta(days=36500)
"""Longer than any test moves the time."""


async def claim(store: Store | Any, account_id: str, node_id: str = "me") -> int:
    """Give an account to a node, which begins where it has not; return the epoch."""
    if node_id not in (await store.nodes.ownership()).nodes:
        await store.nodes.begin(node_id, "test", LONG)
    return int(await store.nodes.take(account_id, node_id))


def claim_in(database: Database, account_id: str, node_id: str = "me") -> int:
    """Do so within a transaction."""
    at = micros(START)
    if node_id not in nodes.ownership(database, at).nodes:
        nodes.begin(database, node_id, "test", LONG, at)
    return nodes.take(database, account_id, node_id, at)


def lone_node(store: Store | Any, clock: Clock | FakeClock, ids: IdSource, lease_s: float) -> Node:
    """Return a node that is alone. Args: lease_s: length of its lease"""
    return Node(store.nodes, clock, lambda: f"node-{ids.token()}", length_s=lease_s, name="test")
