"""Names that a test uses, itself or by what it names of its file: fixtures, helpers, tables."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["names_used"]


def names_used(file: Path, test: str) -> frozenset[str]:
    """Return the names, keywords and whole texts of a test and of what it uses of its file.

    Raises: KeyError: the file has no such test
    """
    parts = {name: part for part in _tree(file).body for name in _defined(part)}
    found: set[str] = set()
    left = [parts[test]]
    while left:
        names = set(_names(left.pop()))
        left += [parts[name] for name in names & parts.keys() - found]
        found |= names
    return frozenset(found)


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _defined(part: ast.stmt) -> Iterator[str]:
    match part:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (one.id for one in targets if isinstance(one, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _names(part: ast.stmt) -> Iterator[str]:
    for node in ast.walk(part):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.Constant(value=str(name)):
                yield name
