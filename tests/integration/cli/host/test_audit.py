"""waystation audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import build
from tests.build import replace
from tests.harness.command_line import run
from waystation.cli.host.audit import _details
from waystation.ports import AuditEntry


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    here = {"WAYSTATION_DATA_DIR": str(tmp_path)}
    for name in ("a", "b"):
        assert run("users", "add", "--email", f"{name}@example.org", environment=here).out
    assert run("users", "revoke", "2", environment=here).exit_code == 0
    return here


def test_changes_are_listed_newest_first(environment: dict[str, str]) -> None:
    found = run("audit", "--json", environment=environment).json
    assert [(one["by"], one["action"], one["user"]) for one in found] == [
        ("host", "token revoked", 2),
        ("host", "user added", 2),
        ("host", "user added", 1),
    ]
    lines = run("audit", "--limit", "1", environment=environment).out.splitlines()
    assert len(lines) == 2
    assert " ".join(lines[1].split()[2:]) == "host token revoked b@example.org"


def test_one_users_changes_are_found(environment: dict[str, str]) -> None:
    found = run("audit", "--user", "a@example.org", "--json", environment=environment).json
    assert [one["action"] for one in found] == ["user added"]
    assert run("audit", "--user", "c@example.org", environment=environment).exit_code == 8


def test_no_token_is_shown(environment: dict[str, str]) -> None:
    token = run("users", "rotate", "2", "--json", environment=environment).json["token"]
    assert token.split("-", 1)[1] not in run("audit", "--json", environment=environment).out


def test_repeated_changes_are_counted_in_their_line() -> None:
    entry = AuditEntry(1, build.later(), "user:1", "name changed", 1, "7", None, 1, build.later())
    assert _details(entry) == ""
    repeated = replace(entry, times=3, last_at=build.later(61))
    assert _details(repeated) == f"3 times, the last at {build.later(61):%H:%M:%S}"
    assert _details(replace(repeated, details="9")).startswith("9, 3 times")
