"""Attempts of callbacks in the traces of their jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest
from structlog.contextvars import clear_contextvars, get_contextvars

from tests.build import replace
from tests.harness.due_store import callback
from tests.harness.play import new_job
from tests.harness.traces import TRACE, FakeTraces, context
from waystation.callbacks import Attempt, Callback
from waystation.engine.outbox.tracing import TracedSender
from waystation.errors import StoreError
from waystation.jobs import Job, JobId
from waystation.ports import Jobs

JOB = replace(new_job("a"), trace=context(7))
CALLBACK = replace(callback(), jobid=JOB.jobid, attempts=2)


class Sender:
    """Notes what is sent."""

    def __init__(self, status: int | None = 200) -> None:
        self.status = status
        self.headers: list[Mapping[str, str]] = []

    async def send(self, callback: Callback, headers: Mapping[str, str]) -> Attempt:
        self.headers.append(headers)
        return Attempt(self.status, None, 0.1)


class Rows:
    """The rows of jobs."""

    def __init__(self, job: Job | None) -> None:
        self.job = job

    async def get_job(self, jobid: JobId, user_id: int | None) -> Job | None:
        assert (jobid, user_id) == (JOB.jobid, None)
        return self.job


class BrokenRows(Rows):
    async def get_job(self, jobid: JobId, user_id: int | None) -> Job | None:
        raise StoreError


def traced(sender: Sender, rows: Rows, traces: FakeTraces) -> TracedSender:
    clear_contextvars()
    return TracedSender(sender, cast(Jobs, rows), traces)


async def test_an_attempt_belongs_to_its_jobs_trace_and_hands_it_on() -> None:
    sender, traces = Sender(), FakeTraces()
    attempt = await traced(sender, Rows(JOB), traces).send(CALLBACK, {"webhook-id": "1"})
    assert attempt.delivered
    (span,) = traces.spans
    assert (span.name, span.parent, span.asks) == ("callback.attempt", context(7), True)
    assert (span.ended, span.failed) == (True, False)
    assert span.facts["attempt"] == 3
    assert (span.facts["jobid"], span.facts["status"]) == (JOB.jobid, 200)
    assert span.facts["callback_id"] == CALLBACK.callback_id
    assert sender.headers == [{"webhook-id": "1", "traceparent": context(1)}]
    assert get_contextvars() == {"trace_id": TRACE}


async def test_an_attempt_that_is_not_taken_is_a_failed_span() -> None:
    traces = FakeTraces()
    await traced(Sender(None), Rows(JOB), traces).send(CALLBACK, {})
    assert traces.spans[0].failed


@pytest.mark.parametrize(
    ("rows", "jobid"),
    [
        (Rows(replace(JOB, trace=None)), JOB.jobid),
        (Rows(None), JOB.jobid),
        (BrokenRows(JOB), JOB.jobid),
        (Rows(JOB), None),
    ],
    ids=["not traced", "purged", "store down", "ping"],
)
async def test_an_attempt_without_a_trace_is_sent_as_it_is(rows: Rows, jobid: JobId | None) -> None:
    sender, traces = Sender(), FakeTraces()
    await traced(sender, rows, traces).send(replace(CALLBACK, jobid=jobid), {"webhook-id": "1"})
    assert (sender.headers, traces.spans) == ([{"webhook-id": "1"}], [])
    assert get_contextvars() == {}
