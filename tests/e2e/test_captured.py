"""The examples of docs/api.md are answered as the page shows: same status, keys and types."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.e2e.captured import WRITE, capture, read, shape, write
from tests.e2e.conftest import Install
from waystation.api.operations import OPERATIONS

OPTIONS: dict[str, Any] = {"picture_size": 64, "rate_limits": False}


@pytest.mark.slow
async def test_each_route_answers_as_its_example_shows(install: Install) -> None:
    async with install(sim_options=OPTIONS) as here:
        examples = await capture(here)
    if WRITE in os.environ:
        write(examples)
    kept = read()
    assert set(examples) == set(kept) == set(OPERATIONS)
    for route, example in examples.items():
        assert example["status"] == kept[route]["status"], route
        assert shape(example["body"]) == shape(kept[route]["body"]), route
        assert shape(example["answer"]) == shape(kept[route]["answer"]), route
