from __future__ import annotations

import re

import apsw
import pytest

from tests import build
from waystation.store.sqlite.database import (
    KEPT_PAGES_KIB,
    Database,
    connect,
    queries,
)
from waystation.store.sqlite.migrate import migrate


def test_every_query_compiles_against_the_schema() -> None:
    connection = connect(":memory:")
    migrate(connection, build.later(), None)
    for name, statement in queries().items():
        assert "{" not in statement, name
        connection.execute(
            "explain " + statement, dict.fromkeys(_marks(statement), None)
        ).fetchall()


def test_no_query_reads_a_growing_table_from_end_to_end() -> None:
    connection = connect(":memory:")
    migrate(connection, build.later(), None)
    scan = re.compile(r"SCAN (jobs|job_events|callbacks|callback_attempts)$")
    for name, statement in queries().items():
        plan = connection.execute(
            "explain query plan " + statement, dict.fromkeys(_marks(statement), None)
        ).fetchall()
        scanned = [str(step[3]) for step in plan if scan.match(str(step[3]))]
        # Inserting a user plans a look for orphans of it, which runs only in a broken database.
        assert scanned == [] or name == "insert_user", name


def test_an_ordered_query_is_planned_once() -> None:
    connection = connect(":memory:")
    assert connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1) == 1


def test_a_reading_connection_cannot_write(tmp_path: object) -> None:
    path = f"{tmp_path}/w.db"
    writer = connect(path)
    migrate(writer, build.later(), None)
    reader = connect(path, read_only=True)
    with pytest.raises(apsw.ReadOnlyError):
        Database(reader).run("put_meta", {"name": "a", "value": 1})


@pytest.mark.parametrize("read_only", [False, True])
def test_a_connection_keeps_few_pages_in_memory(read_only: bool) -> None:
    connection = connect(":memory:", read_only=read_only)
    assert connection.pragma("cache_size") == -KEPT_PAGES_KIB == -1024


def test_a_durable_commit_is_asked_for(tmp_path: object) -> None:
    connection = connect(f"{tmp_path}/w.db")
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("foreign_keys") == 1


def test_a_value_that_is_not_given_is_an_error_not_null(database: Database) -> None:
    with pytest.raises((apsw.BindingsError, KeyError)):
        database.one("job", {})


def _marks(statement: str) -> list[str]:
    return re.findall(r":(\w+)", statement)


PLANS = {
    # a job is accepted: ghosts of a day are not walked through
    "room": ("jobs_slots (channel=? AND account_id=?)", "jobs_unfinished (account_id=?)"),
    "lane_holders": ("jobs_running (user_id=?)",),
    "slot_holders": ("jobs_running (user_id=?)",),
    "first_free_slot": ("jobs_slots (channel=? AND account_id=?)",),
    "first_end": ("jobs_running (user_id=?)",),
    "first_free_slot_of_user": ("jobs_slots (channel=? AND account_id=?)",),
    # one row per verb, however many jobs have completed
    "last_completed": ("jobs_completed (account_id=? AND verb=?)",),
    # several presses edit one message
    "last_shown": ("jobs_message (message_id=?)",),
    "next_due": ("callbacks_due", "mails_due"),
    "running_jobs": ("jobs_running (user_id=?)",),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_query_of_every_job_finds_its_rows_by_an_index(database: Database, name: str) -> None:
    plan = database.connection.execute(f"explain query plan {queries()[name]}", _Anything())
    steps = [str(step) for *_, step in plan.fetchall()]
    for index in PLANS[name]:
        assert any(index in step for step in steps), steps
    assert not [step for step in steps if step in ("SCAN jobs", "SCAN accounts")], steps


def test_how_many_jobs_are_where_is_read_from_counters(database: Database) -> None:
    plan = database.connection.execute(f"explain query plan {queries()['jobs_by_status']}")
    assert [step for *_, step in plan.fetchall()] == ["SCAN job_counts"]


class _Anything(dict[str, object]):
    """A value for every name."""

    def __missing__(self, name: str) -> object:
        return "[]"
