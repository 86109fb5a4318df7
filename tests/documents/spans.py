"""Spans of time in the source: constants, defaults of fields and arguments, and settings.

A span is known by its place: `module.NAME` for a constant, `module.Class.field`,
`module.function.argument`, `module.function:timedelta` for one that stands within a function,
`module.function:sleep` for a number in a call that waits, and the setting's variable. Modules are
named without their folder.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path

from waystation.settings import SETTINGS, Settings

__all__ = ["Value", "constant", "spans"]

Value = float | timedelta | tuple[float, ...]
"""Numbers are seconds, unless the name ends in MS, HOURS or DAYS."""

_SOURCE = Path(__file__).parents[2] / "src" / "waystation"
_NAME = re.compile(r"(^|_)(s|seconds|ms|minutes|hours|days)$", re.IGNORECASE)
_RETRIES = "stamina.retry_context"
_WAITS = {"asyncio.sleep": 0, "asyncio.timeout": 0, "asyncio.wait_for": 1}
"""Call → place of its span among the arguments."""
_LIMITS = {"aiohttp.ClientTimeout", "asyncio.sleep", "asyncio.wait", "asyncio.wait_for"}
"""Calls whose arguments by name are spans."""


@cache
def spans() -> Mapping[str, Value]:
    """Return each span of the service, its command line and its client; zero is none."""
    found: dict[str, Value] = {}
    for path in sorted(_SOURCE.rglob("*.py")):
        if "simulator" in path.relative_to(_SOURCE).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for place, value in _in(tree, path, path.stem):
            assert found.setdefault(place, value) == value, f"two spans are called {place}"
    for setting in SETTINGS:
        if setting.unit in ("seconds", "hours", "days"):
            found[setting.variable] = getattr(Settings(), setting.name)
    return found


def constant(place: str) -> object:
    """Return the value of `module.NAME`, for numbers that are no spans."""
    stem, _, name = place.rpartition(".")
    [path] = [
        path
        for path in _SOURCE.rglob(f"{stem}.py")
        if "simulator" not in path.parts and name in path.read_text(encoding="utf-8")
    ]
    return getattr(import_module(_module(path)), name)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(_SOURCE.parent).with_suffix("").parts)


def _in(node: ast.AST, path: Path, scope: str) -> Iterator[tuple[str, Value]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield from _defaults(child.args, f"{scope}.{name}")
                yield from _within(child, f"{scope}.{name}")
            case ast.ClassDef(name=name):
                yield from _in(child, path, f"{scope}.{name}")
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                span = _span(name, value)
                if span is None and _NAME.search(name) and scope == path.stem:
                    # made of other constants
                    span = getattr(import_module(_module(path)), name)
                if span:
                    yield f"{scope}.{name}", span


def _defaults(arguments: ast.arguments, scope: str) -> Iterator[tuple[str, Value]]:
    by_place = [*arguments.posonlyargs, *arguments.args][-len(arguments.defaults) :]
    pairs = [
        *zip(by_place, arguments.defaults, strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if default is not None and (span := _span(argument.arg, default)):
            yield f"{scope}.{argument.arg}", span


def _within(
    function: ast.FunctionDef | ast.AsyncFunctionDef, scope: str
) -> Iterator[tuple[str, Value]]:
    for node in (one for part in function.body for one in ast.walk(part)):
        if not isinstance(node, ast.Call):
            continue
        if span := _span("", node):
            yield f"{scope}:timedelta", span
        called = ast.unparse(node.func)
        yield from ((f"{scope}:{name}", number) for name, number in _literal(called, node))
        if called == _RETRIES:
            for keyword in node.keywords:
                if isinstance(keyword.value, ast.Constant):
                    yield f"{scope}:{keyword.arg}", keyword.value.value  # type: ignore[misc]


def _literal(called: str, call: ast.Call) -> Iterator[tuple[str, float]]:
    """Yield the spans that stand as numbers in a call that waits, each with a name."""
    named = [(one.arg or "", one.value) for one in call.keywords if called in _LIMITS]
    place = _WAITS.get(called, len(call.args))
    for name, value in [*((called, one) for one in call.args[place : place + 1]), *named]:
        match value:
            case ast.Constant(value=int() | float() as number) if number:
                yield name.rpartition(".")[2], number


def _span(name: str, value: ast.expr) -> Value | None:
    """Return a literal span, None for anything else."""
    match value:
        case ast.Call(func=ast.Name(id="timedelta"), args=[], keywords=keywords):
            try:
                return timedelta(**{str(one.arg): ast.literal_eval(one.value) for one in keywords})
            except ValueError:
                return None
    if not _NAME.search(name):
        return None
    try:
        literal = ast.literal_eval(value)
    except ValueError:
        return None
    return literal if isinstance(literal, float | int | tuple) else None
