"""A default of a setting stands in its row: the parameter that it fills has no other one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tests.architecture.tree import PACKAGE, modules

_OFF = ("", (), None)
"""Defaults that repeat no number: they leave a thing out."""


def test_a_parameter_that_a_setting_fills_has_no_default() -> None:
    filled = {place: default for path in modules() for place, default in _filled(path)}
    assert len(filled) > 25
    assert {place: default for place, default in filled.items() if default not in _OFF} == {}


def _filled(path: str) -> Iterator[tuple[str, object]]:
    """Yield the parameters of ours that a module fills from a setting, with their defaults."""
    text = (PACKAGE / path).read_text()
    if "settings." not in text:
        return
    module = import_module(f"waystation.{path.removesuffix('.py').replace('/', '.')}")
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        called = _called(call, vars(module))
        if called is None:
            continue
        parameters = inspect.signature(called).parameters
        given = [*zip(parameters, call.args, strict=False)]
        given += [(str(keyword.arg), keyword.value) for keyword in call.keywords]
        for name, value in given:
            if "settings." in ast.unparse(value):
                default = parameters[name].default
                place = f"{called.__module__}.{called.__qualname__}.{name}"
                yield place, None if default is inspect.Parameter.empty else default


def _called(call: ast.Call, names: dict[str, Any]) -> Any:
    """Return the function or class of ours that is called, None for anything else."""
    first, *rest = ast.unparse(call.func).split(".")
    found = names.get(first)
    for name in rest:
        found = getattr(found, name, None)
    ours = str(getattr(found, "__module__", "")).startswith("waystation.")
    return found if ours and callable(found) and not inspect.ismodule(found) else None
