"""Where the commands find the service, and who they are there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.cli import remote
from waystation.cli.remote import service_url
from waystation.client import Client
from waystation.settings import load


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"WAYSTATION_PORT": "9090"}, "http://127.0.0.1:9090"),
        ({"WAYSTATION_PORT": "0"}, "http://127.0.0.1:8080"),
        (
            {"WAYSTATION_PORT": "9090", "WAYSTATION_URL": "https://example.org/"},
            "https://example.org",
        ),
    ],
)
def test_the_service_is_where_the_url_says_else_on_this_host(
    environment: dict[str, str], url: str
) -> None:
    assert service_url(load(environ=environment)) == url


def test_without_a_token_the_mend_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("jobs", "list", environment={"WAYSTATION_TOKEN": ""})
    assert ran.exit_code == 4
    assert "WAYSTATION_TOKEN is not set" in ran.err and "users add" in ran.err


def test_a_service_that_is_not_there_has_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    # Port 9 (discard) of loopback: nothing listens there.
    environment = {"WAYSTATION_URL": "http://127.0.0.1:9", "WAYSTATION_TOKEN": "user:1-x"}
    ran = run("jobs", "list", "--json", environment=environment)
    assert ran.exit_code == 3
    assert ran.json["error"] == "http://127.0.0.1:9 cannot be reached: connection refused"


@pytest.mark.parametrize(("awaited", "told"), [("", "http://x to answer"), ("Discord", "Discord")])
def test_whoever_waits_is_told_for_what_and_how_long_at_most(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    awaited: str,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYSTATION_URL", "http://x")
    monkeypatch.setenv("WAYSTATION_TOKEN", "user:1-x")
    monkeypatch.setattr(remote, "_AT_ONCE_S", 0)
    said = ""

    async def slow(client: Client) -> str:
        nonlocal said
        async with asyncio.timeout(10):
            while not (said := said + capsys.readouterr().err):
                await asyncio.sleep(0)
        return "done"

    async def at_once(client: Client) -> str:
        return "done"

    assert remote.ask(slow, awaited=awaited) == "done"
    assert said == f"waits for {told}, at most 300 s\n"
    assert remote.ask(at_once, says=True) == "done"
    assert capsys.readouterr().err == ""
