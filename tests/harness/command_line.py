"""Runs the command line in this process, against a client that answers as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from waystation.cli.program import app

__all__ = ["FakeClient", "Ran", "answer_with", "run"]

_command = cache(get_command)
"""Typer's own `invoke` makes the whole command anew each time, which takes 50 ms."""


@dataclass(frozen=True)
class Ran:
    """The outcome of one command."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


def run(*arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> Ran:
    """Run `waystation` with these arguments; an exception that it lets through fails the test."""
    with patch.object(testing, "_get_command", _command):
        result = CliRunner().invoke(app, list(arguments), input=stdin, env=dict(environment or {}))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


@dataclass
class FakeClient:
    """A `Client` whose every call returns the next of `answers`, or raises it."""

    answers: list[object]
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def answer_with(monkeypatch: pytest.MonkeyPatch, *answers: object) -> FakeClient:
    """Let every command that asks a service get these answers, in order."""
    client = FakeClient(list(answers))
    for module in ("accounts", "callbacks", "jobs", "media", "submit"):
        monkeypatch.setattr(
            f"waystation.cli.{module}.ask", lambda call, **_: asyncio.run(call(client))
        )
    return client
