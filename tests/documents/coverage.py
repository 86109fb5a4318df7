"""Tests by the things that they speak of: read from the tests themselves, so that it is up to date.

Best is a case of a fault: the whole service answered the status and the words. Otherwise a test
speaks of a text when it stands in its body, in its decorators, or in a table that it uses.
What no test speaks of cannot be put on a page: the page is not written then.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.e2e.expectations import CASES, Case

__all__ = ["UNPROVED", "Uncovered", "name_of", "test_of_sentence"]

_ROOT = Path(__file__).parents[2]
_FAR = 4
"""Steps from a test to a table, and from there to what the table is made of."""

_TELLING = 12
"""A part of a sentence that is at least so long tells which sentence is meant."""

_OPEN = "\N{HORIZONTAL ELLIPSIS}"
"""A sign for the part of a test's text that is put in when it runs."""

_KNOWN_BY: Mapping[tuple[str, int | None], str] = {
    ("<title>", 400): "Invalid job id",
    ("<title>", 502): "The tea has gone cold",
}
"""Sentences without a word of their own, and by what a test of them is known."""


UNPROVED: Mapping[str, str] = {
    "Discord named no place for the upload": "no fault of the simulator answers so",
    "the upload broke off: <reason>": "tried again first, and that is what is tested",
    "the upload was answered with HTTP status <status>": "as above",
    "Discord's command index did not arrive in time; nothing was sent": (
        "a deadline that something else meets first"
    ),
    "The job was not sent to Discord in the time of its request": (
        "its own deadline is a moment sooner, unless the account is not connected then"
    ),
    "no connection to the region editor": "not seen; a connection to Discord that fails is",
    "Channel <channel> configuration has same server value": "not seen",
    "Discord asked to wait <seconds> s": "said of reads, which callers of jobs wait for seldom",
}
"""Sentences that no test says word for word, and why."""


class Uncovered(Exception):
    """No test speaks of this."""


@dataclass(frozen=True)
class _Text:
    """A text of a test, how far from it, and the test's name."""

    text: str
    far: int
    test: str

    @property
    def rank(self) -> tuple[int, bool, str]:
        return self.far, not self.test.startswith("tests/e2e"), self.test


def test_of_sentence(sentence: str, status: int | None) -> str:
    """Return the test of a sentence; `<…>` stands for anything. Raises: Uncovered.

    Args: status: that it is answered with, None where it is the verb's own
    """
    known = _KNOWN_BY.get((sentence, status), sentence)
    parts = (re.escape(part) for part in re.split(r"<\w+>", known))
    pattern = re.compile(".+".join(parts) + r"[.!]?", re.DOTALL)
    for case in CASES:
        if any(code == status and pattern.fullmatch(text) for code, text in _answered(case)):
            return f"{_fault_test()}[{case.id}]"
    texts = _texts().items()
    whole = [one for text, one in texts if pattern.fullmatch(text)]
    return _best(
        sentence,
        whole
        or [
            one
            for text, one in texts
            if (len(text) >= _TELLING and text in known)
            or (len(known) >= _TELLING and known in text)
        ],
    )


def name_of(path: str, test: str) -> str:
    """Return a test's name as pytest takes it. Raises: Uncovered: it is not in that file."""
    if f"def {test}(" not in (_ROOT / path).read_text(encoding="utf-8"):
        raise Uncovered(f"{path} has no {test}")
    return f"{path}::{test}"


@cache
def _fault_test() -> str:
    return name_of(
        "tests/e2e/test_faults.py",
        "test_a_fault_leads_to_what_is_expected_and_to_nothing_else",
    )


def _answered(case: Case) -> Iterator[tuple[int, str]]:
    """Yield with which status and error a case answers: its POST, and the job's form."""
    status, body = case.outcome.post
    if isinstance(body, dict) and "error" in body:
        yield status, body["error"]
    if case.outcome.job is not None and "error" in case.outcome.job:
        yield case.outcome.job["code"], case.outcome.job["error"]


def _best(what: str, found: Sequence[_Text]) -> str:
    best = min(found, key=lambda one: one.rank, default=None)
    if best is None:
        raise Uncovered(f"no test speaks of: {what}")
    return best.test


# ── reading the tests ──


@dataclass(frozen=True)
class _Module:
    path: Path
    tops: Mapping[str, ast.stmt]
    """Module-level names and what defines them."""
    imported: Mapping[str, tuple[str, str]]
    """Name → module of tests, and its name there."""


@cache
def _module(name: str) -> _Module | None:
    path = _ROOT / (name.replace(".", "/") + ".py")
    if not name.startswith("tests.") or not path.is_file():
        return None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tops: dict[str, ast.stmt] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=top), *_]) | ast.AnnAssign(target=ast.Name(id=top))
            ):
                tops[top] = node
            case ast.FunctionDef(name=top) | ast.AsyncFunctionDef(name=top):
                tops[top] = node
            case ast.ImportFrom(module=str(module), names=names):
                imported |= {one.asname or one.name: (module, one.name) for one in names}
    return _Module(path, tops, imported)


@cache
def _texts() -> Mapping[str, _Text]:
    """Return every text of a test with the test that is nearest to it."""
    nearest: dict[str, _Text] = {}
    for path in sorted((_ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(_ROOT)
        if place.parts[1] == "documents":
            # a page that tells an error does not prove it
            continue
        module = _module(".".join(place.with_suffix("").parts))
        assert module is not None
        for name in module.tops:
            if not name.startswith("test_"):
                continue
            for text, far in _said(module, name):
                one = _Text(text, far, f"{place.as_posix()}::{name}")
                if text not in nearest or one.rank < nearest[text].rank:
                    nearest[text] = one
    return nearest


def _said(module: _Module, name: str) -> Iterator[tuple[str, int]]:
    seen: set[tuple[Path, str]] = set()
    near = [(module, name)]
    for far in range(_FAR + 1):
        following = []
        for where, top in near:
            if (where.path, top) in seen or top not in where.tops:
                continue
            seen.add((where.path, top))
            node = where.tops[top]
            yield from ((text, far) for text in _literals(node))
            following += list(_used(where, node))
        near = following


def _literals(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        match one:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=values):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else _OPEN for part in values
                )
            case ast.keyword(arg=str(name)):
                yield name


def _used(module: _Module, node: ast.AST) -> Iterator[tuple[_Module, str]]:
    for one in ast.walk(node):
        if not isinstance(one, ast.Name):
            continue
        if one.id in module.tops:
            yield module, one.id
        elif one.id in module.imported:
            source, name = module.imported[one.id]
            found = _module(source)
            if found is not None:
                yield found, name
