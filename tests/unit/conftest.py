"""A unit test opens no socket, starts no process and keeps no database; tests/integration may."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import apsw
import pytest

_EVENTS = {"socket.bind", "socket.connect", "subprocess.Popen"}
_done: list[str] | None = None
"""Forbidden deeds of the running unit test; None between unit tests."""


def _note(event: str) -> None:
    if _done is not None:
        _done.append(event)
        raise RuntimeError(f"{event} in a unit test: move the test to tests/integration")


def _on_event(event: str, _arguments: object) -> None:
    if event in _EVENTS:
        _note(event)


sys.addaudithook(_on_event)
apsw.connection_hooks.append(lambda _connection: _note("a database"))


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Fail the test though what it tests bore the refusal."""
    global _done
    _done = []
    try:
        yield
        assert _done == []
    finally:
        _done = None
