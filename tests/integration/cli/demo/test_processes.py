"""The demo's children."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from waystation.cli.demo import processes
from waystation.cli.demo.processes import Program as Child
from waystation.cli.demo.processes import finished, running
from waystation.errors import Unavailable

SERVES = """
import json, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("a line of its log", file=sys.stderr, flush=True)
print(json.dumps({"pid": os.getpid(), "environment": sorted(os.environ)}), flush=True)
signal.pause()
"""
STUBBORN = SERVES.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
ENDS = "import sys; sys.exit('it broke')"

Program = Callable[[str], tuple[dict[str, str], str]]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return what writes a module: the environment that finds it, and its name."""

    def write(text: str) -> tuple[dict[str, str], str]:
        (tmp_path / "child_of_the_demo.py").write_text(text)
        return {"PYTHONPATH": str(tmp_path)}, "child_of_the_demo"

    return write


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_child_runs_for_as_long_as_the_block(program: Program, tmp_path: Path) -> None:
    environment, name = program(SERVES)
    log = tmp_path / "log"
    async with running(log, environment, name) as line:
        assert alive(line["pid"])
    assert not alive(line["pid"])
    assert log.read_text() == "a line of its log\n"


async def test_a_child_that_was_killed_can_be_started_again(
    program: Program, tmp_path: Path
) -> None:
    environment, name = program(STUBBORN)
    child = Child(tmp_path / "log", environment, name)
    first = (await child.start())["pid"]
    await child.kill()
    assert not alive(first)
    await child.kill()  # it is gone
    second = (await child.start())["pid"]
    assert alive(second)
    await child.kill()
    await child.stop()
    # both have written to the one log
    assert (tmp_path / "log").read_text() == "a line of its log\n" * 2


async def test_a_child_sees_no_settings_of_the_person_who_runs_it(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYSTATION_DISCORD_URL", "https://example.org")
    environment, name = program(SERVES)
    async with running(tmp_path / "log", environment, name) as line:
        names = set(line["environment"])
    assert "PYTHONPATH" in names and "WAYSTATION_DISCORD_URL" not in names


async def test_a_child_that_does_not_stop_is_killed(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_STOPPED_WITHIN_S", 0.05)
    environment, name = program(STUBBORN)
    async with running(tmp_path / "log", environment, name) as line:
        pass
    assert not alive(line["pid"])


async def test_a_child_that_breaks_says_why(program: Program, tmp_path: Path) -> None:
    environment, name = program(ENDS)
    with pytest.raises(Unavailable, match="did not start") as caught:
        async with running(tmp_path / "log", environment, name):
            raise AssertionError("it never was ready")
    assert caught.value.details == "it broke"


async def test_a_command_returns_the_json_that_it_printed(program: Program) -> None:
    environment, name = program("import json, sys; print(json.dumps(sys.argv[1:]))")
    said: object = await finished(environment, name, "users", "add")
    assert said == ["users", "add"]


async def test_a_command_that_fails_says_why(program: Program) -> None:
    environment, name = program(ENDS)
    with pytest.raises(Unavailable) as caught:
        await finished(environment, name)
    assert caught.value.details == "it broke"
