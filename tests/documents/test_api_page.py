"""docs/api.md shows each route with its fields, an example and its errors."""

from __future__ import annotations

import re

import pytest

from tests.documents import api_page as page
from tests.documents.api_page import anchor, api_page, cut, shown
from tests.e2e.captured import read
from waystation.api.operations import OPERATIONS
from waystation.api.sentences import SENTENCES
from waystation.midjourney.commands import COMMANDS
from waystation.sentences import GROUPS

PAGE = api_page()

SECTIONS = dict(re.findall(r"^###? ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
ERRORS = {anchor(heading) for heading in GROUPS.values()}
_LINK = re.compile(r"\]\(#([^)]+)\)")
ERROR = re.compile(r"^\| (`[^|]+`) \| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.M)


def test_fields_that_stand_in_for_each_other_are_marked_so() -> None:
    for verb, field, required in (
        ("describe", "`describeUrl`", "this or `describeFile`"),
        ("describe", "`describeFile` (file part)", "this or `describeUrl`"),
        ("blend", "`blendUrls`", "this or parts `blendFile_1` to `blendFile_5`, or both"),
        ("blend", "`blendFile_1` (file part)", "no"),
    ):
        assert f"| {field} | {required} | " in SECTIONS[f"`POST /v2/jobs/{verb}`"]


def test_no_required_field_that_a_part_can_stand_in_for_says_yes() -> None:
    for row in OPERATIONS.values():
        parts = any(field.part for field in row.body or ())
        assert not parts or not any(field.required and not field.either for field in row.body or ())


def test_each_route_shows_its_example_and_links_to_its_errors() -> None:
    for route, row in OPERATIONS.items():
        section = SECTIONS[f"`{shown(route)}`"]
        example = read()[route]
        assert f"```http\n{route.partition(' ')[0]} {example['path']}" in section
        assert f"\nanswers {example['status']}" in section
        linked = section
        if "(#errors-of-all-verbs)" in section:
            assert row.makes_job
            linked += SECTIONS["Errors of all verbs"]
        assert {anchor(GROUPS[does]) for does in row.does} == {
            one for one in _LINK.findall(linked) if one in ERRORS
        }


def test_each_link_within_the_page_leads_to_a_heading() -> None:
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.M)}
    assert set(_LINK.findall(PAGE)) <= headings


def test_each_error_stands_in_the_table_of_what_the_path_does() -> None:
    assert set(GROUPS) == set(SENTENCES)
    for does, heading in GROUPS.items():
        told = {
            (text, status)
            for texts, status in ERROR.findall(SECTIONS[heading])
            for text in texts.replace("`", "").split("<br>")
        }
        assert told == {
            (row.text, "400; 412 on describe" if row.status is None else str(row.status))
            for row in SENTENCES[does]
        }


def test_an_own_status_is_412_on_describe_and_400_elsewhere() -> None:
    own = {verb: row.bad_input_status for verb, row in COMMANDS.items()}
    assert own.pop("describe") == 412
    assert set(own.values()) == {400}


def test_an_example_is_cut() -> None:
    assert cut(["a", "b", "c", "d"]) == ["a", "b", "…"]
    assert cut({"x": "y" * 200, "z": 1}) == {"x": "y" * 100 + "…", "z": 1}


def test_a_route_without_an_example_names_the_command_that_writes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "read", dict)
    with pytest.raises(KeyError, match="run `make examples`, then `make docs`"):
        api_page()
