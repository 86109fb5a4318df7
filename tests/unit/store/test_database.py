from __future__ import annotations

import apsw
import pytest

from tests import build
from waystation.store.database import Database, connect, parse_queries, queries
from waystation.store.migrate import migrate


def test_queries_are_split_at_their_headers() -> None:
    found = parse_queries(
        "-- about the file\n\n-- one: first\nselect 1;\n-- two: second\nselect\n  2;\n"
    )
    assert found == {"one": "select 1;", "two": "select\n  2;"}


@pytest.mark.parametrize(
    "text",
    ["-- one: a\nselect 1;\n-- one: b\nselect 2;", "-- one:\nselect 1;", "-- one: nothing\n"],
)
def test_a_query_file_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one"):
        parse_queries(text)


def test_every_query_compiles_against_the_schema() -> None:
    connection = connect(":memory:")
    migrate(connection, build.later(), None)
    for name, statement in queries().items():
        assert "{" not in statement, name
        connection.execute(
            "explain " + statement, dict.fromkeys(_marks(statement), None)
        ).fetchall()


def _marks(statement: str) -> list[str]:
    return [
        word.strip("(),;").removeprefix(":")
        for word in statement.replace("(", " ").split()
        if word.startswith(":")
    ]


def test_point_reads_and_claims_use_an_index() -> None:
    connection = connect(":memory:")
    migrate(connection, build.later(), None)
    database = Database(connection)
    for name in (
        "job", "job_of_user", "user_by_id", "running_jobs", "in_flight_jobs", "room",
        "events_after", "deliveries_of_job", "claim_deliveries", "next_due", "purge_jobs",
        "update_job", "orphaned_jobs",
    ):  # fmt: skip
        statement = queries()[name]
        plan = connection.execute(
            "explain query plan " + statement, dict.fromkeys(_marks(statement), None)
        ).fetchall()
        scanned = [str(step[3]) for step in plan if str(step[3]).startswith("SCAN")]
        full = [step for step in scanned if "USING" not in step and not step.startswith("SCAN (")]
        assert [step for step in full if " CONSTANT ROW" not in step] == [], name
    assert database.one("job", {"jobid": "none"}) is None


def test_a_reading_connection_cannot_write(tmp_path: object) -> None:
    path = f"{tmp_path}/w.db"
    writer = connect(path)
    migrate(writer, build.later(), None)
    reader = connect(path, read_only=True)
    with pytest.raises(apsw.ReadOnlyError):
        Database(reader).run("put_meta", {"name": "a", "value": 1})


def test_a_durable_commit_is_asked_for(tmp_path: object) -> None:
    connection = connect(f"{tmp_path}/w.db")
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("foreign_keys") == 1


def test_a_value_that_is_not_given_is_an_error_not_null(database: Database) -> None:
    with pytest.raises((apsw.BindingsError, KeyError)):
        database.one("job", {})
