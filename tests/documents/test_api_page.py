"""docs/api.md says of a picture's fields that one of them is enough."""

from __future__ import annotations

from tests.documents.api_page import api_page
from waystation.api.operations import OPERATIONS


def test_fields_that_stand_in_for_each_other_are_marked_so() -> None:
    lines = api_page().splitlines()
    for field, required in (
        ("`describeUrl`", "this or `describeFile`"),
        ("`describeFile` (file part)", "this or `describeUrl`"),
        ("`blendUrls`", "this or parts `blendFile_1` to `blendFile_5`, or both"),
        ("`blendFile_1` (file part)", "no"),
    ):
        [line] = [
            one
            for one in lines
            if one.startswith(f"| {field} | ") and "*run*" in one and "as sent" not in one
        ]
        assert line.split(" | ")[1] == required


def test_no_required_field_that_a_part_can_stand_in_for_says_yes() -> None:
    for row in OPERATIONS.values():
        parts = any(field.part for field in row.body or ())
        assert not parts or not any(field.required and not field.either for field in row.body or ())


def test_what_the_bot_says_is_proved_by_an_answer_with_its_status_and_words() -> None:
    """A test that only holds the words can say that they mean nothing, or that they are ours."""
    lines = [one for one in api_page().splitlines() if one.startswith("| asks the bot | ")]
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
