"""Special cases of a verb stand in its row: no code asks for a verb by its name.

The simulator stands in for the bot and knows the service's tables not at all; it is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.tree import PACKAGE, modules
from waystation.midjourney.commands import COMMANDS

NAMES = frozenset(COMMANDS) | {row.slash for row in COMMANDS.values() if row.slash is not None}


def _names_a_verb(node: ast.expr) -> bool:
    """Tell whether an expression reads a verb or a command of the bot."""
    match node:
        case ast.Attribute(attr="verb" | "slash" | "command") | ast.Name(id="verb" | "slash"):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="verb"), *_]):
            return True
        case ast.Subscript(slice=ast.Constant(value="verb")):
            return True
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return _names_a_verb(inner)
        case _:
            return False


def _said(node: ast.AST) -> Iterator[str]:
    """Yield the texts of a constant, or of a collection that is written out."""
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def _compared(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            sides = [node.subject]
        else:
            continue
        if not any(map(_names_a_verb, sides)):
            continue
        patterns = node.cases if isinstance(node, ast.Match) else sides
        for one in patterns:
            found = one.pattern if isinstance(one, ast.match_case) else one
            if isinstance(found, ast.expr) and _names_a_verb(found):
                continue
            yield from ((node.lineno, text) for text in _said(found) if text in NAMES)


def test_no_code_compares_with_the_name_of_a_verb() -> None:
    assert [
        f"{path}:{line}: {text}"
        for path in modules("simulator/")
        for line, text in _compared(ast.parse((PACKAGE / path).read_text(encoding="utf-8")))
    ] == []


def test_a_comparison_is_found_in_each_of_its_forms() -> None:
    forms = (
        'job.verb == "blend"',
        'verb in ("fast", "relax")',
        'job.get("verb") == "show"',
        'job["verb"] != "info"',
        'reading.command == "show"',
        'match job.verb:\n    case "seed" | "seed_async":\n        pass',
    )
    assert all([*_compared(ast.parse(form))] for form in forms)
    assert [*_compared(ast.parse('job.get("status") == "failed"'))] == []
