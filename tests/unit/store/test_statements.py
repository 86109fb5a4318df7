from __future__ import annotations

import re

import pytest

from waystation.store.postgresql.database import queries
from waystation.store.sqlite.database import queries as sqlite_queries
from waystation.store.statements import parse_queries, with_columns

ON_SQLITE_ALONE = {
    "begin": "its reader's",
    "commit": "its reader's",
    "accounts_version": "what is read in the event loop's thread is kept decoded",
}
ON_POSTGRESQL_ALONE = {
    "lock_users": "there is no single writer",
    "lock_accounts": "likewise",
    "latest_lease": "no lock of the operating system tells that a process has ended",
    "database_time": "SQLite has the clock of its one process",
}
VALUES_ON_SQLITE_ALONE = {
    "find_texts": {"match"},
    "find_rare_texts": {"match", "text"},
    "is_rare_text": {"matches", "least", "below"},
}
"""The index of its full-text search is asked by trigrams."""


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


def test_a_mark_stands_for_the_columns_of_a_table() -> None:
    found = with_columns("select {mail_columns} {audit_columns}")
    assert found.startswith("select {mail_columns} number, at, by, ")


def test_a_server_goes_by_its_own_clock() -> None:
    assert with_columns("select {clock}", "now()") == "select now()"
    assert "clock_timestamp()" in queries()["renew_node"].text
    assert all("clock" not in one.names for one in queries().values())
    assert ":clock" in sqlite_queries()["renew_node"]


def test_both_databases_have_the_same_queries() -> None:
    ours, theirs = set(queries()), set(sqlite_queries())
    assert theirs - ours == set(ON_SQLITE_ALONE)
    assert ours - theirs == set(ON_POSTGRESQL_ALONE)


def test_a_query_takes_the_same_values_on_both_databases() -> None:
    found = {
        name: (set(re.findall(r":([a-z_]\w*)", text)) - {"clock"}, set(queries()[name].names))
        for name, text in sqlite_queries().items()
        if name in queries()
    }
    assert {name: theirs - ours for name, (theirs, ours) in found.items() if theirs != ours} == (
        VALUES_ON_SQLITE_ALONE
    )
