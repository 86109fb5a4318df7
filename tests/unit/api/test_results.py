from __future__ import annotations

import ast
import inspect
from typing import Any

import msgspec
import pytest

from waystation.api.results import RESULTS, InfoForm, SeedForm, SettingsForm
from waystation.midjourney import results
from waystation.midjourney.results import seed_result

SOURCE = {
    node.value
    for node in ast.walk(ast.parse(inspect.getsource(results)))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


@pytest.mark.parametrize("form", [InfoForm, SettingsForm])
def test_a_form_has_no_field_that_no_reader_fills(form: Any) -> None:
    for field in msgspec.structs.fields(form):
        assert field.encode_name in SOURCE, field.encode_name


def test_every_result_that_is_read_has_its_form() -> None:
    assert set(RESULTS) <= SOURCE
    said = "**Job ID**: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n**seed** 4711"
    assert msgspec.convert(seed_result(said)["seed"], SeedForm).value == 4711
