"""docs/api.md: the prose of api.md beside this file, and the tables of the code in its gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.documents.coverage import UNPROVED, name_of, test_of_sentence
from tests.e2e.test_buttons import PARENTS, test_every_label_gives_what_it_says
from tests.e2e.test_openapi import (
    ANY,
    UNSEEN,
    UNSEEN_FIELDS,
    UNSENT_FIELDS,
    test_every_documented_status_of_every_route_is_seen,
)
from waystation.api.openapi import document
from waystation.api.operations import OPERATIONS, SHARED, Field, Operation
from waystation.api.sentences import SENTENCES, WHEN, Sentence
from waystation.midjourney.buttons import BUTTONS, Needs

__all__ = ["api_page"]

_TEMPLATE = Path(__file__).with_name("api.md")

_RUN = test_every_documented_status_of_every_route_is_seen
"""Sees every status of every route, sends every field and reads every field of the job form."""

_NEEDS = {Needs.NO: "ignored", Needs.MAY: "used when a modal opens", Needs.MUST: "required"}


def api_page() -> str:
    """Return docs/api.md. Raises: Uncovered: a row without a test."""
    page = _TEMPLATE.read_text(encoding="utf-8")
    for gap, text in (
        ("run", name_of(_RUN)),
        ("statuses", _statuses()),
        ("shared", _shared()),
        ("jobs", _paths("/v2/jobs")),
        ("job_form", _job_form()),
        ("buttons", _buttons()),
        ("accounts", _paths("/v2/account")),
        ("probes", _paths("/healthz", "/readyz", "/metrics", "/openapi.json")),
        ("sentences", _sentences()),
    ):
        page = page.replace(f"{{{gap}}}", text)
    return page


def _table(*head: str, rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _statuses() -> str:
    def proof(status: int) -> str:
        reason = UNSEEN.get((ANY, status))
        return f"not seen: {reason}" if reason else "*run*"

    rows = ([str(status), when, proof(status)] for status, when in WHEN.items())
    return _table("status", "when", "proof", rows=rows)


def _paths(*places: str) -> str:
    return "\n\n".join(
        "\n\n".join(_path(route, row))
        for route, row in OPERATIONS.items()
        if route.partition(" ")[2].startswith(places)
    )


def _path(route: str, row: Operation) -> Iterator[str]:
    yield f"### `{route.replace('{channel}', '<channel>')}`"
    yield " ".join(filter(None, (row.summary, row.about)))
    fields = [one for one in (*row.query, *(row.body or ())) if one not in SHARED]
    if fields:
        yield _fields(fields, route, row)
    shared = [f"`{one.name}`" for one in row.body or () if one in SHARED]
    if shared:
        yield f"And [fields of all verbs](#fields-of-all-verbs): {', '.join(shared)}."
    statuses = sorted({*row.answers, *row.refusals})
    yield (
        f"Answers {', '.join(map(str, statuses))}. Its [errors](#every-error-word-for-word) are "
        f"those of a path that {_does(row)}."
    )


def _shared() -> str:
    """Return the fields of all verbs; each is sent on every path that has it."""
    assert not {name for _, name in UNSENT_FIELDS} & {one.name for one in SHARED}
    return _fields(SHARED, "", None)


def _fields(fields: Iterable[Field], route: str, row: Operation | None) -> str:
    lines = (
        [
            _name(one, row),
            f"this or {one.either}" if one.either else "yes" if one.required else "no",
            _meaning(one),
            UNSENT_FIELDS.get((route, one.name), "*run*"),
        ]
        for one in fields
    )
    return _table("field", "required", "meaning", "proof", rows=lines)


def _does(row: Operation) -> str:
    *first, last = row.does
    return f"{', '.join(first)} and {last}" if first else last


def _name(field: Field, row: Operation | None) -> str:
    if row is not None and field in row.query:
        return f"`?{field.name}=`"
    return f"`{field.name}` (file part)" if field.part else f"`{field.name}`"


def _meaning(field: Field) -> str:
    return "; ".join((field.help, *_bounds(field.schema)))


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    match schema:
        case {"enum": choices}:
            yield " or ".join(f"`{one}`" for one in choices)
        case {"minimum": least, "maximum": most}:
            yield f"{least} to {most}"
        case {"minItems": least, "maxItems": most, "items": items}:
            yield f"{least} to {most}, each at most {items['maxLength']} characters"
        case {"maxLength": longest}:
            yield f"at most {longest} characters"


def _job_form() -> str:
    form = document()["components"]["schemas"]["JobForm"]
    rows = (
        [
            f"`{name}`",
            "always" if name in form["required"] else "",
            schema.get("description", ""),
            UNSEEN_FIELDS.get(name, "*run*"),
        ]
        for name, schema in form["properties"].items()
    )
    return _table("field", "present", "meaning", "proof", rows=rows)


def _buttons() -> str:
    pressed_on: dict[str, str] = {}
    for name, parent in PARENTS.items():
        for row in parent.rows:
            pressed_on.setdefault(row.label, name)
    rows = (
        [
            f"`{row.label}`",
            _NEEDS[row.prompt],
            "yes" if row.once else "",
            f"`{name_of(test_every_label_gives_what_it_says)}[{pressed_on[row.label]}]`",
        ]
        for row in BUTTONS.values()
    )
    return _table("label", "`prompt`", "once per job", "proof", rows=rows)


def _sentences() -> str:
    rows = (
        [does, "own" if one.status is None else str(one.status), f"`{one.text}`", _proof(one)]
        for does, sentences in SENTENCES.items()
        for one in sentences
    )
    return _table("a path that …", "status", "error", "proof", rows=rows)


def _proof(one: Sentence) -> str:
    reason = UNPROVED.get(one.text)
    if reason:
        return f"not said by a test: {reason}"
    return f"`{test_of_sentence(one.text, one.status)}`"
