"""Where the commands find the service, and who they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.run import run
from waystation.cli.remote import service_url
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
