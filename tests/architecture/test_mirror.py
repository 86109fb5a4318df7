"""The test of `a/b.py` is `tests/unit/a/test_b.py`, or `tests/integration/a/test_b.py`."""

from __future__ import annotations

from tests.architecture.tree import ROOT, modules

_PLACES = ("unit", "integration")

ELSEWHERE = {
    **{
        f"app/{name}.py": "joins everything; every test of tests/e2e starts it"
        for name in ("memory", "parts", "pooling", "running")
    },
    "engine/account/adapters.py": "what an owner is given; tests/harness/desk.py makes it",
    "ports/": "protocols and plain values; tests/conformance holds their adapters to them",
    "store/transactions/database.py": "protocols; each database is held to them",
    "store/transactions/store.py": "tests/conformance holds the stores made of it to the port",
    "samples/draw.py": "draws the shipped sample once; the picture is what is tested",
}
"""Modules without a test of their own, and why."""


def _tests(path: str) -> list[str]:
    """Return the places in which there is a test of a module."""
    folder, _, name = path.rpartition("/")
    test = f"{folder}/test_{name}".lstrip("/")
    return [place for place in _PLACES if (ROOT / "tests" / place / test).is_file()]


def _is_mirrored(path: str) -> bool:
    return not path.startswith(tuple(ELSEWHERE)) and not path.endswith(
        ("__init__.py", "__main__.py")
    )


def test_a_module_has_its_test() -> None:
    assert [path for path in modules() if _is_mirrored(path) and not _tests(path)] == []


def test_a_module_is_tested_in_one_place() -> None:
    assert [path for path in modules() if len(_tests(path)) > 1] == []


def test_the_exceptions_are_few_and_real() -> None:
    assert len(ELSEWHERE) < 12
    assert all(any(path.startswith(one) for path in modules()) for one in ELSEWHERE)
    excepted = [path for path in modules() if path.startswith(tuple(ELSEWHERE))]
    assert [path for path in excepted if _tests(path)] == []
