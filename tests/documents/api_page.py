"""docs/api.md: the prose of api.md beside this file, and the tables of the code in its gaps.

Examples are read from examples.json, which `tests/e2e/captured.py` writes and a test repeats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.captured import Example, read
from waystation.api.openapi import document
from waystation.api.operation import Field, Operation
from waystation.api.operations import OPERATIONS, SHARED
from waystation.api.sentences import SENTENCES, WHEN
from waystation.midjourney.buttons import BUTTONS, Needs
from waystation.sentences import GROUPS, Does, Sentence

__all__ = ["anchor", "api_page", "cut", "shown", "table"]

_TEMPLATE = Path(__file__).with_name("api.md")

_LONG = 100
"""Characters of a text that an example shows."""

_NEEDS = {Needs.NO: "ignored", Needs.MAY: "used when a modal opens", Needs.MUST: "required"}


def api_page() -> str:
    """Return docs/api.md. Raises: KeyError: a route without example."""
    page = _TEMPLATE.read_text(encoding="utf-8")
    for gap, text in (
        ("statuses", _statuses()),
        ("shared", _shared()),
        ("common_errors", ", ".join(map(_link, _common()))),
        ("jobs", _paths("/v2/jobs", "/v2/events")),
        ("job_form", _job_form()),
        ("buttons", _buttons()),
        ("accounts", _paths("/v2/account")),
        ("media", _paths("/v2/media")),
        ("deliveries", _paths("/v2/deliveries")),
        ("probes", _paths("/healthz", "/readyz", "/metrics", "/openapi.json")),
        ("errors", _errors()),
    ):
        page = page.replace(f"{{{gap}}}", text)
    return page


def table(*head: str, rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _statuses() -> str:
    return table("status", "when", rows=((str(status), when) for status, when in WHEN.items()))


def _paths(*places: str) -> str:
    return "\n\n".join(
        "\n\n".join(_path(route, row))
        for route, row in OPERATIONS.items()
        if route.partition(" ")[2].startswith(places)
    )


def shown(route: str) -> str:
    """Return a route as pages show it: `<…>` for a parameter of its path."""
    return re.sub(r"{(\w+)}", r"<\1>", route)


def _path(route: str, row: Operation) -> Iterator[str]:
    yield f"### `{shown(route)}`"
    yield " ".join(filter(None, (row.summary, row.about)))
    fields = [one for one in (*row.query, *(row.body or ())) if one not in SHARED]
    if fields:
        yield _fields(fields, row)
    shared = [f"`{one.name}`" for one in row.body or () if one in SHARED]
    if shared:
        yield f"And [fields of all verbs](#fields-of-all-verbs): {', '.join(shared)}."
    if route not in read():
        raise KeyError(f"{route} has no example: run `make examples`, then `make docs`")
    yield from _example(read()[route], route.partition(" ")[0])
    statuses = sorted({*row.answers, *row.refusals})
    yield f"Statuses: {', '.join(map(str, statuses))}. Errors: {_error_links(row)}."


def _common() -> Sequence[Does]:
    """Return what each verb does."""
    verbs = [row for row in OPERATIONS.values() if row.makes_job]
    return [one for one in verbs[0].does if all(one in row.does for row in verbs)]


def _link(does: Does) -> str:
    return f"[{GROUPS[does]}](#{anchor(GROUPS[does])})"


def _error_links(row: Operation) -> str:
    if not row.makes_job:
        return ", ".join(map(_link, row.does))
    own = [_link(one) for one in row.does if one not in _common()]
    return ", ".join(("[those of all verbs](#errors-of-all-verbs)", *own))


def anchor(heading: str) -> str:
    """Return the fragment that leads to a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _example(one: Example, method: str) -> Iterator[str]:
    request = f"{method} {one['path']}"
    if one["body"] is not None:
        request += f"\n\n{_json(one['body'])}"
    yield f"```http\n{request}\n```"
    match one["answer"]:
        case None:
            yield f"answers {one['status']} without a body."
        case str() as told:
            yield f"answers {one['status']} with {told}."
        case [str(), *_] as lines if one["path"].endswith(("/metrics", "/events")):
            text = "\n".join(lines)
            yield f"answers {one['status']}, in plain text:\n\n```text\n{text}\n…\n```"
        case answer:
            yield f"answers {one['status']}:\n\n```json\n{_json(answer)}\n```"


def _json(value: Any) -> str:
    """Return a value with one field a line, cut."""
    if not isinstance(value, dict):
        return json.dumps(cut(value), ensure_ascii=False)
    lines = (
        f"  {json.dumps(name)}: {json.dumps(cut(one), ensure_ascii=False)}"
        for name, one in value.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}" if value else "{}"


def cut(value: Any) -> Any:
    """Return a value with "…" for the rest of a long text, and of a list after two entries."""
    match value:
        case str():
            return value if len(value) <= _LONG else f"{value[:_LONG]}…"
        case [first, second, _, *_]:
            return [cut(first), cut(second), "…"]
        case list():
            return [cut(one) for one in value]
        case dict():
            return {name: cut(one) for name, one in value.items()}
        case _:
            return value


def _shared() -> str:
    """Return the fields of all verbs."""
    return _fields(SHARED, None)


def _fields(fields: Iterable[Field], row: Operation | None) -> str:
    lines = (
        [
            _name(one, row),
            f"this or {one.either}" if one.either else "yes" if one.required else "no",
            _meaning(one),
        ]
        for one in fields
    )
    return table("field", "required", "meaning", rows=lines)


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
        ]
        for name, schema in form["properties"].items()
    )
    return table("field", "present", "meaning", rows=rows)


def _buttons() -> str:
    rows = (
        [f"`{row.label}`", _NEEDS[row.prompt], "yes" if row.once else ""]
        for row in BUTTONS.values()
    )
    return table("label", "`prompt`", "once per job", rows=rows)


def _errors() -> str:
    return "\n\n".join(f"### {heading}\n\n{_errors_of(does)}" for does, heading in GROUPS.items())


def _errors_of(does: Does) -> str:
    """Return a table; errors with the same status and remedy share a row."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in SENTENCES[does]:
        texts = rows.setdefault((_status(one), one.when, one.do), [])
        texts.append(f"`{one.text}`")
    return table(
        *("error", "status", "when", "what to do"),
        rows=(["<br>".join(texts), *told] for told, texts in rows.items()),
    )


def _status(one: Sentence) -> str:
    return "400; 412 on describe" if one.status is None else str(one.status)
