"""The import contracts in pyproject.toml forget nobody; `lint-imports` holds them."""

from __future__ import annotations

import tomllib
from typing import Any

from tests.architecture.tree import PACKAGE, ROOT, modules

_LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
_CONTRACTS: dict[str, dict[str, Any]] = {one["name"]: one for one in _LINTER["contracts"]}

_TOP = {
    f"waystation.{path.stem}"
    for path in PACKAGE.iterdir()
    if path.suffix == ".py" or (path / "__init__.py").is_file()
} - {"waystation.__init__", "waystation.__main__"}


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
    if path.endswith("__init__.py"):
        return False
    name = "waystation." + path.removesuffix(".py").replace("/", ".")
    pure = _CONTRACTS["pure stays pure"]["source_modules"]
    return any(name == one or name.startswith(f"{one}.") for one in pure)


def test_a_module_that_must_be_pure_says_so() -> None:
    pure = [path for path in modules("simulator/") if _is_contracted(path)]
    assert len(pure) > 50
    assert [path for path in pure if not _says_pure(path)] == []


def test_a_module_that_says_it_is_pure_is_held_to_it() -> None:
    says = [path for path in modules("simulator/") if _says_pure(path)]
    assert [path for path in says if not _is_contracted(path)] == [], "add it to `pure stays pure`"
