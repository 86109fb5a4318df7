"""OTLP: spans sent to a collector over HTTP, by OpenTelemetry's own SDK and exporter.

How it works: a span that ends goes into a queue of bounded length, and a thread sends what is in
it. Whatever the collector does, nobody but that thread waits for it: beyond the queue the oldest
spans go, a batch that is not taken is lost, and a line of the log says so now and then.

Rules: attributes are `Facts` and nothing else; exceptions and their texts are not recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self, Unpack

import requests
import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from waystation.ports import NO_SPAN, Facts, Span

__all__ = ["FLUSH_S", "PATH", "QUEUED", "OtlpTraces", "TellingExporter"]

PATH: Final = "/v1/traces"
"""Source: OpenTelemetry protocol, "OTLP/HTTP Request"."""

QUEUED: Final = 2048
"""Spans that wait to be sent, of some 2 KB each."""
_BATCH: Final = 256
_EVERY_S: Final = 1.0
"""How long a span waits for others to be sent with."""
_ANSWER_S: Final = 5.0
"""How long the collector may take for a batch, with the tries after the first."""
FLUSH_S: Final = 1.0
"""How long a stop of the service waits for spans to be sent."""
_TOLD_EVERY_S: Final = 600.0
"""Lines that tell of spans that were not taken are so far apart."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES: Final = {"status": "http.response.status_code", "receiver": "server.address"}
"""Facts for which OpenTelemetry has a name. Source: OpenTelemetry conventions, "HTTP"."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()

_log = structlog.get_logger("waystation.traces")


class OtlpTraces:
    """Implements `ports.Traces`.

    Args: endpoint: the collector's base URL; version: of Waystation; process: names this process;
    monotonic: a clock in seconds, read in another thread
    """

    def __init__(
        self, endpoint: str, version: str, process: str, monotonic: Callable[[], float]
    ) -> None:
        # a failure is several lines of theirs, with stack traces; `TellingExporter` says it once
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        resource = Resource.create(
            {
                "service.name": "waystation",
                "service.version": version,
                "service.instance.id": process,
            }
        )
        session = requests.Session()
        session.trust_env = False  # no proxy of the environment, and no .netrc
        sending = OTLPSpanExporter(endpoint + PATH, timeout=_ANSWER_S, session=session)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                TellingExporter(sending, endpoint, monotonic),
                max_queue_size=QUEUED,
                max_export_batch_size=_BATCH,
                schedule_delay_millis=_EVERY_S * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("waystation", version)

    def accept(self, name: str, traceparent: str | None, **facts: Unpack[Facts]) -> Span:
        return self._begun(name, _context_of(traceparent), trace.SpanKind.SERVER, None, facts)

    def begin(
        self,
        name: str,
        parent: str | None,
        *,
        asks: bool = False,
        since: datetime | None = None,
        **facts: Unpack[Facts],
    ) -> Span:
        if parent is None:
            return NO_SPAN
        kind = trace.SpanKind.CLIENT if asks else trace.SpanKind.INTERNAL
        return self._begun(name, _context_of(parent), kind, since, facts)

    def _begun(
        self,
        name: str,
        parent: Context,
        kind: trace.SpanKind,
        since: datetime | None,
        facts: Facts,
    ) -> Span:
        began = None if since is None else (since - _EPOCH) // timedelta(microseconds=1) * 1000
        span = self._tracer.start_span(name, parent, kind, start_time=began)
        made = _OtlpSpan(span)
        made.note(**facts)
        return made

    async def close(self) -> bool:
        """Send what waits and stop; a thread goes on with it when `FLUSH_S` are over.

        Returns: whether all is sent, or was refused
        """
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=shut_down, daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_S):
                await closed.wait()
        except TimeoutError:
            return False
        return True


def _context_of(traceparent: str | None) -> Context:
    """Return the context of a `traceparent`; of one that cannot be read the empty context."""
    return _PROPAGATOR.extract({"traceparent": traceparent or ""}, Context())


@dataclass(slots=True)
class _OtlpSpan:
    """Implements `ports.Span`."""

    span: trace.Span

    @property
    def context(self) -> str | None:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(self.span, Context()))
        return carrier.get("traceparent")

    @property
    def trace_id(self) -> str | None:
        context = self.span.get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None

    def note(self, **facts: Unpack[Facts]) -> None:
        for name, value in facts.items():
            if value is not None and value != "":
                known = _NAMES.get(name, f"waystation.{name}")
                self.span.set_attribute(known, value)  # type: ignore[arg-type]  # of Facts

    def fail(self) -> None:
        self.span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        self.span.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.fail()
        self.end()


class TellingExporter(SpanExporter):
    """Hands batches on, and tells now and then how many spans were not taken."""

    def __init__(
        self, sending: SpanExporter, endpoint: str, monotonic: Callable[[], float]
    ) -> None:
        self._sending = sending
        self._endpoint = endpoint
        self._monotonic = monotonic
        self._lost = 0
        self._told_at: float | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._sending.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost += len(spans)
            now = self._monotonic()
            if self._told_at is None or now - self._told_at >= _TOLD_EVERY_S:
                _log.warning("traces.not_taken", collector=self._endpoint, spans=self._lost)
                self._lost, self._told_at = 0, now
        return result

    def shutdown(self) -> None:
        self._sending.shutdown()
