"""Traces by the settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from waystation.app.tracing import open_traces
from waystation.errors import ConfigurationError
from waystation.ports import NO_SPAN, Untraced
from waystation.settings import Settings, load


def settings(endpoint: str) -> Settings:
    return load(environ={"WAYSTATION_OTLP_ENDPOINT": endpoint})


async def test_without_a_collector_nothing_is_traced() -> None:
    async with open_traces(settings("")) as traces:
        assert isinstance(traces, Untraced)
        assert traces.accept("POST", None) is traces.begin("job", "00-…") is NO_SPAN
    with NO_SPAN as span:
        span.note(jobid="a")
        span.fail()
        span.end()
    assert span.context is None


async def test_a_collector_without_the_packages_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "waystation.tracing.otlp", raising=False)
    with pytest.raises(ConfigurationError, match=r"waystation\[otel\]") as raised:
        async with open_traces(settings("http://127.0.0.1:4318")):
            raise AssertionError
    assert str(Path("requirements", "otel.txt")) in raised.value.message
