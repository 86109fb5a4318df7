"""Batches: several statements that change rows, as one statement of one round trip.

How it works: PostgreSQL runs the parts of `with` beside each other, and none sees what another has
changed. So a statement that reads or changes a table goes behind all earlier ones that change that
table, into a later batch; rows that are only added may be added to one table by several statements.
What a trigger or a foreign key does comes at the end of the batch, when all rows are there.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from waystation.store.postgresql.named import Statement

__all__ = ["Effect", "batched", "effect_of", "in_order"]

_COMMENT = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_HEAD = re.compile(r"(?:with|,)\s*(\w+) as (?:materialized )?\(", re.I)
_CHANGED = re.compile(r"\b(?:update|delete from)\s+(\w+)", re.I)
_ADDED = re.compile(r"\binsert into\s+(\w+)", re.I)
_WORD = re.compile(r"\b[a-z_]\w*")
_BRACKET = re.compile(r"[()]|'(?:[^']|'')*'")
_PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Effect:
    """Tables that a statement touches."""

    changes: frozenset[str]
    """Rows are changed, deleted, or added unless they are there."""
    adds: frozenset[str]
    """Rows are added, and nothing else of the table is read."""
    words: frozenset[str]
    """All other words of the statement; names of tables that it reads are among them."""

    def follows(self, earlier: Effect) -> bool:
        """Tell whether this statement must run after another one that was asked for earlier."""
        changed = earlier.changes | earlier.adds
        return bool(self.words & changed or self.changes & changed or self.adds & earlier.changes)


def effect_of(text: str) -> Effect:
    """Read from a statement's text which tables it touches."""
    bare = _COMMENT.sub("", text).lower()
    changes, adds = frozenset(_CHANGED.findall(bare)), frozenset(_ADDED.findall(bare))
    if "on conflict" in bare or not bare.lstrip().startswith("insert"):
        changes, adds = changes | adds, frozenset()
    return Effect(changes, adds, frozenset(_WORD.findall(bare)) - adds)


def in_order(effects: Sequence[Effect]) -> Sequence[Sequence[int]]:
    """Put statements into as few batches as their order allows. Returns: their places"""
    levels: list[int] = []
    for place, effect in enumerate(effects):
        behind = [levels[one] for one in range(place) if effect.follows(effects[one])]
        levels.append(1 + max(behind, default=-1))
    batches: list[list[int]] = [[] for _ in range(1 + max(levels, default=-1))]
    for place, level in enumerate(levels):
        batches[level].append(place)
    return batches


def batched(statements: Sequence[Statement]) -> Statement:
    """Return one statement that runs several; its row has how many rows each has changed.

    The values stand one statement after the other. Raises: ValueError: one returns rows itself
    """
    heads: list[str] = []
    counts: list[str] = []
    names: list[str] = []
    for number, statement in enumerate(statements):
        text = _COMMENT.sub(_without_comments, statement.text).strip().rstrip(";")
        *own, main = _parts(_PLACE.sub(_moved(len(names)), text))
        if re.search(r"\breturning\b", main, re.I):
            raise ValueError(f"a statement returns rows: {main}")
        heads += [*own, f"step_{number} as ({main} returning 1)"]
        counts.append(f"(select count(*) from step_{number})")  # noqa: S608
        names += statement.names
    text = f"with {', '.join(heads)} select {', '.join(counts)}"
    return Statement(text, tuple(names))


def _without_comments(found: re.Match[str]) -> str:
    return "" if found[0].startswith("--") else found[0]


def _moved(by: int) -> Callable[[re.Match[str]], str]:
    return lambda found: f"${int(found[1]) + by}"


def _parts(text: str) -> Iterator[str]:
    """Split a statement into the parts of its `with`, and the statement itself."""
    at = 0
    while text[at : at + 5].lower() == "with " or text[at : at + 1] == ",":
        found = _HEAD.match(text, at)
        assert found is not None, text
        end = _closing(text, found.end())
        yield text[found.start(1) : end]
        at = end + len(text[end:]) - len(text[end:].lstrip())
    yield text[at:]


def _closing(text: str, begin: int) -> int:
    """Return the place behind the bracket that closes one opened before a place."""
    depth = 1
    for found in _BRACKET.finditer(text, begin):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    raise ValueError(f"a bracket stays open: {text}")
