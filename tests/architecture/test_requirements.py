"""Requirements are pinned by hash and name no place to get them from."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.tree import ROOT

_LOCKED = sorted(
    (*(ROOT / "requirements").glob("*.txt"), *(ROOT / "tests" / "clients").glob("*/client.txt"))
)
_NPM_LOCKED = sorted((ROOT / "tests" / "clients").glob("*/package-lock.json"))
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


@pytest.mark.parametrize("path", _NPM_LOCKED, ids=str)
def test_every_package_of_npm_is_one_version_with_a_hash(path: str) -> None:
    packages = json.loads(ROOT.joinpath(path).read_text())["packages"]
    installed = [package for name, package in packages.items() if name]
    assert installed
    for package in installed:
        assert {"version", "integrity"} <= package.keys() and "resolved" not in package, package


@pytest.mark.parametrize("path", (*_LOCKED, *_NPM_LOCKED), ids=str)
def test_a_lock_names_no_address(path: str) -> None:
    text = ROOT.joinpath(path).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links|--trusted)", text, re.M)
