"""Spans and log lines of what is committed."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.build import replace
from tests.harness.play import new_job
from tests.harness.traces import TRACE, FakeTraces, context
from waystation.engine.account import spans
from waystation.jobs import Completed, Job, JobStatus, Nonce, Shown
from waystation.midjourney.steps import JobStep, Step

TRACED = replace(
    new_job("a"), trace=context(7), nonce=Nonce("9"), message_id="5", status=JobStatus.COMPLETED
)


def step_of(job: Job) -> Step:
    return Step(job_steps=(JobStep(job, (Completed(Shown("5")),)),))


def test_a_committed_step_is_a_span_of_its_jobs_trace() -> None:
    traces = FakeTraces()
    begun = spans.begin(traces, step_of(TRACED), "account-1")
    (span,) = traces.spans
    assert (span.name, span.parent, span.ended) == ("job.completed", context(7), False)
    assert span.facts == {
        "jobid": "a",
        "verb": TRACED.verb,
        "account": "account-1",
        "nonce": "9",
        "message": "5",
        "code": 200,
        "events": ("Completed",),
    }
    spans.end(begun)
    assert span.ended
    assert not span.failed


def test_a_failed_job_is_a_failed_span() -> None:
    traces = FakeTraces()
    spans.begin(traces, step_of(replace(TRACED, status=JobStatus.FAILED)), "account-1")
    assert traces.spans[0].failed


def test_a_job_that_is_not_traced_has_no_span() -> None:
    traces = FakeTraces()
    assert spans.begin(traces, step_of(replace(TRACED, trace=None)), "account-1") == []
    assert traces.spans == []


def test_a_log_line_names_the_trace_where_there_is_one() -> None:
    with capture_logs() as lines:
        for job in (TRACED, replace(TRACED, trace=None)):
            spans.tell(step_of(job).job_steps[0])
    assert [line.get("trace_id") for line in lines] == [TRACE, None]
    assert [line["event"] for line in lines] == ["job.completed"] * 2
    assert lines[1].keys() == {"event", "log_level", "jobid", "nonce", "events", "code", "message"}
