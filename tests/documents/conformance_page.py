"""docs/conformance.md: each field, status and error of the API, with the test that proves it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.documents.api_page import shown as shown_route
from tests.documents.api_page import table
from tests.documents.coverage import UNPROVED, name_of, test_of_sentence
from tests.e2e.button_rows import PARENTS
from tests.e2e.unseen import ANY, UNSEEN, UNSEEN_FIELDS, UNSENT_FIELDS
from waystation.api.openapi import document
from waystation.api.operation import Operation
from waystation.api.operations import OPERATIONS
from waystation.api.sentences import SENTENCES
from waystation.midjourney.buttons import BUTTONS
from waystation.sentences import Sentence

__all__ = ["conformance_page"]

_PAGE = """\
# Conformance

Made from the tests by `make docs`; do not edit. This page names the test that proves each field,
status and error of [the API](api.md). A row without a test stops the page from being written.

Three tests run the whole service against the simulator and judge each answer by `/openapi.json`:

- `{run}`
  is *run* below. It fails unless it has seen each status of each route, sent each field to its
  route and had it accepted, and read each field of the job form.
- `{fuzz}`
  sends requests that a generator makes up.
- `{examples}`
  repeats the examples of the API page and compares status, fields and types.

## Routes

{unseen}

{routes}

## Fields of the job form

{form}

## Buttons

{buttons}

## Errors

*own* is 412 on describe and 400 elsewhere. The test is one in which the whole service answers the
error with its status, where there is such a test; else it is a test of one part.

{errors}
"""


def conformance_page() -> str:
    """Return docs/conformance.md. Raises: Uncovered: a row without a test."""
    return _PAGE.format(
        run=name_of(
            "tests/e2e/test_openapi.py", "test_every_documented_status_of_every_route_is_seen"
        ),
        fuzz=name_of(
            "tests/e2e/test_openapi.py",
            "test_no_generated_request_is_answered_against_the_document",
        ),
        examples=name_of(
            "tests/e2e/test_captured.py", "test_each_route_answers_as_its_example_shows"
        ),
        unseen="\n".join(
            f"{status} is not seen on any route: {reason}."
            for (route, status), reason in UNSEEN.items()
            if route == ANY
        ),
        routes=table("route", "statuses", "fields", "proof", rows=_routes()),
        form=table("field", "proof", rows=_form()),
        buttons=table("label", "proof", rows=_buttons()),
        errors=table("a path that …", "status", "error", "proof", rows=_errors()),
    )


def _routes() -> Iterator[list[str]]:
    for route, row in OPERATIONS.items():
        statuses = sorted({*row.answers, *row.refusals})
        fields = [f"`{one.name}`" for one in (*row.query, *(row.body or ()))]
        shown = shown_route(route)
        yield [
            f"`{shown}`",
            ", ".join(map(str, statuses)),
            ", ".join(fields),
            "; ".join(("*run*", *_exceptions(route, row, statuses))),
        ]


def _exceptions(route: str, row: Operation, statuses: list[int]) -> Iterator[str]:
    for status in statuses:
        if (route, status) in UNSEEN:
            yield f"{status} not seen: {UNSEEN[route, status]}"
    for one in row.body or ():
        if (route, one.name) in UNSENT_FIELDS:
            yield f"`{one.name}` not sent: {UNSENT_FIELDS[route, one.name]}"


def _form() -> Iterator[list[str]]:
    for name in document()["components"]["schemas"]["JobForm"]["properties"]:
        yield [f"`{name}`", UNSEEN_FIELDS.get(name, "*run*")]


def _buttons() -> Iterator[list[str]]:
    pressed_on: dict[str, str] = {}
    for name, parent in PARENTS.items():
        for row in parent.rows:
            pressed_on.setdefault(row.label, name)
    for button in BUTTONS.values():
        test = name_of("tests/e2e/test_buttons.py", "test_every_label_gives_what_it_says")
        yield [f"`{button.label}`", f"`{test}[{pressed_on[button.label]}]`"]


def _errors() -> Iterator[list[str]]:
    for does, sentences in SENTENCES.items():
        for one in sentences:
            status = "own" if one.status is None else str(one.status)
            yield [does, status, f"`{one.text}`", _proof(one)]


def _proof(one: Sentence) -> str:
    reason = UNPROVED.get(one.text)
    if reason:
        return f"not said by a test: {reason}"
    return f"`{test_of_sentence(one.text, one.status)}`"
