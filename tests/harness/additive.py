"""Additive: whether the statements of the version before still run after a migration (ADR 38)."""

from __future__ import annotations

import re

from waystation.store.migrations import Migration

__all__ = ["adds", "taken_away"]

_ADDS = re.compile(
    r"create (table|index|view|extension|function|trigger)\b"
    r"|alter table \w+ add column \w+ [^;]*?(\bdefault\b|$)"
    r"|insert into|update",
    re.I,
)


def taken_away(step: Migration) -> list[str]:
    """Return the statements of a migration that do more than add."""
    bare = re.sub(r"--[^\n]*|\$\$.*?\$\$", "", step.script, flags=re.DOTALL)
    statements = [one.strip() for one in bare.split(";") if one.strip()]
    return [one for one in statements if not adds(one)]


def adds(statement: str) -> bool:
    """Tell whether the statements of the version before still run after this one."""
    if re.search(r"\bunique index\b", statement, re.I):
        return False
    found = _ADDS.match(statement)
    must = re.search(r"\bnot null\b", statement, re.I)
    return found is not None and (
        not statement.lower().startswith("alter") or must is None or bool(found[2])
    )
