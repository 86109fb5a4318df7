"""The OpenAPI 3.1 document: OPERATIONS, SENTENCES and the forms, in OpenAPI's words.

How it works: nothing is described here that is not described there; response schemas come from the
structs that the answers are made of, and name every field that an answer can have.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec

from waystation.api.accounts import AccountForm, NewAccountForm, UserForm
from waystation.api.answer import Answer, ErrorForm
from waystation.api.call import Call
from waystation.api.deliveries import (
    DeliveryForm,
    DeliveryPage,
    NewSecretForm,
    ReceiverPage,
    ReplayForm,
    SigningForm,
)
from waystation.api.media.paths import MediaLinkForm
from waystation.api.operation import Field, MediaTypes, Operation, Schema
from waystation.api.operations import OPERATIONS
from waystation.api.probes import HealthForm, ReadinessForm
from waystation.api.problem import PROBLEM_TYPE, ProblemForm
from waystation.api.resource import Path
from waystation.api.results import RESULTS
from waystation.api.search import SearchForm
from waystation.api.sentences import WHEN
from waystation.contract import STATUSES, CancelForm, JobForm
from waystation.midjourney.commands import COMMANDS, ParamKind

__all__ = ["document", "openapi_path"]

_TITLE = "Waystation"
_ABOUT = """\
A self-hosted gateway to the Midjourney bot, compatible with the Midjourney API v2. Each path of
v2 also works with a slash at its end; `/v2/jobs` and `/v2/jobs/` differ. HEAD works wherever GET
reads. Bodies are JSON whatever the content type says, or forms with the same field names; unknown
fields are ignored, `null` counts as absent. Texts such as `<field>` stand for what differs."""

_FORMS = (
    *(JobForm, CancelForm, ErrorForm, ProblemForm),
    *(UserForm, AccountForm, NewAccountForm),
    *(DeliveryPage, DeliveryForm, ReplayForm, ReceiverPage, SigningForm, NewSecretForm),
    *(SearchForm, MediaLinkForm),
    *(HealthForm, ReadinessForm),
)

_TOKEN = "token"  # noqa: S105 - the name of a scheme
_SECURITY = {
    _TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "`user:<id>-<secret>`, as `waystation users add` prints it",
    }
}

_REQUEST_ID: Mapping[str, Any] = {
    "description": "The request's own, when it sent a usable one, or a new one",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/+=-]{1,128}$"},
}
_RETRY_AFTER: Mapping[str, Any] = {
    "description": "Seconds to wait",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}
_QUOTA: Mapping[str, Any] = {
    "RateLimit-Policy": {
        "description": "A limit of ours that counts here: its name, `q` and `w` or `qu`",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of it: `r`, and `t` seconds until more is",
        "schema": {"type": "string"},
    },
}
_APPLIED: Mapping[str, Any] = {
    "Preference-Applied": {
        "description": "`wait=N`, where the answer waited, or could have waited, so long",
        "schema": {"type": "string"},
    },
}
_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    409: {"Retry-After": {**_RETRY_AFTER, "required": False}},
    429: {"Retry-After": _RETRY_AFTER, **_QUOTA},
    503: {"Retry-After": _RETRY_AFTER},
}
"""Headers of an answer by its status, beside X-Request-Id."""

_REPLAYED = {
    "Idempotency-Replayed": {
        "description": "The job was made by an earlier request with the same Idempotency-Key",
        "required": False,
        "schema": {"const": "true"},
    }
}

_PATH_FIELDS: Mapping[str, Field] = {
    "channel": Field("channel", {"type": "string", "minLength": 1}, "The channel's id", True),
    "jobid": Field("jobid", {"type": "string", "pattern": "^job:"}, "The job that is meant", True),
    "n": Field(
        "n",
        {"type": "string", "pattern": "^[0-9]{1,3}$"},
        "The number of the attachment, counted from 0",
        True,
    ),
    "id": Field("id", {"type": "string", "minLength": 1}, "The callback's id", True),
}


def openapi_path() -> Path:
    """Return the document's row of the route table; open to everyone, as the probes are."""

    async def openapi(call: Call) -> Answer:
        return Answer(200, await asyncio.to_thread(_encoded))

    return Path("/openapi.json", {"GET": openapi})


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in OPERATIONS.items():
        method, _, template = route.partition(" ")
        paths.setdefault(template, {})[method.lower()] = _operation(template, operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": _TITLE,
            "version": version("waystation"),
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"securitySchemes": _SECURITY, "schemas": _schemas()},
    }


# ── operations ──


