from __future__ import annotations

from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from tests.harness.face import FakeService
from waystation.api.forms import Forms
from waystation.api.openapi import openapi_path
from waystation.api.operations import OPERATIONS
from waystation.api.probes import probe_paths
from waystation.api.resource import Path
from waystation.api.v2 import v2_paths
from waystation.engine.service import Service
from waystation.midjourney.commands import COMMANDS
from waystation.ports import Untraced

SERVICE = cast(Service, FakeService())
PATHS: tuple[Path, ...] = (
    *v2_paths(SERVICE, Forms(), Untraced()),
    *probe_paths(SERVICE, CollectorRegistry(), {}),
    openapi_path(),
)


def _without_twins() -> set[str]:
    """Return the routes, a path with a slash at its end only where it differs from its twin."""
    templates = {path.template: path for path in PATHS}
    return {
        f"{method} {template}"
        for template, path in templates.items()
        if template == "/v2/jobs/" or template.removesuffix("/") == template
        for method in path.methods
    }


def test_the_table_names_every_route_and_no_other() -> None:
    assert set(OPERATIONS) == _without_twins()


def test_a_slash_at_the_end_changes_nothing_but_for_the_list() -> None:
    templates = {path.template: set(path.methods) for path in PATHS}
    slashed = {one for one in templates if one.endswith("/") and one != "/v2/jobs/"}
    plain = {one for one in templates if one.startswith("/v2/") and not one.endswith("/")}
    assert {one.removesuffix("/") for one in slashed} <= plain and len(slashed) > len(COMMANDS)
    assert all(templates[one] == templates[one.removesuffix("/")] for one in slashed)


def test_names_are_unique() -> None:
    assert len({row.name for row in OPERATIONS.values()}) == len(OPERATIONS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_verbs_body_has_its_params_and_what_all_verbs_share(verb: str) -> None:
    row, command = OPERATIONS[f"POST /v2/jobs/{verb}"], COMMANDS[verb]
    names = {field.name for field in row.body or ()}
    assert {param.name for param in command.params} | {"replyUrl", "replyRef"} <= names
    assert ("maxJobs" in names) == command.takes_slot
    assert {field.name for field in row.body or () if field.required} == {
        param.name for param in command.params if param.required
    }


def test_numbered_file_parts_are_named_one_by_one() -> None:
    parts = [field.name for field in OPERATIONS["POST /v2/jobs/blend"].body or () if field.part]
    assert parts == [f"blendFile_{number}" for number in range(1, 6)]


def test_bad_input_is_412_on_describe_and_400_elsewhere() -> None:
    too_long = "<field> is too long"
    assert too_long in OPERATIONS["POST /v2/jobs/describe"].refusals[412]
    assert too_long not in OPERATIONS["POST /v2/jobs/describe"].refusals[400]
    assert too_long in OPERATIONS["POST /v2/jobs/imagine"].refusals[400]
    assert 412 not in OPERATIONS["POST /v2/jobs/imagine"].refusals


def test_only_what_wants_a_token_can_refuse_one() -> None:
    for route, row in OPERATIONS.items():
        assert row.guarded == route.split()[1].startswith("/v2/") == (401 in row.refusals), route
