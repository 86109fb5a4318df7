"""Spans sent to a collector on loopback."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from tests.e2e.conftest import eventually
from tests.harness.collector import Collector, collector
from waystation.ports import NO_SPAN
from waystation.tracing.otlp import FLUSH_S, QUEUED, OtlpTraces, TellingExporter

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


class Refusing(SpanExporter):
    """Takes nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE


@asynccontextmanager
async def traced() -> AsyncIterator[tuple[OtlpTraces, Collector]]:
    async with collector() as seen:
        traces = OtlpTraces(seen.url, "1.2.3", "process", lambda: 0.0)
        try:
            yield traces, seen
        finally:
            seen.hangs = False
            await traces.close()


async def test_a_request_goes_on_with_a_trace_or_begins_one() -> None:
    async with traced() as (traces, seen):
        for number, parent in enumerate((PARENT, None, "nonsense", "ff-" + PARENT[3:])):
            traces.accept(f"POST {number}", parent).end()
        spans = [await seen.span(f"POST {number}") for number in range(4)]
        assert (spans[0].trace_id, spans[0].parent_id) == (TRACE, "b7ad6b7169203331")
        assert [span.parent_id for span in spans[1:]] == [""] * 3
        assert len({span.trace_id for span in spans}) == 4
        assert {span.kind for span in spans} == {2}


async def test_a_step_belongs_to_the_job_that_its_context_names() -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    async with traced() as (traces, seen):
        request = traces.accept("POST", None, verb="imagine")
        with traces.begin("wait", request.context, since=since, jobid="a") as span:
            span.note(events=("One", "Two"), code=200, status=204, receiver="http://b", nonce=None)
        traces.begin("ask", request.context, asks=True, account="").end()
        request.end()
        root, wait, ask = [await seen.span(name) for name in ("POST", "wait", "ask")]
        assert wait.parent_id == ask.parent_id == root.span_id
        assert request.trace_id == root.trace_id
        assert request.context is not None
        assert request.context.startswith(f"00-{root.trace_id}-{root.span_id}-")
        assert wait.began_ns == 1767323045678901000 < wait.ended_ns
        assert wait.facts == {
            "waystation.jobid": "a",
            "waystation.events": ["One", "Two"],
            "waystation.code": 200,
            "http.response.status_code": 204,
            "server.address": "http://b",
        }
        assert ask.facts == {}
        assert [span.kind for span in (root, wait, ask)] == [2, 1, 3]


async def test_a_step_of_a_job_without_a_context_is_not_traced() -> None:
    async with traced() as (traces, _):
        assert traces.begin("wait", None) is NO_SPAN


async def test_a_trace_that_its_caller_does_not_record_is_handed_on_and_not_sent() -> None:
    async with traced() as (traces, seen):
        request = traces.accept("POST", UNSAMPLED)
        assert request.context is not None
        assert request.context.startswith(f"00-{TRACE}-") and request.context.endswith("-00")
        traces.begin("wait", request.context).end()
        request.end()
        traces.accept("POST", PARENT).end()
        await seen.span("POST")
        assert [span.name for span in seen.spans] == ["POST"]


async def test_a_block_that_raises_is_a_failed_span_without_the_reason() -> None:
    async with traced() as (traces, seen):
        try:
            with traces.begin("ask", PARENT):
                raise ValueError("canary")
        except ValueError:
            pass
        assert (await seen.span("ask")).failed
        assert b"canary" not in b"".join(seen.raw)


async def test_a_collector_that_hangs_costs_the_oldest_spans_and_nobody_waits() -> None:
    async with traced() as (traces, seen):
        seen.hangs = True
        traces.begin("first", PARENT).end()
        await seen.was_asked()
        for number in range(QUEUED + 10):
            traces.begin(f"{number}", PARENT).end()
        seen.hangs = False
        await eventually(lambda: len(seen.spans) >= QUEUED)
        assert seen.spans[0].name == "10"
        assert len(seen.spans) == QUEUED


def test_batches_that_are_not_taken_are_told_now_and_then() -> None:
    now = [0.0]
    telling = TellingExporter(Refusing(), "http://collector", lambda: now[0])
    with capture_logs() as lines:
        for now[0] in (0.0, 1.0, 599.0, 600.0, 1200.0):
            telling.export([cast(ReadableSpan, None)] * 2)
    assert [(line["event"], line["spans"], line["collector"]) for line in lines] == [
        ("traces.not_taken", 2, "http://collector"),
        ("traces.not_taken", 6, "http://collector"),
        ("traces.not_taken", 2, "http://collector"),
    ]


async def test_a_collector_that_refuses_is_told_in_one_line() -> None:
    async with traced() as (traces, seen):
        seen.status = 400
        with capture_logs() as lines:
            traces.begin("ask", PARENT).end()
            await eventually(lambda: bool(lines))
        assert [(line["event"], line["spans"]) for line in lines] == [("traces.not_taken", 1)]


async def test_spans_that_wait_are_sent_at_the_end() -> None:
    async with collector() as seen:
        traces = OtlpTraces(seen.url, "1.2.3", "process", lambda: 0.0)
        for _ in range(300):
            traces.begin("ask", PARENT).end()
        assert await traces.close()
        assert len(seen.spans) == 300


async def test_a_collector_that_hangs_is_not_waited_for_at_the_end() -> None:
    async with collector() as seen:
        seen.hangs = True
        traces = OtlpTraces(seen.url, "1.2.3", "process", lambda: 0.0)
        traces.begin("ask", PARENT).end()
        began = time.monotonic()
        assert not await traces.close()
        assert time.monotonic() - began < 2 * FLUSH_S
