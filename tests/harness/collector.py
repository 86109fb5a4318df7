"""A collector of traces on loopback, which reads OTLP/HTTP with OpenTelemetry's own messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Collector", "Told", "collector"]

WAIT_S = 20.0


@dataclass(frozen=True)
class Told:
    """One span as it came."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty where it has none."""
    kind: int
    failed: bool
    began_ns: int
    ended_ns: int
    facts: dict[str, Any]
    process: str
    """The id of the process that has sent it."""


@dataclass
class Collector:
    """Spans that came."""

    url: str = ""
    spans: list[Told] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    hangs: bool = False
    asked: int = 0
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def named(self, name: str) -> Sequence[Told]:
        """Return the spans of a name, the earliest first."""
        found = [span for span in self.spans if span.name == name]
        return sorted(found, key=lambda span: span.began_ns)

    async def span(self, name: str, count: int = 1) -> Told:
        """Wait for the n-th span of a name."""
        async with asyncio.timeout(WAIT_S):
            while len(self.named(name)) < count:
                await self._moved()
        return self.named(name)[count - 1]

    async def was_asked(self, count: int = 1) -> None:
        """Wait until so many batches have come."""
        async with asyncio.timeout(WAIT_S):
            while self.asked < count:
                await self._moved()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked += 1
        self._came.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.status == 200:
            self.raw.append(body)
            self.headers.append(dict(request.headers))
            self.spans += _spans(body)
        self._came.set()
        return web.Response(status=self.status)

    async def _moved(self) -> None:
        self._came.clear()
        await self._came.wait()


def _spans(body: bytes) -> list[Told]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Told(
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.kind,
            span.status.code == span.status.STATUS_CODE_ERROR,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            {one.key: _value(one.value) for one in span.attributes},
            next(
                one.value.string_value
                for one in group.resource.attributes
                if one.key == "service.instance.id"
            ),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Run a collector."""
    place = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", place.take)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    place.url = f"http://{host}:{port}"
    try:
        yield place
    finally:
        await runner.cleanup()
