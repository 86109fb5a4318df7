"""docs/what-happens-on-a-429.md names each 429 of the code, with its sentence and its wait."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta

from tests.documents.limits_page import spoken
from tests.documents.readme import ROOT
from tests.documents.spans import spans
from waystation import sentences
from waystation.api.sentences import SENTENCES
from waystation.callbacks import ATTEMPT_AFTER_S
from waystation.midjourney.commands import COMMANDS
from waystation.sentences import Sentence

PAGE = (ROOT / "docs" / "what-happens-on-a-429.md").read_text(encoding="utf-8")

STORIES = dict(re.findall(r"^## (\d)\. [^\n]+\n(.*?)(?=^## )", PAGE, re.M | re.S))
ROW = re.compile(r"^\| `([^`|]+)` \| ([^|]+) \|$", re.M)
OTHERS = re.compile(r"^\| [A-Z][^|]+ \| [^|]+ \| `([^`|]+)` \| ([^|]+) \|$", re.M)

NAMED_ELSEWHERE = {"error"}
"""Variables that hold a sentence where a 429 is raised: those of full slots."""


def _told() -> dict[str, str]:
    """Return the sentences of the stories, each with its Retry-After."""
    return {text: wait for story in STORIES.values() for text, wait in ROW.findall(story)}


def _sentences(*statuses: int | None) -> Iterator[Sentence]:
    for rows in SENTENCES.values():
        yield from (row for row in rows if row.status in statuses)


def _alike(text: str) -> str:
    return re.sub(r"<\w*>", "<>", text)


def _raised() -> Iterator[tuple[str, str]]:
    """Yield each literal 429 that the source raises, and its wait; `until` for a computed one."""
    default = spans()["errors.Busy.__init__.retry_after_s"]
    for path in (ROOT / "src" / "waystation").rglob("*.py"):
        if "simulator" in path.parts or "client" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Raise(exc=ast.Name(id="Busy" | "Throttled" | "RateLimited")):
                    raise AssertionError(f"{path}: a 429 without a sentence")
                case ast.Call(func=ast.Name(id="Places"), args=[_, _, full]):
                    yield _alike(_row(full).text), _spoken(_wait(node))
                case ast.Call(func=ast.Name(id="Throttled"), args=[ast.Call(func=full)]) if (
                    ast.unparse(full) == "self._full.said"
                ):
                    pass  # `Places` name it
                case ast.Call(func=ast.Name(id="Busy" | "Throttled" | "RateLimited"), args=args):
                    wait = _wait(node)
                    match args:
                        case [ast.Name(id=name)]:
                            assert name in NAMED_ELSEWHERE, f"{path}: {name}"
                        case [text] if _row(text) is sentences.RATE_LIMITED:
                            pass  # its wait is Discord's
                        case [text]:
                            spoken_wait = _spoken(wait) if wait else f"{default} s"
                            yield _alike(_row(text).text), spoken_wait
                        case _:
                            raise AssertionError(f"{path}: a 429 without a sentence")


def _wait(call: ast.Call) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == "retry_after_s"), None)


def _spoken(wait: ast.expr | None) -> str:
    return f"{ast.unparse(wait)} s" if isinstance(wait, ast.Constant) else "until"


def _row(text: ast.expr) -> Sentence:
    """Return the row of `sentences.ROW.text` or `sentences.ROW.said(…)`."""
    names = [node.attr for node in ast.walk(text) if isinstance(node, ast.Attribute)]
    row = getattr(sentences, next(name for name in names if name.isupper()))
    assert isinstance(row, Sentence)
    return row


def test_the_table_has_eight_meanings_and_each_has_its_story() -> None:
    rows = re.findall(r"^\| (\d) \|((?:[^|\n]+\|){5})$", PAGE, re.M)
    assert [number for number, _ in rows] == list("12345678") == list(STORIES)
    assert all(cell.strip() for _, cells in rows for cell in cells.strip("|").split("|"))


def test_each_429_of_the_service_stands_in_one_story() -> None:
    assert set(_told()) == {row.text for row in _sentences(429)}
    assert len(_told()) == sum(len(ROW.findall(story)) for story in STORIES.values())


def test_each_429_that_is_raised_has_a_story_with_its_wait() -> None:
    told = {_alike(text): wait for text, wait in _told().items()}
    raised = dict(_raised())
    assert len(raised) > 8
    computed = {text for text, wait in raised.items() if wait == "until"}
    assert all(told[text].startswith("until ") for text in computed)
    assert {text: told.get(text) for text in raised if text not in computed} == {
        text: wait for text, wait in raised.items() if text not in computed
    }


def test_a_429_of_the_bot_names_the_wait_that_stands_for_an_unknown_one() -> None:
    default = spans()["contract._RETRY_AFTER_S"]
    waits = dict(ROW.findall(STORIES["6"]))
    assert set(waits.values()) == {f"{default} s"}


def test_another_servers_429_reaches_the_caller_as_sentences_with_other_statuses() -> None:
    told = OTHERS.findall(STORIES["7"])
    describe = COMMANDS["describe"].bad_input_status
    assert len(told) == 4
    for text, status in told:
        own = status == f"{describe} on describe, else 400"
        assert text in {row.text for row in _sentences(None if own else int(status))}


def test_a_number_with_a_name_is_that_of_the_code() -> None:
    named = re.findall(r"(\d[\w., ]*) ?\(`([a-z][\w.]+)`\)", PAGE.replace("\n", " "))
    named += re.findall(r"\((\d[\w. ]*), `(\w+)`\)", PAGE)
    assert len(named) == 13
    for number, name in named:
        place = name if "." in name else f"WAYSTATION_{name.upper()}"
        value = spans()[place]
        if value == ATTEMPT_AFTER_S:
            value = ATTEMPT_AFTER_S[1:]
        assert number.strip().endswith(spoken(value, place)), name


def test_the_proxys_numbers_are_those_of_the_recipe() -> None:
    recipe = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    rate = re.search(r"rate=(\d+)r/s;", recipe)
    burst = re.search(r"limit_req zone=waystation burst=(\d+) nodelay;", recipe)
    assert rate is not None and burst is not None
    assert f"send {rate[1]} requests a second, and {burst[1]} more" in STORIES["8"]


def test_other_numbers_are_those_of_the_code() -> None:
    assert f"It tries {spans()['calls.repeated:attempts']} times." in PAGE
    assert sentences.RATE_LIMITED.text in _told()
    assert "else 10 s" in _told()["Maximum of <maxJobs> jobs executing in parallel supported"]
    assert spans()["errors.Busy.__init__.retry_after_s"] == 10
    assert spans()["logins.Logins.__init__:timedelta"] == timedelta(minutes=1)
    text = "Discord refused too many requests of this installation; nothing is sent to it now"
    assert text in " ".join(PAGE.split())
    assert text in {row.text for row in _sentences(502)}
