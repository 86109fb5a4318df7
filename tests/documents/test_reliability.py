"""docs/reliability.md names tests that exist, and numbers that are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.documents.readme import ROOT
from tests.e2e import mixture
from tests.e2e.awaits import PACKAGES
from tests.e2e.deeds import DEEDS
from tests.e2e.deeds_on_nodes import ON_NODES
from tests.e2e.matrix import LEAST, LEAST_SHARE, MISSED_AT_MOST, NODES_LEASE_S
from tests.e2e.swaps import HAZARDS_OF_MATCHING, HAZARDS_OF_WORDS, LASTING, UNHEARD
from waystation.settings import Settings
from waystation.simulator.faults.hazards import HAZARDS

PAGE = " ".join((ROOT / "docs" / "reliability.md").read_text("utf-8").split())
NAMED = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE)
WORDS = ("lost", "doubled", "swapped", "dropped", "leaked", "callbacks lost", "unverified")


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    assert name in _tests(ROOT / path)


def test_every_test_of_chaos_is_named() -> None:
    named = {name for path, name in NAMED if path.endswith("test_chaos.py")}
    assert named == _tests(ROOT / "tests" / "e2e" / "test_chaos.py")


def test_each_named_file_exists() -> None:
    for path in re.findall(r"`(tests/[^`:]+\.py)`", PAGE):
        assert (ROOT / path).is_file(), path


def test_the_words_are_those_that_are_counted() -> None:
    counted = ast.parse((ROOT / "tests" / "e2e" / "zeros.py").read_text("utf-8"))
    keys = {
        key.value
        for node in ast.walk(counted)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert keys == {*WORDS}
    assert all(f"| {word} | " in PAGE for word in WORDS)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"up to {Settings().send_within_s / 60:.0f} minutes after its POST" in PAGE
    assert f"does each of {len(DEEDS)} deeds twice" in PAGE
    assert f"There are {len(ON_NODES)} deeds" in PAGE
    assert f"with two nodes and leases of {NODES_LEASE_S:.0f} second " in PAGE
    assert LEAST_SHARE == 0.8
    assert "if more than a fifth are not reached" in PAGE
    assert f"or more than {MISSED_AT_MOST} of a part" in PAGE
    soak = (ROOT / "tests" / "soak" / "test_crash_matrix.py").read_text("utf-8")
    assert "LEAST = 1000\n" in soak
    assert re.search(r"^SEEDS = \((\d+, ){4}\d+\)$", soak, re.M)
    assert "draws 1,000 deaths and more by five seeds" in PAGE
    told = re.search(r"found (\d+) points, which make (\d+) deaths", PAGE)
    assert told is not None
    assert int(told[2]) >= LEAST
    for package in PACKAGES:
        assert f"`{package.split('.')[1]}`" in PAGE


def _tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        one.name for one in tree.body if isinstance(one, functions) and one.name.startswith("test_")
    }


def test_the_page_tells_what_the_mixture_of_identical_prompts_leaves_out() -> None:
    section = re.search(r"## Identical prompts at once (.*?) ## Aims", PAGE)
    assert section is not None
    rows = re.findall(r"\| (`\w+`[^|]*) \| (all|with hazards of words) \|", section[1])
    left_out = {name: run for cell, run in rows for name in re.findall(r"`(\w+)`", cell)}
    never = set(HAZARDS) - {*HAZARDS_OF_MATCHING, *HAZARDS_OF_WORDS}
    assert never >= mixture.NOT_OF_MATCHING
    assert left_out == dict.fromkeys(never, "all") | dict.fromkeys(
        {*LASTING, UNHEARD}, "with hazards of words"
    )
    numbers = (mixture.JOBS, mixture.HOSTILE, mixture.CHANNELS, mixture.WORDS)
    assert numbers == (1000, 100, 20, 0.05)
