"""`make bench` prints what docs/performance.md is made of, and the page agrees with its table."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from benchmarks.__main__ import BENCHMARKS

from tests.documents.readme import ROOT

PAGE = ROOT / "docs" / "performance.md"

SHORT = {
    "BENCH_JOBS": "5000",
    "BENCH_ACCOUNTS": "20",
    "BENCH_HASTE": "20",
}
"""Variables for runs whose figures say nothing."""

AT_LEAST = (
    "GET of a job",
    "gateway events",
    "slots busy",
    "store's transactions",
    "jobs per processor second",
    "commits per second",
)
"""How rows begin whose figure may not be lower than its aim; no other figure may be higher."""

SECTIONS = (
    "Reading a job",
    "Reading a job",
    "Describing",
    "Gateway events",
    "Callbacks",
    "Slot use",
    "Slot use",
    "Searching",
    "Crowd",
    "Crowd",
    "Crowd",
    "Crowd",
    "Databases",
    "Served",
    "Nodes",
    "Nodes",
    "Nodes",
    "Nodes",
    "Nodes",
    "Searching",
    "Growth",
    "Turns",
    "Turns",
    "Turns",
)
"""How the sections begin that tell of the table's rows, in their order."""


def rows() -> list[tuple[str, ...]]:
    table = re.search(r"\|---\|---\|---\|---\|\n((?:\|.*\n)+)", PAGE.read_text("utf-8"))
    assert table is not None
    return [tuple(line.strip("| ").split(" | ")) for line in table[1].splitlines()]


def test_the_tables_verdicts_are_those_of_its_figures() -> None:
    for what, figure, aim, met in rows():
        wanted = re.match(r"[\d.]+", aim)
        if wanted is None:
            assert (aim, met) == ("none set", "–"), what
            continue
        if figure == "not measured":
            assert met == "**no**", what
            continue
        limit = float(wanted[0])
        if re.search(r" m?s\b", figure):
            ranges, medians = [], [float(one) for one in re.findall(r"([\d.]+) m?s\b", figure)]
        else:
            found = re.findall(r"([\d.]+) \(([\d.]+)–([\d.]+)\)", figure)
            medians = [float(median) for median, _, _ in found] or [
                float(figure.removesuffix(" KiB"))
            ]
            ranges = [float(end) for _, *ends in found for end in ends]
        sign = -1 if what.startswith(AT_LEAST) else 1
        assert medians, what
        in_median = all(sign * one <= sign * limit for one in medians)
        in_range = all(sign * one <= sign * limit for one in ranges)
        verdict = "yes" if in_median and in_range else "median" if in_median else "**no**"
        assert met == verdict, what


def test_each_section_tells_the_figures_of_its_rows() -> None:
    sections = PAGE.read_text("utf-8").split("\n## ")[1:]
    for (what, figure, *_), begins in zip(rows(), SECTIONS, strict=True):
        (section,) = (one for one in sections if one.startswith(begins))
        told = " ".join(section.split())
        for one in re.findall(r"[\d.]+(?: \([\d.]+–[\d.]+\))?", figure):
            assert one in told or one == "0.00", (what, one)


@pytest.mark.slow
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_to_its_verdict(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        env={**os.environ, **SHORT},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (result,) = done.stdout.split("\n## ")[1:]
    title = result.partition("\n")[0]
    assert f"## {title}\n" in PAGE.read_text("utf-8"), title
    assert "**" in result and "aim" in result
