"""What is installed is pinned by hash and names no place to get it from."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import ROOT

_LOCKED = sorted(
    (*(ROOT / "requirements").glob("*.txt"), *(ROOT / "tests" / "clients").glob("*/client.txt"))
)
_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^ ]+( ; [^\\]+)?( \\)?")


def test_there_are_locked_requirements() -> None:
    assert {path.name for path in _LOCKED} >= {"run.txt", "dev.txt"}


@pytest.mark.parametrize("path", _LOCKED, ids=str)
def test_every_requirement_is_one_version_with_hashes(path: str) -> None:
    lines = ROOT.joinpath(path).read_text().replace("\\\n", " ").splitlines()
    required = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert required
    for line in required:
        assert _PINNED.match(line), line
        assert "--hash=sha256:" in line, line


@pytest.mark.parametrize("path", _LOCKED, ids=str)
def test_a_lock_names_no_address(path: str) -> None:
    text = ROOT.joinpath(path).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links|--trusted)", text, re.M)
