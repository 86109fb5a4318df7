"""Balance: which accounts a node takes and gives back, so that all nodes have as many.

How it works: each node sees the same rows and computes the same shares. The nodes that have the
most get the greater shares, so that nobody gives up an account but to come down to its share. Free
accounts go to the nodes that lack some, in the order of their ids: nodes that look at the same
moment want different accounts.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from waystation.ports import Ownership

__all__ = ["Moves", "moves", "shares"]


@dataclass(frozen=True, slots=True)
class Moves:
    """The accounts that one node takes and gives back now."""

    take: tuple[str, ...] = ()
    give: tuple[str, ...] = ()


def shares(ownership: Ownership) -> Mapping[str, int]:
    """Return how many accounts each node should have: they differ by one at most."""
    nodes = ownership.nodes
    if not nodes:
        return {}
    has = _counts(ownership)
    least, more = divmod(len(ownership.owners), len(nodes))
    by_most = sorted(nodes, key=lambda node_id: (-has[node_id], node_id))
    return {node_id: least + (place < more) for place, node_id in enumerate(by_most)}


def moves(
    node_id: str, ownership: Ownership, most: int, busy: Collection[str] = frozenset()
) -> Moves:
    """Return what a node takes and gives back in this round; nothing where its lease has ended.

    Args: most: accounts that it takes, and that it gives back, at most; busy: accounts with jobs
    that run, which it keeps if it can
    """
    should = shares(ownership)
    if node_id not in should:
        return Moves()
    mine = [account_id for account_id, owner in ownership.owners.items() if owner == node_id]
    surplus = len(mine) - should[node_id]
    if surplus > 0:
        idle_first = sorted(mine, key=lambda account_id: account_id in busy)
        return Moves(give=tuple(idle_first[: min(surplus, most)]))
    free = [account_id for account_id, owner in ownership.owners.items() if owner is None]
    has = _counts(ownership)
    before = [one for one in ownership.nodes if one < node_id]
    first = sum(max(0, should[one] - has[one]) for one in before)
    return Moves(take=tuple(free[first : first + min(-surplus, most)]))


def _counts(ownership: Ownership) -> Counter[str]:
    return Counter(owner for owner in ownership.owners.values() if owner is not None)
