"""Fixtures of every test."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.harness import postgresql as throw_away

# no test is timed: how long an example takes, or its drawing, depends on how busy the machine is
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("untimed"), max_examples=20)
settings.load_profile("untimed")

# a setting of the shell that starts the tests is none of theirs: commands read the environment
for _name in [name for name in os.environ if name.startswith("WAYSTATION_")]:
    del os.environ[_name]

LONG = frozenset({"test_crash_matrix.py", "test_hostile.py", "test_kills.py"})
"""Files with tests of a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first: one that begins last would keep the other workers waiting."""
    items.sort(key=lambda one: one.path.name not in LONG and not one.get_closest_marker("slow"))


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Give the process its logging back: commands run in-process configure it for themselves."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # structlog's own tracebacks show every local, which takes seconds and holds up the loop
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[throw_away.Cluster]:
    """A server for all tests that need one."""
    with throw_away.cluster() as started:
        yield started


@pytest.fixture
def postgresql_database(postgresql: throw_away.Cluster) -> Iterator[str]:
    """A new, empty database on it, by name."""
    with throw_away.put_away(postgresql) as name:
        yield name
