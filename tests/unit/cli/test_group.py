"""Wrong usage in JSON, and flags as the help shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tests.harness.command_line import run
from waystation.cli.program import app


@pytest.mark.parametrize(
    "arguments",
    ["frobnicate", "users expire", "users list --frob", "describe x --max-jobs 99", "users"],
)
def test_wrong_usage_is_one_object_in_json(arguments: str) -> None:
    ran = run(*arguments.split(), "--json")
    assert (ran.exit_code, ran.json["code"]) == (2, 400)


def test_flags_have_no_type_in_the_help() -> None:
    for command in ("", "users expire", "accounts remove", "demo", "users"):
        shown = run(*command.split(), "--help")
        assert shown.exit_code == 0 and "bool" not in shown.out


@pytest.mark.parametrize("ended", [typer.Abort(), typer.Exit(7)])
def test_an_end_outside_of_a_command_keeps_its_code(
    monkeypatch: pytest.MonkeyPatch, ended: RuntimeError
) -> None:
    def stop(as_json: bool) -> None:
        raise ended

    monkeypatch.setattr("waystation.cli.jobs.opened", stop)
    ran = run("jobs", "list", "--json")
    if isinstance(ended, typer.Abort):
        assert (ran.exit_code, ran.json) == (130, {"error": "stopped"})
    else:
        assert (ran.exit_code, ran.out) == (7, "")


@pytest.mark.parametrize("flags", ["", " --json"])
@pytest.mark.parametrize(
    "arguments",
    ["{}", "accounts {}", "accounts reset {}", "accounts list {}", "jobs cancel 1 {}", "info {}"],
)
@pytest.mark.parametrize(
    "token",
    ["MTAwMDAwMDAwMDAwMDAwMDAx.GabcdE.abcdefghijklmnopqrstuvwxyz01", "user:1-abcdefghijklmnopqrst"],
)
def test_wrong_usage_never_repeats_a_token(arguments: str, token: str, flags: str) -> None:
    ran = run(*(arguments + flags).format(token).split())
    assert ran.exit_code == 2
    assert token[-20:] not in ran.out + ran.err


def test_options_and_arguments_are_named_by_what_they_take() -> None:
    command = typer.main.get_command(app)
    names = ["", *_names(command, "")]
    assert len(names) > 40
    for name in names:
        shown = run(*name.split(), "--help").out
        options = [line for line in shown.splitlines() if re.match(r"│ (\* )?\s+--|│ --", line)]
        assert not any(re.search(r" <\w| TEXT\.\.\.", line) for line in options), name
        assert "...}" not in shown, name


def _names(group: Any, before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        yield f"{before}{name}"
        if hasattr(command, "commands"):
            yield from _names(command, f"{before}{name} ")
