"""waystation backup and restore."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.store.sqlite.serving import serving


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    here = {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}
    assert run("users", "add", "--email", "a@example.org", environment=here).exit_code == 0
    return here


def emails(environment: dict[str, str]) -> list[str]:
    return [one["email"] for one in run("users", "list", "--json", environment=environment).json]


def test_a_backup_is_written_beside_the_database_and_put_back(
    environment: dict[str, str], tmp_path: Path
) -> None:
    made = run("backup", "--json", environment=environment).json
    assert Path(made["backup"]).parent == tmp_path / "data" / "backups"
    assert (made["users"], made["jobs"], made["open_jobs"]) == (1, 0, 0)
    assert made["bytes"] == Path(made["backup"]).stat().st_size
    run("users", "add", "--email", "b@example.org", environment=environment)
    ran = run("restore", made["backup"], "--yes", "--json", environment=environment)
    assert emails(environment) == ["a@example.org"]
    run("restore", ran.json["kept"], "--yes", environment=environment)
    assert emails(environment) == ["a@example.org", "b@example.org"]


def test_words_say_where_it_is_and_that_the_key_is_not_in_it(environment: dict[str, str]) -> None:
    ran = run("backup", "copy.db", environment=environment)
    assert ran.exit_code == 0
    assert ran.out.startswith("✓ copy.db: 1 users, 0 accounts, 0 jobs, ")
    assert "keep the key apart" in ran.out


def test_a_file_that_exists_is_not_written_over(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "copy.db").write_text("mine")
    ran = run("backup", "copy.db", environment=environment)
    assert ran.exit_code == 1 and "exists" in ran.err
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_a_directory_that_cannot_be_written_is_named(environment: dict[str, str]) -> None:
    ran = run("backup", "/proc/waystation/copy.db", environment=environment)
    assert ran.exit_code == 2 and "/proc/waystation" in ran.err


def test_without_a_database_there_is_nothing_to_copy(tmp_path: Path) -> None:
    ran = run("backup", environment={"WAYSTATION_DATA_DIR": str(tmp_path / "none")})
    assert ran.exit_code == 2 and "There is no database" in ran.err


def test_a_person_is_asked_and_nobody_is_not(environment: dict[str, str]) -> None:
    run("backup", "copy.db", environment=environment)
    ran = run("restore", "copy.db", environment=environment)
    assert ran.exit_code == 2 and "--yes" in ran.err


def test_another_key_is_told_before_anything_changes(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run("backup", "copy.db", environment=environment)
    other = {"WAYSTATION_DATA_DIR": str(tmp_path / "other")}
    run("users", "add", "--email", "c@example.org", environment=other)
    ran = run("restore", "copy.db", "--yes", environment=other)
    assert ran.exit_code == 2 and "key" in ran.err
    assert emails(other) == ["c@example.org"]


def test_a_running_service_keeps_its_database(environment: dict[str, str], tmp_path: Path) -> None:
    run("backup", "copy.db", environment=environment)
    handle = serving(tmp_path / "data" / "waystation.db")
    try:
        ran = run("restore", "copy.db", "--yes", environment=environment)
    finally:
        os.close(handle)
    assert ran.exit_code == 1 and "Stop the service" in ran.err


def test_a_file_that_is_no_backup_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "diary").write_text("a diary, not a database\n" * 200)
    ran = run("restore", "diary", "--yes", environment=environment)
    assert ran.exit_code == 1 and "is no database of Waystation's" in ran.err
