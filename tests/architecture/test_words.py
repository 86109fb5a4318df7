"""Plain words: the part of the style that a machine can see.

A text names a thing and then says what it does, so none begins with a question word.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGE, modules
from waystation import receivers
from waystation.api.operations import OPERATIONS
from waystation.engine.account import commits
from waystation.sentences import ROWS
from waystation.settings import SETTINGS

ROOT = PACKAGE.parents[1]

RIDDLE = re.compile(r"(What|Whose|Who|Whether|That|Which)\b")

CHAIN = re.compile(r"\bone of \w+ of which\b", re.IGNORECASE)

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *PACKAGE.rglob("*.md"))
    if path.name != "CHANGELOG.md"
)

VAGUE = re.compile(r"(It|Neither|Nobody|They|Those|Whatever|Where|Whoever)\b")

VAGUE_STILL = {
    **{"It": 26, "Neither": 2, "Nobody": 2, "They": 2},
    **{"Those": 5, "Whatever": 1, "Where": 36, "Whoever": 2},
}
"""Docstrings that begin with such a word, still. A number may shrink."""

VAGUE_NAMES_STILL = {"it": 17, "neither": 3, "none": 1, "nor": 4, "of": 14, "one": 45, "that": 0}
"""Tests whose names begin with such a word, still. A number may shrink."""

NAMED_IN_THE_PLAN = {"What happens on a 429"}
"""Headings that are known by this name."""


def _riddles(text: str) -> bool:
    return bool(RIDDLE.match(text) or CHAIN.search(text.partition("\n")[0]))


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield each docstring, those of attributes, too."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text


CODE = sorted(
    str(path.relative_to(ROOT))
    for place in ("src", "tests", "benchmarks")
    for path in (ROOT / place).rglob("*.py")
    if "node_modules" not in path.parts
)


@pytest.mark.parametrize("path", CODE)
def test_a_docstring_names_a_thing_first(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert [text for text in _texts(tree) if _riddles(text)] == []


def test_no_more_docstrings_begin_with_a_vague_word() -> None:
    found = Counter(
        begins[1]
        for path in CODE
        for text in _texts(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if (begins := VAGUE.match(text))
    )
    assert found - Counter(VAGUE_STILL) == Counter(), "name the thing first"


def test_a_mail_names_a_thing_first() -> None:
    texts = [
        text
        for module in (commits, receivers)
        for name, text in vars(module).items()
        if name.isupper() and isinstance(text, str)
    ]
    parts = [part.strip() for text in texts for part in text.split("\n\n")]
    assert len(parts) > 10
    assert [part for part in parts if _riddles(part) or VAGUE.match(part)] == []


def test_a_help_text_names_a_thing_first() -> None:
    assert [row.name for row in SETTINGS if _riddles(row.help)] == []
    fields = [one for row in OPERATIONS.values() for one in (*row.query, *(row.body or ()))]
    assert [one.help for one in fields if _riddles(one.help)] == []


@pytest.mark.parametrize("path", [one for one in modules() if one.startswith("cli/")])
def test_a_help_text_of_a_command_names_a_thing_first(path: str) -> None:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    helps = [
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg == "help"
        and isinstance(node.value, ast.Constant)
    ]
    assert [text for text in helps if _riddles(str(text))] == []


def test_an_error_sentence_names_a_thing_first() -> None:
    texts = [text for row in ROWS for text in (row.text, row.when, row.do)]
    assert [text for text in texts if _riddles(text)] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_heading_names_a_thing_first(path: str) -> None:
    page = (ROOT / path).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (?:\d+\. )?(.+)$", page, re.M)
    assert [one for one in headings if _riddles(one) and one not in NAMED_IN_THE_PLAN] == []


def test_no_new_test_is_named_with_a_question_word() -> None:
    pattern = re.compile(
        r"^ *(?:async )?def (test_(?:what|whose|who|whether|that|which)_\w+)", re.M
    )
    found = [
        name
        for path in Path(ROOT / "tests").rglob("test_*.py")
        if "node_modules" not in path.parts
        for name in pattern.findall(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_more_tests_are_named_with_a_vague_word() -> None:
    pattern = re.compile(rf"^ *(?:async )?def test_({'|'.join(VAGUE_NAMES_STILL)})_\w+", re.M)
    found = Counter(
        word
        for path in Path(ROOT / "tests").rglob("test_*.py")
        if "node_modules" not in path.parts
        for word in pattern.findall(path.read_text(encoding="utf-8"))
    )
    assert found - Counter(VAGUE_NAMES_STILL) == Counter(), "name the thing first"
