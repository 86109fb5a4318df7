"""The checks in their order, and what a broken one leaves to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.cli.doctor.examination import Result, examine
from waystation.settings import Settings, load

NOWHERE = "http://127.0.0.1:9"
"""Port 9 (discard) of loopback: nothing listens there."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(
        environ={
            "WAYSTATION_DATA_DIR": str(tmp_path / "data"),
            "WAYSTATION_DISCORD_URL": NOWHERE,
        }
    )


async def results(settings: Settings) -> dict[str, list[str]]:
    found: list[Result] = [result async for result in examine(settings)]
    return {title: [finding.level for finding in findings] for title, findings in found}


async def test_a_host_where_nothing_is_set_up_is_looked_at_to_the_end(settings: Settings) -> None:
    found = await results(settings)
    assert found == {
        "settings": ["warning"],
        "database": ["warning"],
        "copies": ["ok"],
        "traces": ["ok"],
        "mail": ["warning"],
        "Discord": ["error"],
        "clock": ["warning"],
    }
    assert not settings.data_dir.exists()


def test_a_host_with_a_user_has_key_users_and_accounts_looked_at(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {
        "WAYSTATION_DATA_DIR": str(settings.data_dir),
        "WAYSTATION_DISCORD_URL": NOWHERE,
    }
    run("users", "add", "--email", "ada@example.org", environment=environment)
    found = run("doctor", "--json", environment=environment).json["findings"]
    levels = {finding["check"]: finding["level"] for finding in found}
    assert list(levels) == [
        *("settings", "database", "key", "users"),
        *("copies", "traces", "mail", "Discord", "clock", "accounts"),
    ]
    assert (levels["key"], levels["users"], levels["accounts"]) == ("ok", "ok", "warning")

    (settings.data_dir / "keys.json").unlink()
    found = run("doctor", "--json", environment=environment).json["findings"]
    by_check = {finding["check"]: finding for finding in found}
    assert by_check["key"]["level"] == "error" and "Put the file back" in by_check["key"]["mend"]
    assert "is missing" in by_check["key"]["what"]
    assert "accounts" not in by_check and "users" not in by_check
    assert not (settings.data_dir / "keys.json").exists()
