"""Statements: the query files of the databases, read by name.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from waystation.store.rows import substitutions

__all__ = ["parse_queries", "with_columns"]


def with_columns(text: str, clock: str = ":clock") -> str:
    """Return a query file with columns in the place of its `{…}` marks.

    Args: clock: how the database tells the moment, in microseconds since 1970 UTC
    """
    for mark, columns in substitutions().items():
        text = text.replace(mark, columns)
    return text.replace("{clock}", clock)


def parse_queries(text: str) -> dict[str, str]:
    """Split a query file at its `-- name: description` lines.

    Raises: ValueError: a name twice, a query without text, or a name without description
    """
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        name, separator, description = line.removeprefix("-- ").partition(":")
        if line.startswith("-- ") and separator and name.isidentifier():
            if name in found or not description.strip():
                raise ValueError(f"query {name}: named twice or not described")
            current = found[name] = []
        elif not line.startswith("--"):
            current.append(line)
    statements = {name: "\n".join(lines).strip() for name, lines in found.items()}
    for name, statement in statements.items():
        if not statement:
            raise ValueError(f"query {name}: empty")
    return statements
