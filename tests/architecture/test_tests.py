"""The tests among themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.architecture.tree import ROOT
from waystation.midjourney.commands import COMMANDS


def test_no_test_is_imported() -> None:
    """Code that tests share is in tests/harness, or in a module beside them that is no test."""
    imports = re.compile(r"^\s*(?:from|import) (tests\.[\w.]*\btest_\w+)", re.M)
    found = {
        path.relative_to(ROOT).as_posix(): imports.findall(path.read_text(encoding="utf-8"))
        for place in ("tests", "benchmarks")
        for path in (ROOT / place).rglob("*.py")
    }
    assert len(found) > 300
    assert {path: names for path, names in found.items() if names} == {}


def test_each_verb_has_a_golden() -> None:
    golden = ROOT / "tests" / "golden"
    assert [verb for verb in COMMANDS if not any((golden / verb).glob("*.json"))] == []


def test_a_setting_of_the_shell_is_none_of_the_tests() -> None:
    quiet = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "-p", "no:xdist"]
    done = subprocess.run(
        [*quiet, "tests/unit/cli/test_loading.py"],
        cwd=ROOT,
        env=os.environ | {"WAYSTATION_HTTP": "none", "WAYSTATION_LEASE_S": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
