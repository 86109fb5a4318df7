"""Mutants of the pure core, and the tests that notice them: `make mutants`.

A mutant is a module with one small fault. It is killed when the module's own test fails, or the
unit tests of its folder and of the top do. The rest is printed: a test is missing, or the fault
changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.architecture.tree import PACKAGE, ROOT
from tests.pure.modules import own_test, pure_modules

LIMIT_S = 120
"""A mutant that takes longer runs in a circle, and is killed by that; it is printed, too."""

_OTHER: dict[type[ast.AST], ast.AST] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.And: ast.Or(),
    ast.Or: ast.And(),
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Add(),
    ast.BitOr: ast.BitAnd(),
    ast.BitAnd: ast.BitOr(),
}
_SILENT = ("annotation", "returns", "decorator_list", "type_params", "bases")
"""Fields of the tree that say nothing about what is done."""


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    path: str
    line: int
    before: str
    after: str
    text: str
    """The whole module with the fault."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before}  →  {self.after}"


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield nodes that may stand in the place of one."""
    match node:
        case ast.Compare(ops=[op]) | ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in _OTHER:
            changed: Any = copy.deepcopy(node)
            if isinstance(changed, ast.Compare):
                changed.ops = [_OTHER[type(op)]]  # type: ignore[list-item]
            else:
                changed.op = _OTHER[type(op)]
            yield changed
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.If(test=test) | ast.IfExp(test=test):
            turned: Any = copy.deepcopy(node)
            turned.test = ast.UnaryOp(ast.Not(), test)
            yield turned
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.comprehension(ifs=[_, *_]):
            without: Any = copy.deepcopy(node)
            without.ifs = []
            yield without
        case _:
            return


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield parent, field and index of each node that may be changed."""
    for name, value in ast.iter_fields(node):
        if name in _SILENT:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            yield node, name, index, child
            yield from _places(child)


def mutants_of(path: str) -> list[Mutant]:
    """Return each fault that a module can have."""
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    found = []
    line = 1
    for parent, name, index, child in list(_places(tree)):
        line = getattr(child, "lineno", line)
        for changed in _changes(child):
            _put(parent, name, index, changed)
            text = ast.unparse(ast.fix_missing_locations(tree))
            before, after = (ast.unparse(one).split("\n")[0][:90] for one in (child, changed))
            found.append(Mutant(path, line, before, after, text))
            _put(parent, name, index, child)
    return found


def _put(parent: ast.AST, name: str, index: int | None, child: ast.AST) -> None:
    if index is None:
        setattr(parent, name, child)
    else:
        getattr(parent, name)[index] = child


def _fails(copied: Path, tests: list[Path], limit_s: float) -> bool:
    """Tell whether tests fail. Raises: subprocess.TimeoutExpired"""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
    ]
    command += ["-p", "no:schemathesis", "-p", "no:randomly", "--hypothesis-profile=quick"]
    # two faults may have one size and one second, by which Python knows what it has compiled
    environment = os.environ | {"PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, *map(str, tests)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=limit_s,
    )
    return done.returncode != 0


def _killer(mutant: Mutant, copied: Path, limit_s: float) -> str | None:
    """Return what kills a mutant: its own test, its folder, or the limit; None: nothing."""
    test = own_test(mutant.path)
    assert test is not None
    place = copied / "waystation" / mutant.path
    whole = place.read_text(encoding="utf-8")
    place.write_text(mutant.text, encoding="utf-8")
    try:
        if _fails(copied, [test], limit_s):
            return "own"
        top = mutant.path.partition("/")[0] if "/" in mutant.path else ""
        unit = ROOT / "tests" / "unit"
        folder = unit / (top or "midjourney")
        others = [*sorted(unit.glob("test_*.py")), *([folder] if folder.is_dir() else [])]
        return "folder" if _fails(copied, others, limit_s) else None
    except subprocess.TimeoutExpired:
        return "limit"
    finally:
        place.write_text(whole, encoding="utf-8")


_TOLD = {None: "lives", "limit": "runs on"}


def main() -> int:
    """Try so many mutants and print the share that is killed, and those that are not."""
    parser = argparse.ArgumentParser(description="mutants of the pure core")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds for one mutant")
    parser.add_argument("--in", dest="within", default="", help="paths below the package")
    given = parser.parse_args()
    every = [
        one for path in pure_modules() if path.startswith(given.within) for one in mutants_of(path)
    ]
    chosen = random.Random(given.seed).sample(every, min(given.count, len(every)))
    print(f"seed {given.seed}: {len(chosen)} of {len(every)} mutants", flush=True)
    free: SimpleQueue[Path] = SimpleQueue()
    # compiled once: no run of a mutant keeps what it compiles
    collect = [sys.executable, "-m", "pytest", "-q", "--collect-only", "tests/unit"]
    subprocess.run(collect, cwd=ROOT, capture_output=True)
    with tempfile.TemporaryDirectory() as place:
        for number in range(given.workers):
            shutil.copytree(PACKAGE, Path(place) / str(number) / "waystation")
            free.put(Path(place) / str(number))

        def judge(mutant: Mutant) -> str | None:
            copied = free.get()
            try:
                killer = _killer(mutant, copied, given.limit)
            finally:
                free.put(copied)
            if killer in _TOLD:
                print(f"{_TOLD[killer]}: {mutant}", flush=True)
            return killer

        with ThreadPoolExecutor(given.workers) as pool:
            killers = list(pool.map(judge, chosen))
    own, killed = killers.count("own"), len(killers) - killers.count(None)
    print(
        f"seed {given.seed}: {killed} of {len(killers)} killed ({killed / len(killers):.1%}), "
        f"{own} of them by the module's own test, {killers.count('limit')} by the limit"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
