"""Shared options are offered wherever they belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from waystation.cli.program import app


def leaves(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with its path."""
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, f"{path} {name}".strip())
    if not hasattr(command, "commands"):
        yield path, command


def test_every_command_can_answer_in_json() -> None:
    found = dict(leaves(typer.main.get_command(app)))
    assert len(found) >= 18
    without = [
        path
        for path, command in found.items()
        if not any("--json" in param.opts for param in command.params)
    ]
    assert without == []


def test_every_command_says_what_it_does_and_so_does_every_option() -> None:
    for path, command in leaves(typer.main.get_command(app)):
        assert command.help, path
        assert all(getattr(param, "help", "") for param in command.params), path


def test_commands_on_this_host_take_a_settings_file() -> None:
    found = dict(leaves(typer.main.get_command(app)))
    local = ["serve", "doctor", "migrate", *(path for path in found if path.startswith("users"))]
    for path in local:
        assert any("--config" in param.opts for param in found[path].params), path
