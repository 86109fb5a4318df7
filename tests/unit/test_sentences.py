"""ROWS: the sentences that callers read, and the code that says them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.architecture.tree import PACKAGE, ROOT, modules
from waystation import errors, sentences
from waystation.errors import WaystationError
from waystation.sentences import GROUPS, ROWS, Sentence

NAMES = {name: row for name, row in vars(sentences).items() if isinstance(row, Sentence)}

SAYING = {
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
    "midjourney/asking/plans.py",
    "engine/intake.py",
    "outbound/fetch.py",
)
"""Where a request is refused."""

ENDING = {"Failed", "RefusedEvent", "Refused", "Moderated", "Lost", "Expired", "Unreachable"}
"""Events that end a job, and the error of the transport that becomes one."""

ENDS = ("engine/", "midjourney/", "discord/")

OF_HTTP = {"Method not allowed"}
"""Answers to a request that has no path: no path can answer them."""

DISCORDS_OWN = {"f'The command index has no /{name} here'"}
"""Texts that stand for the words of Discord, and so are no errors of ours."""

OF_NO_CALLER = {"Discord's answer could not be read"}
"""Errors of reads that no caller waits for."""

WITHOUT_NAME = {"UNKNOWN_BAD_INPUT", "UNKNOWN_TITLE"}
"""Rows that stand for the bot's own titles."""

SAID_AS_ANOTHER = {
    "NO_ACCOUNTS": "NO_ACCOUNT",
    "NO_SUCH_CHANNEL": "CHANNEL_NOT_FOUND",
    "MOD_MESSAGE": "a halt's own text",
}
"""A row with the text of another and its own status → the row whose text the code says."""


def _trees(*places: str) -> Iterator[tuple[str, ast.Module]]:
    for path in modules("simulator/", "cli/", "client.py", "sentences.py"):
        if path.startswith(places):
            yield path, ast.parse((PACKAGE / path).read_text(encoding="utf-8"))


def _literals(places: tuple[str, ...], names: set[str]) -> Iterator[tuple[str, str]]:
    """Yield module and text of each call of these names that is made with a literal text."""
    for path, tree in _trees(*places):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                for argument in node.args[:2]:
                    if isinstance(argument, ast.JoinedStr):
                        yield path, ast.unparse(argument)
                    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield path, argument.value


def test_each_refusal_is_made_with_a_row() -> None:
    assert {text for _, text in _literals(FACES, SAYING)} <= OF_HTTP


def test_each_end_of_a_job_is_made_with_a_row() -> None:
    assert {text for _, text in _literals(ENDS, ENDING)} == DISCORDS_OWN | OF_NO_CALLER


def test_each_row_is_said() -> None:
    said = {
        node.attr
        for _, tree in _trees("")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "sentences"
    }
    assert set(NAMES) - said == WITHOUT_NAME | set(SAID_AS_ANOTHER)


def test_each_sentence_is_a_row() -> None:
    assert [name for name, row in NAMES.items() if row not in ROWS] == []


def test_each_row_stands_at_an_act_of_the_api() -> None:
    assert {does for row in ROWS for does in row.does} <= set(GROUPS)


def test_each_row_tells_when_and_what_to_do() -> None:
    for row in ROWS:
        assert all(re.fullmatch(r"[A-Z`].*\.", text) for text in (row.when, row.do)), row


def test_each_row_is_published_with_its_status() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    published = set(re.findall(r"^\| `(.+?)` \| (\d+) \|", page, re.MULTILINE))
    said = {(row.text, str(row.status)) for row in ROWS if row.status is not None}
    assert said - published == set()


def test_no_act_has_an_error_twice() -> None:
    counted = Counter((does, row.status, row.text) for row in ROWS for does in row.does)
    assert [row for row, times in counted.items() if times > 1] == []


def test_the_fields_of_a_text_have_different_names() -> None:
    for row in ROWS:
        fields = re.findall(r"<(\w+)>", row.text)
        assert len(fields) == len(set(fields)), row.text


def test_a_sentence_is_said_with_its_fields() -> None:
    assert sentences.TOO_LONG.said(field="prompt") == "prompt is too long"
    assert sentences.NO_MAX_JOBS.said() == sentences.NO_MAX_JOBS.text


def test_a_field_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="field"):
        sentences.TOO_LONG.said()


def test_a_value_is_not_read_as_a_field() -> None:
    assert sentences.NO_STRING.said(field="<name>") == "<name> must be a string"
