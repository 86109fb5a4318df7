"""docs/differences.md is true of the vendor's file, where that is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.generated.facts import LABELS
from tests.documents.differences import DIFFERENCES, claimed, compare, younger_labels
from tests.documents.vendor import VENDOR
from waystation.api.openapi import document


@pytest.mark.skipif(VENDOR not in os.environ, reason=f"{VENDOR} names no file to compare with")
def test_every_difference_from_the_vendors_document_has_its_reason() -> None:
    theirs = yaml.safe_load(Path(os.environ[VENDOR]).read_text(encoding="utf-8"))
    differences = list(compare(document(), theirs))
    assert [one for one in differences if claimed(one) is None] == []
    assert {claimed(one) for one in differences} == set(DIFFERENCES), "a row claims nothing"


def test_the_labels_that_strict_clients_refuse_are_named() -> None:
    assert set(younger_labels()) == {
        "Vary (Region)",
        *(f"{deed} ({how} motion)" for deed in ("Animate", "Extend") for how in ("High", "Low")),
        *(f"{number}\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}" for number in "12345"),
        "Imagine all 🎉",
        "Show Details",
        "❤️",
    }


@pytest.mark.skipif(VENDOR not in os.environ, reason=f"{VENDOR} names no file to compare with")
def test_the_labels_of_2024_are_those_of_the_vendors_file() -> None:
    theirs = yaml.safe_load(Path(os.environ[VENDOR]).read_text(encoding="utf-8"))
    button = theirs["components"]["schemas"]["buttonResponse"]["properties"]["button"]
    assert set(button["enum"]) == set(LABELS)


def test_a_document_does_not_differ_from_itself() -> None:
    assert list(compare(document(), document())) == []


def test_whatever_differs_is_named() -> None:
    ours: dict[str, Any] = {
        "paths": {"/v2/a/": {"get": {"responses": {"200": {}, "400": {}}}}, "/b": {}}
    }
    schema = {"required": ["x"], "properties": {"x": {}}}
    theirs = {
        "components": {"f": {"properties": {"y": {}}}},
        "paths": {
            "/a": {
                "get": {
                    "parameters": [{"in": "query", "name": "q"}],
                    "requestBody": {"content": {"application/json": {"schema": schema}}},
                    "responses": {
                        "200": {"content": {"j": {"schema": {"$ref": "#/components/f"}}}}
                    },
                }
            },
            "/c": {"post": {"responses": {}}},
        },
    }
    assert list(compare(ours, theirs)) == [
        "path theirs only: POST /c",
        "status ours only: GET /a 400",
        "body field theirs only: GET /a x",
        "required theirs only: GET /a x",
        "query theirs only: GET /a q",
        "answer field theirs only: GET /a y",
    ]
