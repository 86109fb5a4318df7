from __future__ import annotations

import pytest

from waystation.store.statements import parse_queries, with_columns


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
