from __future__ import annotations

from waystation.cli.doctor.nodes import look_at_nodes
from waystation.ports import LiveNode
from waystation.vault import KeyRing, Vault

OLD = Vault(KeyRing(b"t" * 32, (b"a" * 32,)))
NEW = Vault(KeyRing(b"t" * 32, (b"a" * 32,), (b"b" * 32,)))
PLACE = "/data/keys.json"


def node(number: int, keys: Vault | None, accounts: int = 1) -> LiveNode:
    names = [] if keys is None else list(keys.names)
    return LiveNode(f"id-{number}", f"host-{number}", 29.6, accounts, names)


def said(nodes: list[LiveNode], vault: Vault) -> list[tuple[str, str]]:
    return [(one.level, one.what) for one in look_at_nodes(nodes, vault, PLACE)]


def test_each_node_is_told_with_its_accounts_and_its_lease() -> None:
    assert said([node(1, OLD), node(2, OLD, accounts=3)], OLD) == [
        ("ok", "host-1 (id-1) has 1 account; its lease runs for 30 s"),
        ("ok", "host-2 (id-2) has 3 accounts; its lease runs for 30 s"),
    ]
    [(level, what)] = said([], OLD)
    assert level == "warning" and "no node runs" in what


def test_a_node_without_the_newest_key_is_named() -> None:
    """R45."""
    newest = NEW.prepared[0]
    lacks = f"lacks the key {newest}: it cannot open what that seals"
    assert said([node(1, NEW), node(2, OLD)], NEW)[2] == ("error", f"host-2 (id-2) {lacks}")
    # an older version tells of no key
    assert said([node(3, None)], NEW)[1][0] == "error"


def test_a_host_without_the_newest_key_is_told() -> None:
    """R45."""
    *_, last = look_at_nodes([node(1, NEW)], OLD, PLACE)
    assert last.level == "error" and NEW.prepared[0] in last.what and PLACE in last.mend
