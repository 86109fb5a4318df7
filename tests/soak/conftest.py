"""The long runs: only with `-m soak`, as `make soak` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import install

__all__ = ["install"]

_HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: takes minutes; run by `make soak`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = "soak" in str(config.getoption("markexpr"))
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.soak)
            if not wanted:
                item.add_marker(pytest.mark.skip(reason="a long run; see `make soak`"))
