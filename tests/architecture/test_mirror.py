"""The test of `a/b.py` is `tests/unit/a/test_b.py`."""

from __future__ import annotations

import pytest

from tests.architecture.tree import ROOT, modules

_UNIT = ROOT / "tests" / "unit"

ELSEWHERE = {
    "app/": "joins everything; every test of tests/e2e starts it",
    "engine/account/adapters.py": "what an owner is given; tests/unit/engine/desk.py makes it",
    "engine/request.py": "a value; tests/unit/engine/test_service.py asks with it",
    "ports/": "protocols and plain values; tests/conformance holds their adapters to them",
    "samples/draw.py": "draws the shipped sample once; the picture is what is tested",
}
"""Modules without a unit test of their own, and why."""


def _tested(path: str) -> list[str]:
    folder, _, name = path.rpartition("/")
    return [f"{folder}/test_{name}".lstrip("/")]


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in modules()
        if not path.startswith(tuple(ELSEWHERE))
        and not path.endswith(("__init__.py", "__main__.py"))
    ],
)
def test_a_module_has_its_unit_test(path: str) -> None:
    (test,) = _tested(path)
    assert (_UNIT / test).is_file(), f"tests/unit/{test} is missing"


def test_the_exceptions_are_few_and_real() -> None:
    assert len(ELSEWHERE) < 8
    assert all(any(path.startswith(one) for path in modules()) for one in ELSEWHERE)
    for path in modules():
        if not path.startswith(tuple(ELSEWHERE)):
            continue
        assert not (_UNIT / _tested(path)[0]).exists(), f"{path} is no exception any more"
