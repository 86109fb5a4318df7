"""The table of sentences and the code that says them, held together in both directions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.architecture.tree import PACKAGE, modules
from waystation import errors
from waystation.api.operations import OPERATIONS
from waystation.api.sentences import SENTENCES, WHEN
from waystation.errors import WaystationError

RAISED = {
    name
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, WaystationError) and one.status_hint < 500
} | {"Halted", "Unavailable", "refusal"}
"""Names that are called with a sentence that a caller reads."""

FACES = (
    "api/",
    "engine/logins.py",
    "engine/accounts.py",
    "engine/choice.py",
    "engine/service.py",
    "engine/pressing.py",
    "engine/intake.py",
    "outbound/fetch.py",
)
"""Where a request is refused."""

NOT_A_PATHS_OWN = {
    "Not found": "no path",
    "Method not allowed": "no method of the path",
    "<>": "what the parser of HTTP says",
}


ENDS = {"Failed": 1, "RefusedEvent": 1, "Moderated": 0, "Lost": 0, "Expired": 0}
"""Events that end a job, and which of their arguments is the error."""

_TELLING = 20
"""A template shorter than this would match by chance."""


def _template(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            parts = (one.value if isinstance(one, ast.Constant) else "<>" for one in values)
            return "".join(map(str, parts))
        case _:
            return None


def _plain(text: str) -> str:
    return re.sub(r"<[^<>]*>", "<>", text)


def _trees(*places: str) -> Iterator[ast.Module]:
    for path in modules("simulator/", "cli/", "client.py", "api/sentences.py"):
        if not places or path.startswith(places):
            yield ast.parse((PACKAGE / path).read_text(encoding="utf-8"))


def _said() -> set[str]:
    """Return what the code refuses with."""
    return {
        text
        for tree in _trees(*FACES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED
        for argument in node.args[:2]
        if (text := _template(argument)) is not None
    }


@cache
def _written() -> frozenset[str]:
    """Return every text of the code; a class docstring is a default sentence."""
    return frozenset(
        re.sub(r"{\w+}", "<>", _plain(text.strip()))
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.expr) and (text := _template(node)) is not None
    )


ROWS = {_plain(one.text) for rows in SENTENCES.values() for one in rows}


def test_every_refusal_of_the_code_has_its_row() -> None:
    assert len(_said()) > 40
    patterns = [re.escape(row).replace("<>", ".+") for row in ROWS if row != "<>"]
    assert {
        text
        for text in map(_plain, _said())
        if not any(re.fullmatch(pattern, text) for pattern in patterns)
    } <= set(NOT_A_PATHS_OWN)


def _ends() -> set[str]:
    """Return the errors that jobs end with, where the code says them itself."""
    found: set[str] = set()
    for tree in _trees("engine/", "midjourney/"):
        constants = {
            target.id: one.value
            for one in tree.body
            if isinstance(one, ast.Assign)
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            place = ENDS.get(getattr(node.func, "id", ""))
            if place is not None and place < len(node.args):
                argument = node.args[place]
                text = _template(constants.get(getattr(argument, "id", ""), argument))
                found |= set() if text is None else {_plain(text)}
    return found


def test_every_end_of_a_job_has_its_row() -> None:
    assert len(_ends()) > 10
    patterns = [re.escape(row).replace("<>", ".+") for row in ROWS if row != "<>"]
    unlisted = {
        text for text in _ends() if not any(re.fullmatch(pattern, text) for pattern in patterns)
    }
    assert unlisted == set()


def test_every_row_is_said_somewhere() -> None:
    templates = [one for one in _written() if "<>" in one and len(one) > _TELLING]
    unsaid = {
        text
        for text in ROWS - _written()
        if not any(re.fullmatch(re.escape(one).replace("<>", ".+"), text) for one in templates)
    }
    assert unsaid == set()


def test_every_row_is_used_by_a_path() -> None:
    used = {one for row in OPERATIONS.values() for one in row.does}
    assert used == set(SENTENCES)


def test_every_status_has_its_meaning() -> None:
    answered = {status for row in OPERATIONS.values() for status in (*row.answers, *row.refusals)}
    assert answered == set(WHEN)
