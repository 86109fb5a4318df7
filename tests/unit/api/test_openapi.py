from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.harness.described import DESCRIBE
from tests.harness.face import ask, face
from waystation.api.openapi import document
from waystation.api.operations import OPERATIONS
from waystation.contract import job_json
from waystation.jobs import JobStatus
from waystation.midjourney.commands import COMMANDS

DOCUMENT = document()


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for template, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {template}", operation


def test_the_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(DOCUMENT).validate()


async def test_it_is_served_to_everyone_and_made_once() -> None:
    app = face()
    first, second = [await ask(app, "GET", "/openapi.json", headers={}) for _ in range(2)]
    assert (first.status, first.headers["content-type"]) == (200, "application/json")
    assert first.json == json.loads(json.dumps(DOCUMENT))
    assert first.body is second.body


def test_every_route_is_described_with_all_its_statuses_and_sentences() -> None:
    described = dict(_operations())
    assert set(described) == set(OPERATIONS)
    for route, operation in described.items():
        row = OPERATIONS[route]
        statuses = {*row.answers, *row.refusals}
        assert {int(status) for status in operation["responses"]} == statuses
        for status, texts in row.refusals.items():
            body = operation["responses"][str(status)]["content"]["application/json"]
            errors = [one["value"]["error"] for one in body["examples"].values()]
            assert errors == list(texts), (route, status)


def test_a_path_that_needs_no_token_says_so() -> None:
    for route, operation in _operations():
        wants: list[dict[str, list[str]]] = [{"token": []}] if " /v2/" in route else []
        if route == "GET /v2/media/{jobid}/{n}":
            wants.append({})  # a signed link stands for the token
        assert operation["security"] == wants, route


def test_a_body_says_lengths_choices_and_what_is_needed() -> None:
    blend = DOCUMENT["paths"]["/v2/jobs/blend"]["post"]["requestBody"]
    assert blend["required"] is True
    as_json = blend["content"]["application/json"]["schema"]
    form = blend["content"]["multipart/form-data"]["schema"]
    urls = as_json["properties"]["blendUrls"]
    assert (urls["minItems"], urls["maxItems"], urls["items"]["maxLength"]) == (2, 5, 4096)
    assert as_json["required"] == ["blendUrls"] and "required" not in form
    assert as_json["properties"]["blendDimensions"]["enum"] == ["Portrait", "Square", "Landscape"]
    parts = {name for name, one in form["properties"].items() if one.get("format") == "binary"}
    assert parts == {f"blendFile_{number}" for number in range(1, 6)}
    assert "blendFile_1" not in as_json["properties"]


def test_a_verb_without_needed_fields_needs_no_body() -> None:
    for verb, command in COMMANDS.items():
        body = DOCUMENT["paths"][f"/v2/jobs/{verb}"]["post"]["requestBody"]
        assert body["required"] == any(param.required for param in command.params), verb


def test_the_job_form_is_closed_and_never_null() -> None:
    form = DOCUMENT["components"]["schemas"]["JobForm"]
    assert form["additionalProperties"] is False
    assert set(json.loads(job_json(DESCRIBE))) <= set(form["properties"])
    assert "null" not in json.dumps(DOCUMENT["components"]["schemas"])
    assert {"parentJobId", "prompt", "seed", "settings", "info"} <= set(form["properties"])
    assert "mask" not in form["properties"]


def test_statuses_are_those_that_v2_has_a_word_for() -> None:
    status = DOCUMENT["components"]["schemas"]["JobStatus"]["enum"]
    assert set(status) == set(JobStatus) - {JobStatus.SUBMITTED}


@pytest.mark.parametrize("status", ["429", "503"])
def test_a_refusal_that_asks_to_wait_says_how_long(status: str) -> None:
    for route, operation in _operations():
        response = operation["responses"].get(status)
        assert response is None or response["headers"]["Retry-After"]["required"], route
