"""The operator's numbers reach the part they are for: no two are mixed up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from typing import Any

import pytest

from waystation.app import limits
from waystation.settings import Settings

_NUMBERS = {
    name: 1_000 + place
    for place, name in enumerate(sorted(Settings.__annotations__))
    if isinstance(getattr(Settings(), name), int | float)
    and not isinstance(getattr(Settings(), name), bool)
}
"""Setting → a value that no other has."""

ALL = Settings(**{**_NUMBERS, "trusted_proxies": ("10.0.0.0/8",)}, track_queued_jobs=True)  # type: ignore[arg-type]

_UNITS: Mapping[str, Callable[[float], timedelta]] = {
    "_s": lambda value: timedelta(seconds=value),
    "_days": lambda value: timedelta(days=value),
    "_hours": lambda value: timedelta(hours=value),
}

FIELDS: Mapping[Callable[[Settings], Any], Mapping[str, str]] = {
    limits.body_limits: {
        "json_bytes": "json_limit_bytes",
        "form_bytes": "form_limit_bytes",
        "body_s": "body_timeout_s",
    },
    limits.bounds: {"head_s": "head_timeout_s"},
    limits.service_limits: {
        "first_answer_s": "first_answer_s",
        "first_edit_s": "first_edit_s",
        "pictures_per_user": "fetches_per_user",
        "pictures": "fetches",
        "picture_bytes": "fetch_limit_bytes",
        "input_bytes": "input_bytes_per_user",
    },
    lambda settings: limits.service_limits(settings).queue: {
        "wait": "queue_hours",
        "per_user": "queue_per_user",
    },
    limits.owner_limits: {
        "pacing_s": "pacing_s",
        "pacing_jitter_s": "pacing_jitter_s",
        "request_timeout_s": "request_timeout_s",
        "lease_s": "lease_s",
        "send_within_s": "send_within_s",
    },
    lambda settings: limits.owner_limits(settings).conversation: {
        "first_answer": "first_answer_s",
        "job_timeout": "job_timeout_s",
        "silence": "silence_s",
        "vanish_grace": "vanish_grace_s",
        "slot_hold": "slot_hold_s",
        "ghost_life": "ghost_life_s",
        "blind_grace": "blind_grace_s",
        "track_queued": "track_queued_jobs",
    },
    limits.fetch_limits: {
        "max_bytes": "fetch_limit_bytes",
        "max_pixels": "fetch_limit_pixels",
        "timeout_s": "fetch_timeout_s",
    },
    limits.retention: {
        "jobs": "job_retention_days",
        "unrecognised": "unrecognised_days",
        "round": "janitor_s",
        "orphan_grace": "blind_grace_s",
        "send_within": "send_within_s",
    },
}
"""Limits, by who makes them: field → setting."""

COMPUTED = {"proxies", "lane", "a_minute", "conversation", "queue"}
"""Fields that are made of several settings, or are limits of their own."""


@pytest.mark.parametrize("make", FIELDS, ids=lambda make: ", ".join(FIELDS[make]))
def test_each_field_has_the_value_of_its_setting(make: Callable[[Settings], Any]) -> None:
    made = make(ALL)
    assert is_dataclass(made)
    required = {one.name for one in fields(made) if one.default is MISSING}
    assert required - COMPUTED == set(FIELDS[make])
    for name, setting in FIELDS[make].items():
        found, value = getattr(made, name), getattr(ALL, setting)
        if isinstance(found, timedelta):
            (unit,) = (unit for end, unit in _UNITS.items() if setting.endswith(end))
            assert found == unit(value), name
        else:
            assert found == value, name


def test_the_rest_is_computed() -> None:
    assert limits.drain_step_s(ALL) == _NUMBERS["drain_s"] / 4
    assert [str(network) for network in limits.bounds(ALL).proxies] == ["10.0.0.0/8"]
    assert limits.copy_bounds(ALL).most == int(ALL.media_gib * 1024**3)
    usual = limits.service_limits(Settings())
    assert (usual.lane, usual.a_minute) != (0, 0)
