from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.play import new_job
from waystation.jobs import (
    Expired,
    Failed,
    Job,
    JobEvent,
    JobStatus,
    Modal,
    PutBack,
    Refused,
    Shown,
)
from waystation.midjourney.putting_back import instead, not_sent

UNTIL = START + timedelta(hours=24)
REFUSED = Refused(429, "Slow down")
FAILED = Failed(502, "Uploading the picture took too long")


def queued(**fields: Any) -> Job:
    return replace(new_job("a"), queue_until=UNTIL, **fields)


@pytest.mark.parametrize("status", [JobStatus.CREATED, JobStatus.SUBMITTED, JobStatus.STARTED])
@pytest.mark.parametrize("event", [REFUSED, FAILED])
def test_a_job_of_the_queue_waits_again(status: JobStatus, event: Refused | Failed) -> None:
    """R13."""
    assert instead(queued(status=status), event, START) == PutBack(event.error)


def test_the_message_that_refused_it_is_kept() -> None:
    shown = Shown("900")
    assert instead(queued(), replace(FAILED, shown=shown), START) == PutBack(FAILED.error, shown)


@pytest.mark.parametrize(
    "job",
    [
        new_job("a"),
        queued(status=JobStatus.PROGRESS),
        queued(status=JobStatus.STARTED, hash="h"),
        queued(cancel_requested_at=START),
        queued(modal=Modal("88", "MJ::RemixModal::x")),
    ],
)
def test_a_job_that_may_run_or_is_none_of_the_queue_has_its_end(job: Job) -> None:
    assert instead(job, FAILED, START) == FAILED


def test_an_end_of_another_kind_stays() -> None:
    event: JobEvent = Expired("too long")
    assert instead(queued(), event, START) == event


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=2.5), "2.5 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=60), "60 seconds"),
    ],
)
def test_a_job_that_has_waited_as_long_as_it_may_says_for_how_long(
    waited: timedelta, said: str
) -> None:
    job = replace(queued(), queue_until=START + waited)
    end = instead(job, REFUSED, START + waited)
    assert isinstance(end, Failed)
    assert (end.code, end.error) == (502, f"Not sent within {said}: Slow down")
    assert end == not_sent(job, "Slow down")


def test_a_job_that_is_none_of_the_queue_has_waited_for_nothing() -> None:
    assert not_sent(new_job("a"), "x").error == "Not sent within 0 seconds: x"
