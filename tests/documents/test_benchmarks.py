"""`make bench` runs and prints what docs/performance.md is made of; figures are not judged."""

from __future__ import annotations

import subprocess
import sys

import pytest
from benchmarks.__main__ import BENCHMARKS

from tests.documents.readme import ROOT


@pytest.mark.slow
def test_every_benchmark_runs_to_its_verdict() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rounds", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = done.stdout.split("\n## ")[1:]
    titles = [result.partition("\n")[0] for result in results]
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert len(titles) == len(BENCHMARKS)
    assert all(f"## {title}\n" in page for title in titles), titles
    assert all("**" in result and "aim" in result for result in results)
