"""waystation serve: what it hands to the service, and what it says when that is ready."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation import app
from waystation.errors import Conflict
from waystation.settings import Settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Settings]:
    """Replace the service by one that is ready at once, and stops at once."""
    found: list[Settings] = []

    async def serve(settings: Settings, *, ready: Callable[[str], None]) -> None:
        found.append(settings)
        ready(f"http://{settings.host}:{settings.port}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr("waystation.logs.configure", lambda level, style, for_good: None)
    return found


def test_flags_win_over_environment_over_file(served: list[Settings], tmp_path: Path) -> None:
    config = tmp_path / "w.toml"
    config.write_text('host = "127.0.0.2"\nport = 1\npacing_s = 7.0\n')
    environment = {"WAYSTATION_PORT": "2", "WAYSTATION_HOST": "127.0.0.3"}
    ran = run("serve", "--port", "3", "--config", str(config), environment=environment)
    assert ran.exit_code == 0
    assert ran.out == "Waystation listens on http://127.0.0.3:3\n"
    assert served[0].pacing_s == 7.0


def test_json_is_one_line_when_ready(served: list[Settings]) -> None:
    assert run("serve", "--host", "127.0.0.1", "--port", "0", "--json").json == {
        "url": "http://127.0.0.1:0"
    }


def test_settings_that_are_wrong_end_it_before_it_starts(served: list[Settings]) -> None:
    ran = run("serve", environment={"WAYSTATION_PACING_S": "soon"})
    assert ran.exit_code == 2 and "WAYSTATION_PACING_S" in ran.err
    assert run("serve", "--port", "70000").exit_code == 2
    assert served == []


def test_a_second_server_on_the_database_is_told_why(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(settings: Settings, *, ready: Callable[[str], None]) -> None:
        raise Conflict("Another process serves this database already.")

    monkeypatch.setattr(app, "serve", refuse)
    ran = run("serve")
    assert (ran.exit_code, ran.err) == (1, "✗ Another process serves this database already.\n")


def test_a_port_that_is_taken_names_the_option_that_chooses_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("serve", "--host", "127.0.0.1", "--port", str(port))
    assert ran.exit_code == 2
    assert ran.err.startswith(f"✗ Cannot listen on 127.0.0.1 port {port}: Address already in use. ")
    assert "--port" in ran.err and "WAYSTATION_PORT" in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize("host", ["a" * 70, "192.0.2.1"])
def test_an_address_that_this_host_does_not_have_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("serve", "--host", host, "--port", "0")
    assert ran.exit_code == 2 and "--host" in ran.err
    assert ran.err.startswith(f"✗ Cannot listen on {host} port 0: ")
