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
