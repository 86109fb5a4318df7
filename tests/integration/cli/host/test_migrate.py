"""waystation migrate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.store.sqlite.migrate import migrations


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}


def test_a_new_database_is_made_and_a_second_run_does_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    newest = migrations()[-1].number
    path = str(tmp_path / "data" / "waystation.db")
    assert run("migrate", "--json", environment=environment).json == {
        "database": path,
        "from": 0,
        "to": newest,
        "backup": None,
    }
    again = run("migrate", environment=environment)
    assert (again.exit_code, again.out) == (0, f"✓ nothing to do: {path} has schema {newest}\n")


def test_a_new_database_is_told_in_words(environment: dict[str, str]) -> None:
    assert (
        f"schema 0 is now {migrations()[-1].number}" in run("migrate", environment=environment).out
    )


def test_a_file_that_is_no_database_is_refused_and_left_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "data" / "waystation.db"
    path.parent.mkdir()
    path.write_text("a diary, not a database\n" * 200)
    ran = run("migrate", "--json", environment=environment)
    assert ran.exit_code == 1
    assert "cannot be used" in ran.json["error"]
    assert path.read_text().startswith("a diary")


def test_a_newer_database_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    import apsw

    run("migrate", environment=environment)
    connection = apsw.Connection(str(tmp_path / "data" / "waystation.db"))
    connection.execute(
        "insert into migrations (number, name, applied_at) values (9999, 'later', 0)"
    )
    connection.close()
    ran = run("migrate", environment=environment)
    assert ran.exit_code == 2 and "9999" in ran.err


def test_an_older_database_is_backed_up_first(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from waystation.store.sqlite import migrate

    run("migrate", environment=environment)
    steps = migrations()
    script = "create table later (x integer) strict"
    later = migrate.Migration(steps[-1].number + 1, "later", script)
    monkeypatch.setattr(migrate, "migrations", lambda: (*steps, later))
    ran = run("migrate", "--json", environment=environment)
    assert ran.json["to"] == later.number
    assert Path(ran.json["backup"]).exists()
    assert "backup" not in run("migrate", environment=environment).out
