"""Tracing: where spans go, by the settings. Without a collector nothing of it is imported."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

import structlog

from waystation.clock import SystemClock, SystemIds
from waystation.errors import ConfigurationError
from waystation.ports import Traces, Untraced
from waystation.settings import Settings

__all__ = ["open_traces"]

log = structlog.get_logger("waystation.app")


@contextlib.asynccontextmanager
async def open_traces(settings: Settings) -> AsyncIterator[Traces]:
    """Trace to the collector of the settings; at the end send what waits, for a bounded time.

    Raises: ConfigurationError: a collector is set, and the packages for it are not installed
    """
    if not settings.otlp_endpoint:
        yield Untraced()
        return
    try:
        from waystation.tracing.otlp import OtlpTraces
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "WAYSTATION_OTLP_ENDPOINT is set, but OpenTelemetry is not installed. Install "
            "waystation[otel]: `pip install --require-hashes -r requirements/otel.txt`. "
            "Or unset WAYSTATION_OTLP_ENDPOINT."
        ) from error
    process, monotonic = SystemIds().token(9), SystemClock().monotonic
    traces = OtlpTraces(settings.otlp_endpoint, version("waystation"), process, monotonic)
    try:
        yield traces
    finally:
        if not await traces.close():
            log.warning("traces.not_flushed", collector=settings.otlp_endpoint)
