"""Who may import whom: the contracts in pyproject.toml, and that they forget nobody."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import PACKAGE, ROOT, modules

_LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
_CONTRACTS: dict[str, dict[str, Any]] = {one["name"]: one for one in _LINTER["contracts"]}

_TOP = {
    f"waystation.{path.stem}"
    for path in PACKAGE.iterdir()
    if path.suffix == ".py" or (path / "__init__.py").is_file()
} - {"waystation.__init__", "waystation.__main__"}


def test_the_contracts_are_kept() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_simulator_may_import_nothing_but_wire() -> None:
    forbidden = set(_CONTRACTS["the simulator shares nothing but wire"]["forbidden_modules"])
    assert forbidden == _TOP - {"waystation.simulator", "waystation.wire"}


def test_everybody_is_kept_from_the_simulator() -> None:
    kept = set(_CONTRACTS["nobody needs the simulator"]["source_modules"])
    assert kept == _TOP - {"waystation.simulator"}


def test_every_module_has_its_layer() -> None:
    layers = _CONTRACTS["layers"]
    assert layers["exhaustive"]
    placed = {f"waystation.{name}" for row in layers["layers"] for name in row.split(" | ")}
    apart = {f"waystation.{name}" for name in layers["exhaustive_ignores"]}
    assert placed | apart >= _TOP
    assert placed <= _TOP


def _says_pure(path: str) -> bool:
    return "Pure: no I/O, no clock, no randomness." in (PACKAGE / path).read_text()


def _is_contracted(path: str) -> bool:
    name = "waystation." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    pure = _CONTRACTS["pure stays pure"]["source_modules"]
    return any(name == one or name.startswith(f"{one}.") for one in pure)


@pytest.mark.parametrize("path", [path for path in modules("simulator/") if _is_contracted(path)])
def test_a_module_that_must_be_pure_says_so(path: str) -> None:
    assert path.endswith("__init__.py") or _says_pure(path)


@pytest.mark.parametrize("path", [path for path in modules("simulator/") if _says_pure(path)])
def test_a_module_that_says_it_is_pure_is_held_to_it(path: str) -> None:
    assert _is_contracted(path), "add it to the contract `pure stays pure`"