def _operation(template: str, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {str(status): row for status, row in _responses(operation)},
        "security": _security(operation),
    }
    if operation.about:
        described["description"] = operation.about
    names = re.findall(r"{(\w+)}", template)
    parameters = [
        *(_parameter("path", _PATH_FIELDS[name]) for name in names),
        *(_parameter("query", field) for field in operation.query),
        *(_parameter("header", field) for field in operation.headers),
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = _request(operation.body)
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if not operation.guarded:
        return []
    return [{_TOKEN: []}, {}] if operation.by_link else [{_TOKEN: []}]


def _parameter(place: str, field: Field) -> dict[str, Any]:
    return {
        "in": place,
        "name": field.name,
        "description": field.help,
        "required": field.required,
        "schema": field.schema,
    }


def _request(fields: Sequence[Field]) -> dict[str, Any]:
    plain = [field for field in fields if not field.part]
    form = _object(fields, required=not any(field.part for field in fields))
    example = {field.name: field.example for field in plain if field.example is not None}
    json: dict[str, Any] = {"schema": _object(plain)}
    if example:
        json["example"] = example
    return {
        "required": any(field.required for field in fields),
        "content": {"application/json": json, "multipart/form-data": {"schema": form}},
    }


def _object(fields: Sequence[Field], *, required: bool = True) -> Schema:
    """Return the schema of a body; in a form a file part may stand in for a required field."""
    schema: Schema = {
        "type": "object",
        "properties": {field.name: {**field.schema, "description": field.help} for field in fields},
    }
    needed = [field.name for field in fields if field.required]
    if needed and required:
        schema["required"] = needed
    return schema


def _responses(operation: Operation) -> Iterator[tuple[int, dict[str, Any]]]:
    refusals = operation.refusals
    for status in sorted({*operation.answers, *refusals}):
        response: dict[str, Any] = {
            "description": WHEN[status],
            "headers": {
                "X-Request-Id": _REQUEST_ID,
                **_HEADERS.get(status, {}),
                **(_QUOTA if operation.makes_job else {}),
                **(_APPLIED if "waits for the end" in operation.does else {}),
            },
        }
        if operation.makes_job:
            response["headers"] |= _REPLAYED
        if status in operation.answers:
            content = _content(operation.answers[status])
            if operation.makes_job:
                response["links"] = _LINKS
        else:
            content = {
                "application/json": {"schema": _refused(operation, status)},
                PROBLEM_TYPE.decode(): {"schema": _schema(ProblemForm)},
            }
        if content is not None:
            if status in refusals:
                told = next(iter(content.values()))
                told["examples"] = _examples(status, refusals[status])
            response["content"] = content
        yield status, response


def _content(form: Any) -> dict[str, Any] | None:
    if form is None:
        return None
    if isinstance(form, str):
        # a stream has a form for each event, which its description tells
        return {form: {"schema": {"type": "string"}} if form == "text/plain" else {}}
    if isinstance(form, MediaTypes):
        return {name: {} for name in form.names}
    forms = form if isinstance(form, tuple) else (form,)
    schemas = [_schema(one) for one in forms]
    return {"application/json": {"schema": schemas[0] if len(forms) == 1 else {"anyOf": schemas}}}


def _refused(operation: Operation, status: int) -> Schema:
    error = _schema(ErrorForm)
    # a job that halts its account is answered whole
    whole = operation.makes_job and status == 596
    return {"anyOf": [error, _schema(JobForm)]} if whole else error


def _examples(status: int, texts: Sequence[str]) -> dict[str, Any]:
    return {
        str(number): {"summary": text, "value": {"error": text, "code": status}}
        for number, text in enumerate(texts, 1)
    }


_OF_THIS_JOB = {"jobid": "$response.body#/jobid"}
_LINKS: Mapping[str, Any] = {
    "read": {"operationId": "readJob", "parameters": _OF_THIS_JOB},
    "cancel": {"operationId": "cancelJob", "parameters": _OF_THIS_JOB},
    "seed": {"operationId": "seed", "requestBody": _OF_THIS_JOB},
    "press": {"operationId": "button", "requestBody": {**_OF_THIS_JOB, "button": "U1"}},
}
"""Links to the calls for the job that an answer names."""


# ── schemas ──


_REF = "#/components/schemas/{name}"


@cache
def _schema(form: Any) -> Schema:
    """Return the schema of a form; structs are named, never spelled out."""
    (schema,), _ = msgspec.json.schema_components([form], ref_template=_REF)
    return dict(schema)


def _schemas() -> dict[str, Any]:
    results = [form for form, _ in RESULTS.values()]
    _, components = msgspec.json.schema_components([*_FORMS, *results], ref_template=_REF)
    schemas = {name: _closed(schema) for name, schema in sorted(components.items())}
    schemas["JobStatus"]["enum"] = list(STATUSES)
    job = schemas["JobForm"]["properties"]
    job["verb"] = {"type": "string", "enum": list(COMMANDS)}
    job |= _own_fields()
    for name, (form, help_text) in RESULTS.items():
        job[name] = {**_schema(form), "description": help_text}
    return schemas


def _own_fields() -> dict[str, Schema]:
    """Return what the job form shows of the verbs' own fields."""
    fields: dict[str, Schema] = {}
    for command in COMMANDS.values():
        for param in command.params:
            text: Schema = {"type": "string", "description": "as sent"}
            if param.kind is ParamKind.PARENT:
                text["description"] = "the job that `jobid` named"
                fields["parentJobId"] = text
            elif param.kind is ParamKind.PICTURES:
                items = {"type": "string"}
                fields[param.name] = {**text, "type": "array", "items": items}
            elif param.kind is not ParamKind.MASK:
                fields.setdefault(param.name, text)
    return fields


def _closed(schema: Schema) -> Schema:
    """Return a struct's schema as it is answered: nothing is null, and nothing else is there."""
    if "properties" not in schema:
        return schema
    properties = {name: _never_null(one) for name, one in schema["properties"].items()}
    return {**schema, "properties": properties, "additionalProperties": False}


def _never_null(schema: Schema) -> Schema:
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return {**kept, **kinds[0]}
    return {**kept, "anyOf": kinds} if kinds else kept
