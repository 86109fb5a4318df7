"""The doctor's findings about the nodes on a PostgreSQL database: their leases and keys (R45)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from waystation.cli.doctor.findings import Finding, error, ok, warning
from waystation.ports import LiveNode
from waystation.vault import Vault

__all__ = ["look_at_nodes"]


def look_at_nodes(nodes: Sequence[LiveNode], vault: Vault, place: str) -> Iterator[Finding]:
    """Yield which nodes act for accounts, and which of them lack a key.

    Args: vault: this host's; place: where its keys are
    """
    if not nodes:
        yield warning("no node runs: nobody acts for the accounts", "Start one: waystation serve")
    for node in nodes:
        who = f"{node.name} ({node.node_id})"
        accounts = "1 account" if node.accounts == 1 else f"{node.accounts} accounts"
        yield ok(f"{who} has {accounts}; its lease runs for {node.left_s:.0f} s")
        lacks = [name for name in vault.names if name not in node.keys]
        if lacks:
            yield error(
                f"{who} lacks the key {', '.join(lacks)}: it cannot open what that seals",
                f"Copy {place} there and start that node again.",
            )
    known = {name for node in nodes for name in node.keys}
    unknown = sorted(known - set(vault.names))
    if unknown:
        yield error(
            f"this host lacks the key {', '.join(unknown)}, which nodes have",
            f"Copy the key file of such a node to {place}.",
        )
