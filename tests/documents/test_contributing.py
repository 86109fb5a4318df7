"""CONTRIBUTING.md quotes the code as it is."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.documents.readme import ROOT
from waystation.midjourney.commands import COMMANDS
from waystation.simulator.bot.scripts import SCRIPTS

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

QUOTED = re.findall(r"^ *<!-- quoted: (\S+) -->\n *```\w+\n(.*?)^ *```$", PAGE, re.M | re.S)


def _lines(text: str) -> list[str]:
    return textwrap.dedent(text).rstrip().splitlines()


def _stands_in(quoted: str, path: str) -> bool:
    wanted = _lines(quoted)
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    starts = range(len(lines) - len(wanted) + 1)
    return any(_lines("\n".join(lines[at : at + len(wanted)])) == wanted for at in starts)


@pytest.mark.parametrize(("path", "quoted"), QUOTED, ids=[path for path, _ in QUOTED])
def test_a_quoted_block_stands_in_its_file(path: str, quoted: str) -> None:
    assert _stands_in(quoted, path)


def test_the_change_that_added_shorten_is_shown_whole() -> None:
    assert len(QUOTED) == 8
    assert "shorten" in COMMANDS and "shorten" in SCRIPTS


def test_each_file_of_a_change_exists() -> None:
    section = PAGE.partition("## The files of a change")[2].partition("\n## ")[0]
    named = re.findall(r"`((?:src|tests)/[^`]+)`", section)
    assert len(named) == 23
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_glossary_has_the_words_of_matching_in_order() -> None:
    glossary = PAGE.partition("## Glossary")[2]
    words = re.findall(r"^\| ([^|]+?) \|", glossary, re.M)[1:]
    assert words == sorted(words, key=str.lower)
    assert set(words) >= {
        *("ask", "bound", "callback", "echo", "era", "evidence", "held", "lane", "late"),
        *("likeness", "source", "stranger", "target", "verdict", "work"),
    }
