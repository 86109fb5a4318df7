"""Differences between our OpenAPI document and the vendor's, each with its reason.

`compare` names every difference in one line; a row of DIFFERENCES claims those that its pattern
matches. docs/differences.md is made of the rows; the vendor's file is not ours to ship, so the test
that compares takes its path from VENDOR_OPENAPI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tests.clients.generated.facts import LABELS
from waystation.midjourney.buttons import BUTTONS

__all__ = ["DIFFERENCES", "VALUES", "claimed", "compare", "younger_labels"]

DIFFERENCES: Mapping[str, str] = {
    "path ours only: POST /account/midjourney": (
        "the vendor's documentation of 2025 has it; the file is older"
    ),
    "path ours only: POST /jobs/seed*": "documented pages of v2 that the file leaves out",
    "path ours only: POST /jobs/remix": "as above",
    "path ours only: POST /jobs/s[eht]*": "an addition: settings, shorten, show, stealth",
    "path ours only: POST /jobs/p*": "an addition: public, prefer_auto_dm, prefer_suffix",
    "path ours only: GET /jobs/search": "an addition: the caller's jobs by what they say",
    "path ours only: * /jobs/{jobid}*": "an addition: a job by its path",
    "path ours only: * /media*": "an addition: files of jobs, and links to them",
    "path ours only: * /deliveries*": (
        "an addition: the log of callbacks, and what can be asked of it"
    ),
    "path ours only: GET /healthz": "operation of a server of your own",
    "path ours only: GET /readyz": "as above",
    "path ours only: GET /metrics": "as above",
    "path ours only: GET /openapi.json": "as above",
    "status theirs only: GET /jobs* 596": (
        "reading is always possible: a halt of one account says nothing of other jobs, and a known "
        "job is 200 with its own `code` inside"
    ),
    "status ours only: POST /jobs/describe 412": (
        "the page of August 2025 prints 412 for bad input of describe; it is newer than the file"
    ),
    "status ours only: * 402": "an expired subscription is 402 on every path but GET /account",
    "status ours only: * /account/midjourney/{channel}* 400": (
        "a path with a control character, which no proxy should pass on"
    ),
    "status ours only: GET /jobs 400": "with an empty `jobid`",
    "status ours only: GET /jobs 404": "with the `jobid` of no job of yours",
    "status ours only: GET /account/midjourney 404": "the page says so; the file forgot it",
    "status ours only: * 408": "a body that does not arrive",
    "status ours only: * 413": "a body that is too large",
    "status ours only: POST /jobs/* 409": "an addition: a request that is repeated by its key",
    "status ours only: POST * 415": "a body that is neither JSON nor a form",
    "status ours only: POST /jobs/* 422": "these commands can be moderated too",
    "status ours only: * 429": "too many failed logins; Discord or the bot asks to wait",
    "status ours only: POST /account/midjourney/{channel} 502": (
        "a token cannot be checked while Discord does not answer"
    ),
    "status ours only: * 500": "a fault of ours has a status too",
    "status ours only: POST /jobs/* 502": "the pages of August 2025 list it",
    "status ours only: * 503": "the server stops, or its database cannot be used",
    "status ours only: POST /jobs/* 504": "Midjourney queues these commands too",
    "body field ours only: * user": "v2's own example sends the name so",
    "body field ours only: POST /jobs/blend blendFile_*": "an addition: pictures as file parts",
    "body field ours only: POST /jobs/describe describeFile": "as above",
    "body field ours only: POST /jobs/button mask": "documented for Vary (Region) since 2024",
    "body field ours only: POST /jobs/* mode": "an addition: the mode of one job",
    "body field ours only: POST /jobs/* queue": "an addition: jobs that wait for a slot",
    "body field ours only: POST /jobs/* priority": "an addition: jobs that wait for a slot",
    "status ours only: POST /jobs/* 201": "an addition: a job that waits for a slot",
    "body field ours only: POST /jobs/* replyProgress": "an addition: progress by callback",
    "query ours only: GET /jobs jobid": "clients use both spellings of reading a job",
    "query ours only: DELETE * force": "an addition: fail the running jobs now",
    "answer field theirs only: * server": "an account that is refused is not shown",
    "answer field theirs only: POST /account* *": (
        "the file gives refusals the form of the record, which they never carry"
    ),
    "answer field theirs only: DELETE /account* *": "as above",
    "answer field ours only: GET /account/midjourney* sidelined": (
        "an addition: the cause for which the account is passed over"
    ),
    "answer field ours only: GET /account/midjourney* connection": (
        "an addition: how the account stands with Discord's gateway"
    ),
    "answer field ours only: GET /account *": "as the page of April 2025 has it",
    "answer field ours only: POST /jobs/* *": "one job form for every verb",
    "answer field ours only: GET /jobs* *": "as above; and the verbs and results of later pages",
    "answer field ours only: * executingJobs": "one shape for every error",
    "answer field ours only: * button": "as above",
    "answer field ours only: * jobid": "as above",
    "answer field ours only: * status": "as above",
}
"""Pattern of differences → reason. A line is claimed by the first row that matches it."""

VALUES: Mapping[str, str] = {
    "`buttons`, and the `button` of a job and of `children`, with a label that is younger": (
        "only what the message really shows can be pressed, so no old name is put in its place; "
        "the labels are listed below"
    ),
    "`labels` instead of `buttons` under described and shortened prompts": (
        "an addition: no page of v2 has buttons there"
    ),
    "POST answers `started` without `messageId`, `content` and `timestamp`": (
        "its time was over, or the service stopped, before the bot showed anything; the client of "
        "2023 requires them, the file does not"
    ),
    "`status` of info, fast, relax, turbo, variability is `started`, `failed`, `cancelled`": (
        "the page of August 2025 has `failed`; the file knows nothing but `completed`"
    ),
    "`verb` with a younger word: seed, seed_async, remix, and the additions": (
        "they have paths of their own, which a client of 2024 does not call"
    ),
    "`server` is missing in direct messages with the bot": "such a channel has no guild",
    "`maxJobs` is missing on verbs that take no slot": (
        "it limits nothing there; the client of 2023 cannot ask for these verbs"
    ),
    "`children[].messageId` is empty until the bot shows the child": (
        "the file wants a text, and the child is named from its start on"
    ),
    "`sidelined` of an account that Discord keeps refusing": (
        "an addition: how, Discord's answer, and until when other accounts are preferred"
    ),
    "`name` of the caller is empty until it is set": "clients of 2023 want a text",
    "400 for `discord` and `server` of an account that is not configured": (
        "Waystation takes no tokens with a job"
    ),
}
"""Part of an answer that differs from the vendor's file or its client of 2023 → reason."""


