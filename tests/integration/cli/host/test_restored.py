"""waystation restored."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from tests.harness.command_line import run
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.store.sqlite.serving import serving

Environment = dict[str, str]


def _on_postgresql(test: Callable[..., None]) -> Callable[..., None]:
    for mark in needs_postgresql:
        test = mark(test)
    return test


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}
    run("users", "add", "--email", "ada@example.org", environment=made)
    return made


def test_a_file_is_declared_a_copy(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "data" / "waystation.db"
    ran = run("restored", "--yes", "--json", environment=environment)
    assert (ran.exit_code, ran.json) == (0, {"database": str(path)})
    connection = apsw.Connection(str(path))
    mark = "select value from meta where name = 'restored'"
    assert connection.execute(mark).fetchall() == [(0,)]
    # the next command raises the epochs, and the next start ends the jobs
    assert run("users", "list", environment=environment).exit_code == 0
    assert connection.execute(mark).fetchall() == [(1,)]
    connection.close()


def test_a_served_file_and_one_that_is_not_there_are_refused(
    environment: Environment, tmp_path: Path
) -> None:
    handle = serving(tmp_path / "data" / "waystation.db")
    ran = run("restored", "--yes", environment=environment)
    os.close(handle)
    assert ran.exit_code == 1 and "Stop the service" in ran.err
    nowhere = {"WAYSTATION_DATA_DIR": str(tmp_path / "nowhere")}
    ran = run("restored", "--yes", environment=nowhere)
    assert ran.exit_code == 2 and "There is no database" in ran.err


def test_a_question_is_asked_first(environment: Environment) -> None:
    ran = run("restored", environment=environment)
    assert ran.exit_code == 2 and "--yes" in ran.err


def test_a_file_that_is_no_database_is_told(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "data" / "waystation.db").write_text("a diary\n" * 2000)
    ran = run("restored", "--yes", environment=environment)
    assert ran.exit_code == 1 and "cannot be used" in ran.err


@_on_postgresql
def test_a_file_that_was_moved_is_used_again(
    environment: Environment, postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)
    assert run("migrate", "--to", url, environment=environment).exit_code == 0
    assert run("users", "list", environment=environment).exit_code == 1
    assert run("restored", "--yes", environment=environment).exit_code == 0
    assert run("users", "list", environment=environment).exit_code == 0


@_on_postgresql
def test_a_database_on_a_server_is_declared_a_copy(
    environment: Environment, postgresql: Cluster, postgresql_database: str
) -> None:
    there = {**environment, "WAYSTATION_DATABASE_URL": postgresql.pooled_url(postgresql_database)}
    empty = run("restored", "--yes", environment=there)
    assert empty.exit_code == 1 and "is empty" in empty.err
    assert run("migrate", environment=there).exit_code == 0
    lease = (
        "insert into nodes (node_id, name, began_at, lease_until)"
        " values ('n', 'desk', 0, (extract(epoch from now()) * 1e6)::bigint + {})"
    )
    postgresql.say(lease.format(30_000_000), postgresql_database)
    served = run("restored", "--yes", environment=there)
    assert served.exit_code == 1 and "Stop the service" in served.err
    postgresql.say("delete from nodes", postgresql_database)
    assert run("restored", "--yes", environment=there).exit_code == 0
    mark = "select value from meta where name = 'restored'"
    assert postgresql.say(mark, postgresql_database) == "0"
    assert run("users", "list", environment=there).exit_code == 0
    assert postgresql.say(mark, postgresql_database) == "1"
