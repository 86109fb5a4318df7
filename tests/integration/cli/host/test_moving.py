"""waystation migrate --to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness.command_line import run
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.store.sqlite.serving import serving

pytestmark = needs_postgresql

Environment = dict[str, str]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}
    added = run("users", "add", "--email", "ada@example.org", environment=made)
    assert added.exit_code == 0
    return made


@pytest.fixture
def url(postgresql: Cluster, postgresql_database: str) -> str:
    return postgresql.pooled_url(postgresql_database)


def test_an_installation_is_moved_and_each_table_is_named(
    environment: Environment, url: str, tmp_path: Path
) -> None:
    ran = run("migrate", "--to", url, environment=environment)
    assert ran.exit_code == 0, ran.err
    assert "were compared" in ran.out and "job_input_parts" in ran.out
    assert "keys.json" in ran.out and "WAYSTATION_DATABASE_URL" in ran.out
    moved = {**environment, "WAYSTATION_DATABASE_URL": url}
    users = run("users", "list", "--json", environment=moved).json
    assert [one["email"] for one in users] == ["ada@example.org"]
    # the key is the same: nobody's token changes
    assert run("users", "rotate", "ada@example.org", environment=moved).exit_code == 0
    left = run("users", "list", environment=environment)
    assert left.exit_code == 1 and "was moved to" in left.err
    again = run("migrate", "--to", url, environment=environment)
    assert again.exit_code == 1 and "not empty" in again.err


def test_sums_are_told_as_json(environment: Environment, url: str, tmp_path: Path) -> None:
    found = run("migrate", "--to", url, "--json", environment=environment).json
    assert found["from"] == str(tmp_path / "data" / "waystation.db")
    assert found["tables"]["users"]["rows"] == 1
    assert len(found["tables"]["users"]["checksum"]) == 16
    assert found["tables"]["jobs"] == {"rows": 0, "checksum": "0" * 16}


def test_a_service_that_runs_stops_the_move(
    environment: Environment, url: str, tmp_path: Path
) -> None:
    handle = serving(tmp_path / "data" / "waystation.db")
    ran = run("migrate", "--to", url, environment=environment)
    os.close(handle)
    assert ran.exit_code == 1 and "Stop the service" in ran.err


def test_another_key_stops_the_move(environment: Environment, url: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "keys.json").unlink()
    ran = run("migrate", "--to", url, environment=environment)
    assert ran.exit_code == 2 and "keys.json is missing" in " ".join(ran.err.split())
    assert (
        run("migrate", environment={**environment, "WAYSTATION_DATABASE_URL": url}).exit_code == 0
    )


@pytest.mark.parametrize("to", ["sqlite:///x.db", "mysql://x/y"])
def test_a_target_of_another_kind_is_refused(environment: Environment, to: str) -> None:
    ran = run("migrate", "--to", to, environment=environment)
    assert ran.exit_code == 2 and "--to names no PostgreSQL database" in ran.err


def test_a_source_on_postgresql_and_one_that_is_not_there_are_refused(
    environment: Environment, url: str, tmp_path: Path
) -> None:
    there = {**environment, "WAYSTATION_DATABASE_URL": url}
    ran = run("migrate", "--to", url, environment=there)
    assert ran.exit_code == 2 and "moves a SQLite file" in ran.err
    nowhere = {"WAYSTATION_DATA_DIR": str(tmp_path / "nowhere")}
    ran = run("migrate", "--to", url, environment=nowhere)
    assert ran.exit_code == 2 and "There is no database" in ran.err
    assert not (tmp_path / "nowhere").exists()


def test_a_server_that_is_away_leaves_the_source_as_it_was(
    environment: Environment, tmp_path: Path
) -> None:
    ran = run("migrate", "--to", f"postgresql:///x?host={tmp_path}", environment=environment)
    assert ran.exit_code == 1 and "cannot be reached" in " ".join(ran.err.split())
    assert run("users", "list", environment=environment).exit_code == 0


def test_a_file_that_is_no_database_is_told(
    environment: Environment, url: str, tmp_path: Path
) -> None:
    (tmp_path / "data" / "waystation.db").write_text("a diary\n" * 2000)
    ran = run("migrate", "--to", url, environment=environment)
    assert ran.exit_code == 1 and "cannot be moved" in ran.err