def younger_labels() -> Sequence[str]:
    """Return the labels that a client with the enum of 2024 refuses."""
    return [label for label in BUTTONS if label not in LABELS]


Document = Mapping[str, Any]

_ASKED_FOR = "application/problem+json"
"""A form of refusals that no caller of v2 sees, since each must ask for it."""


def claimed(difference: str) -> str | None:
    """Return the pattern that claims a difference."""
    return next((one for one in DIFFERENCES if fnmatchcase(difference, one)), None)


def compare(ours: Document, theirs: Document) -> Iterator[str]:
    """Yield each difference of two documents as one line."""
    our_routes, their_routes = dict(_routes(ours)), dict(_routes(theirs))
    for route in our_routes.keys() - their_routes.keys():
        yield f"path ours only: {route}"
    for route in their_routes.keys() - our_routes.keys():
        yield f"path theirs only: {route}"
    for route in sorted(our_routes.keys() & their_routes.keys()):
        us, them = our_routes[route], their_routes[route]
        for what, read in _READERS.items():
            ours_read, theirs_read = read(ours, us), read(theirs, them)
            for one in sorted(ours_read - theirs_read):
                yield f"{what} ours only: {route} {one}"
            for one in sorted(theirs_read - ours_read):
                yield f"{what} theirs only: {route} {one}"


def _routes(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        plain = path.removeprefix("/v2")
        if plain != "/jobs/":
            plain = plain.removesuffix("/")
        for method, operation in methods.items():
            yield f"{method.upper()} {plain}", operation


def _statuses(document: Document, operation: Mapping[str, Any]) -> set[str]:
    return set(operation["responses"])


def _body_fields(document: Document, operation: Mapping[str, Any]) -> set[str]:
    return {name for schema in _bodies(document, operation) for name in schema["properties"]}


def _needed(document: Document, operation: Mapping[str, Any]) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return set(_resolved(document, schema).get("required", ()))


def _bodies(document: Document, operation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield _resolved(document, content["schema"])


def _query(document: Document, operation: Mapping[str, Any]) -> set[str]:
    return {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}


def _answer_fields(document: Document, operation: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for response in operation["responses"].values():
        for media_type, content in response.get("content", {}).items():
            if media_type != _ASKED_FOR:
                found |= _names(document, content.get("schema", {}))
    return found


def _names(document: Document, schema: Mapping[str, Any]) -> set[str]:
    schema = _resolved(document, schema)
    more = schema.get("additionalProperties")
    inner = [*schema.get("anyOf", ()), *((more,) if isinstance(more, dict) else ())]
    return set(schema.get("properties", ())).union(*(_names(document, one) for one in inner))


def _resolved(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(document, found)


_READERS = {
    "status": _statuses,
    "body field": _body_fields,
    "required": _needed,
    "query": _query,
    "answer field": _answer_fields,
}
"""The compared parts of each operation."""
