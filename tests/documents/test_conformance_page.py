"""docs/conformance.md has a proof for each route, field, button and error."""

from __future__ import annotations

import re

from tests.documents.api_page import shown as shown_route
from tests.documents.conformance_page import conformance_page
from tests.documents.coverage import UNPROVED
from waystation.api.openapi import document
from waystation.api.operations import OPERATIONS
from waystation.api.sentences import SENTENCES
from waystation.midjourney.buttons import BUTTONS

PAGE = conformance_page()


def test_a_title_of_the_bot_is_proved_by_an_answer_with_its_status_and_words() -> None:
    """A test that only holds the words can say that they mean nothing, or that they are ours."""
    lines = [one for one in PAGE.splitlines() if one.startswith("| asks the bot | ")]
    proofs = {tuple(line.split(" | ")[1:3]): line for line in lines}
    # the one row that no fault answers: a title that begins with "Invalid" and is not known
    complaint = proofs.pop(("400", "`<title>`"))
    assert "test_an_unknown_complaint_of_the_input_is_the_callers" in complaint
    assert len(proofs) == len(lines) - 1
    answered = "test_faults.py::test_a_fault_leads_to_what_is_expected_and_to_nothing_else["
    assert [one for one in proofs.values() if answered not in one] == []
    for status, title, case in (
        ("596", "`Blocked`", "blocked"),
        ("502", "`Internal error`", "internal_error"),
        ("502", "`Bad response`", "bad_response"),
    ):
        assert f"[{case}-describe]" in proofs[status, title]


def test_each_row_of_the_tables_is_on_the_page() -> None:
    form = document()["components"]["schemas"]["JobForm"]["properties"]
    names = [*(shown_route(route) for route in OPERATIONS), *form, *BUTTONS]
    for name in names:
        assert f"\n| `{name}` | " in PAGE
    for does, rows in SENTENCES.items():
        for row in rows:
            status = "own" if row.status is None else row.status
            assert f"\n| {does} | {status} | `{row.text}` | " in PAGE


def test_each_field_of_a_route_is_in_its_row() -> None:
    rows = dict(re.findall(r"^\| `((?:GET|POST|DELETE) [^`]+)` \| [^|]+ \| ([^|]*) \|", PAGE, re.M))
    for route, row in OPERATIONS.items():
        shown = rows[shown_route(route)]
        assert shown.split(", ") == [
            f"`{one.name}`" for one in (*row.query, *(row.body or ()))
        ] or not (shown or row.query or row.body)


def test_no_page_proves_an_error() -> None:
    assert "tests/documents/" not in PAGE


def test_an_error_without_a_test_says_why() -> None:
    assert PAGE.count("| not said by a test: ") >= len(UNPROVED)
