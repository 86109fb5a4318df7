"""Spans and log lines of what is committed for jobs: one of each per job of a step.

A span lasts as long as its commit; one whose commit fails never ends and is not told.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from waystation.jobs import Job, JobStatus
from waystation.midjourney.steps import JobStep, Step
from waystation.ports import Facts, Span, Traces

__all__ = ["begin", "end", "facts_of", "tell"]

log = structlog.get_logger("waystation.owner")


def facts_of(job: Job, account_id: str) -> Facts:
    """Return what each span of a job says."""
    return {"jobid": job.jobid, "verb": job.verb, "account": account_id}


def begin(traces: Traces, step: Step, account_id: str) -> Sequence[Span]:
    """Begin a span for each traced job of a step that is about to be committed."""
    return [_begun(traces, one, account_id) for one in step.job_steps if one.job.trace is not None]


def end(spans: Sequence[Span]) -> None:
    """End the spans of a step: it is committed."""
    for span in spans:
        span.end()


def tell(step: JobStep) -> None:
    """Log what was committed for a job."""
    job = step.job
    facts = {
        "code": job.code,
        "error": job.error,
        "message": job.message_id,
        "trace_id": job.trace_id,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    log.info(f"job.{job.status}", jobid=job.jobid, nonce=job.nonce, events=_kinds(step), **known)


def _begun(traces: Traces, step: JobStep, account_id: str) -> Span:
    job = step.job
    span = traces.begin(f"job.{job.status}", job.trace, **facts_of(job, account_id))
    span.note(nonce=job.nonce, message=job.message_id, code=job.code, events=tuple(_kinds(step)))
    if job.status is JobStatus.FAILED:
        span.fail()
    return span


def _kinds(step: JobStep) -> list[str]:
    return [type(event).__name__ for event in step.events]
