"""The pure core: the modules of the contract `pure stays pure`, and the test of each."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.architecture.tree import PACKAGE, ROOT, modules

__all__ = ["pure_modules", "own_test"]


def pure_modules() -> list[str]:
    """Return the modules as paths below the package; those without a test of their own not."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (pure,) = (one for one in contracts if one["name"] == "pure stays pure")
    names = [one.removeprefix("waystation.").replace(".", "/") for one in pure["source_modules"]]
    beginnings = tuple(f"{name}{end}" for name in names for end in (".py", "/"))
    return [path for path in modules() if path.startswith(beginnings) and own_test(path)]


def own_test(path: str) -> Path | None:
    """Return the test of a module; None when it has none."""
    folder, _, name = (PACKAGE / path).relative_to(PACKAGE).as_posix().rpartition("/")
    for place in ("unit", "integration"):
        test = ROOT / "tests" / place / folder / f"test_{name}"
        if test.is_file():
            return test
    return None
