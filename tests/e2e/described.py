"""The document of a running service, and what was seen of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import requests
import schemathesis
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

__all__ = ["Described"]

_CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


ENDLESS = ("GET /v2/events",)
"""Routes whose good answer has no end."""


class _Glance(requests.Session):
    """Reads the beginning of a stream, and all of any other answer."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().request(*args, **{**kwargs, "stream": True})
        if response.headers.get("content-type") == "text/event-stream":
            read = b""
            while read.count(b"\n\n") < 2:
                read += response.raw.read1()
            response._content = read
            response.close()
        return response


class Described:
    """Judges every answer by the document, and remembers which of its statuses were seen.

    Its methods block: they are called in threads.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # not `from_url`, which would leave the document's own route out
        document = requests.get(f"{url}/openapi.json", timeout=60).json()
        self.schema: BaseSchema = schemathesis.openapi.from_dict(document)
        self.seen: set[tuple[str, int]] = set()
        self.fields: set[str] = set()
        """Fields of job forms that were answered."""
        self.sent: set[tuple[str, str]] = set()
        """Route and field of bodies and queries that were accepted."""
        found = (one.ok() for one in self.schema.get_all_operations() if isinstance(one, Ok))
        self.operations: dict[str, APIOperation[Any, Any, Any, Any]] = {
            one.label: one for one in found
        }
        """By route, `METHOD template`."""
        self._sentences = {
            where: [_pattern(text) for text in texts] for where, texts in self._errors()
        }

    def statuses(self) -> set[tuple[str, int]]:
        """Return every documented status of every route."""
        return {
            (f"{method.upper()} {path}", int(status))
            for path, methods in self.schema.raw_schema["paths"].items()
            for method, operation in methods.items()
            for status in operation["responses"]
        }

    def shown(self) -> set[str]:
        """Return every documented field of a job form."""
        return set(self.schema.raw_schema["components"]["schemas"]["JobForm"]["properties"])

    def asked(self) -> set[tuple[str, str]]:
        """Return route and name of every documented field of a body or a query."""
        return {
            (f"{method.upper()} {path}", name)
            for path, methods in self.schema.raw_schema["paths"].items()
            for method, operation in methods.items()
            for name in (
                *(
                    name
                    for content in operation.get("requestBody", {}).get("content", {}).values()
                    for name in content["schema"]["properties"]
                ),
                *(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"),
            )
        }

    def case(self, route: str, **sent: Any) -> Case[Any]:
        """Return a request of our own making; its body is JSON unless `media_type` says other."""
        if "body" in sent:
            sent.setdefault("media_type", "application/json")
        return self.operations[route].Case(**sent)

    def call(self, case: Case[Any], token: str | None, **more: Any) -> Response:
        """Send a request and judge its answer."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if case.operation.label in ENDLESS:
            more["session"] = _Glance()
        response = case.call(base_url=self.url, headers=headers, timeout=60, **more)
        self.judge(case, response)
        return response

    def judge(self, case: Case[Any], response: Response | requests.Response) -> None:
        """Fail unless the document knows this answer: status, type, headers, form and sentence."""
        route, status = case.operation.label, response.status_code
        assert status != 500, (route, case.body, response.text)
        case.validate_response(response, checks=_CHECKS)
        is_json = "json" in dict(response.headers).get("content-type", ["", ""])[0]
        body = response.json() if is_json else None
        if isinstance(body, dict) and status >= 400 and "ready" not in body:
            error = body["error"]
            known = self._sentences[route, status]
            assert any(one.fullmatch(error) for one in known), (route, status, error)
        self.seen.add((route, status))
        if isinstance(body, dict) and "verb" in body:
            self.fields |= set(body)
        if status < 300:
            body_sent = case.body if isinstance(case.body, dict) else {}
            self.sent |= {(route, name) for name in (*body_sent, *(case.query or ()))}

    def _errors(self) -> Iterator[tuple[tuple[str, int], list[str]]]:
        for path, methods in self.schema.raw_schema["paths"].items():
            for method, operation in methods.items():
                for status, response in operation["responses"].items():
                    examples = [
                        example["value"]["error"]
                        for content in response.get("content", {}).values()
                        for example in content.get("examples", {}).values()
                    ]
                    yield (f"{method.upper()} {path}", int(status)), examples


def _pattern(text: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in re.split(r"<\w+>", text))
    return re.compile(".*".join(parts) + r"[.!]?", re.DOTALL)
