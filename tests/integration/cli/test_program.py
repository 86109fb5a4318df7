"""The command line as a whole."""

from __future__ import annotations

import codecs
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.cli.exits import EXITS
from waystation.cli.job_view import labels
from waystation.cli.program import _legible


def test_help_lists_every_command_and_exit_code() -> None:
    shown = run("--help").out
    for name in ("serve", "demo", "info", "describe", "jobs", "accounts", "users", "doctor"):
        assert name in shown
    for code in EXITS:
        assert f" {code.value}  " in shown


def test_help_names_what_works_on_this_host() -> None:
    shown = " ".join(run("--help").out.split())
    assert "export, make-key, migrate, restore, restored and rotate-key work on this host" in shown


def test_version_is_the_packages() -> None:
    assert run("--version").out == f"waystation {version('waystation')}\n"


@pytest.mark.parametrize(
    "command",
    [
        *("users list", "users expire a@b.example --now", "users revoke 1", "users rotate 1"),
        *("users admin 1", "doctor", "rotate-key", "jobs list", "accounts list", "info"),
    ],
)
def test_a_command_in_the_wrong_place_makes_nothing_there_and_names_it(
    tmp_path: Path, command: str
) -> None:
    place = tmp_path / "elsewhere"
    environment = {
        "WAYSTATION_DATA_DIR": str(place),
        "WAYSTATION_DISCORD_URL": "http://127.0.0.1:9",
        "COLUMNS": "500",
    }
    ran = run(*command.split(), environment=environment)
    assert ran.exit_code != 0
    assert not place.exists()
    if command.split()[0] in ("users", "doctor", "rotate-key"):
        assert str(place) in ran.out + ran.err
        assert "WAYSTATION_DATA_DIR" in ran.out + ran.err


def test_an_unknown_command_is_wrong_usage() -> None:
    assert run("frobnicate").exit_code == 2


def test_a_terminal_with_ascii_alone_gets_signs_it_has() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "waystation", "accounts", "list"],
        capture_output=True,
        env={"LC_ALL": "C"},
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.startswith(b"x WAYSTATION_TOKEN is not set")


def test_labels_to_press_are_legible_in_ascii() -> None:
    codecs.register_error("legible", _legible)
    written = labels(["U1", "V1"]).replace("\N{NO-BREAK SPACE}", " ").encode("ascii", "legible")
    assert written == b"U1 | V1"


def test_help_imports_nothing_that_is_slow() -> None:
    slow = "aiohttp uvicorn starlette apsw cryptography PIL structlog asyncpg rich.progress"
    code = (
        "import sys; import waystation.cli; "
        f"print([name for name in '{slow}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
