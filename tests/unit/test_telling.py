from __future__ import annotations

import pytest

from tests.build import draft, later, replace
from waystation.jobs import (
    Acknowledged,
    Completed,
    Failed,
    Granted,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    Nonce,
    Progressed,
    PutBack,
    Reacted,
    Refused,
    Shown,
    Silent,
    Submitted,
    Unclear,
)
from waystation.telling import Created, beginning, told

SHOWN = Shown("900")

SUBMITTED, GRANTED = Submitted(Nonce("n"), later(60)), Granted("900")
STARTED, PROGRESSED = Acknowledged(SHOWN, later(60)), Progressed(SHOWN)


def job(status: JobStatus = JobStatus.STARTED) -> Job:
    made = draft()
    finished_at = later() if status is JobStatus.COMPLETED else None
    return replace(
        Job(JobId("job:1"), 1, "account-1", "1", made.verb, status, later(), later(), "ABC"),
        finished_at=finished_at,
    )


@pytest.mark.parametrize(
    ("events", "status", "numbers"),
    [
        ((), JobStatus.STARTED, []),
        ((Silent(), STARTED, Unclear("late"), PROGRESSED), JobStatus.STARTED, [2, 4]),
        ((Refused(429, "wait"),), JobStatus.STARTED, []),
        ((Refused(429, "wait"), STARTED, Completed(SHOWN)), JobStatus.COMPLETED, [2, 3]),
        ((Failed(502, "no"), Late(SHOWN, ended=True)), JobStatus.COMPLETED, [1]),
        ((Late(SHOWN, ended=True),), JobStatus.COMPLETED, []),
        ((GRANTED, SUBMITTED, PutBack("full"), GRANTED), JobStatus.CREATED, [1, 3, 4]),
        ((SUBMITTED, Reacted()), JobStatus.STARTED, [2]),
    ],
)
def test_a_caller_is_told_of_the_queue_of_progress_and_once_of_the_end(
    events: tuple[JobEvent, ...], status: JobStatus, numbers: list[int]
) -> None:
    numbered = list(enumerate(events, 1))
    assert [number for number, _ in told(numbered, job(status))] == numbers


@pytest.mark.parametrize(
    ("events", "account_id", "waits"),
    [
        ((), "account-1", False),
        ((), "", True),
        ((Failed(502, "no"),), "", True),
        ((SUBMITTED, STARTED), "account-1", False),
        ((Silent(), SUBMITTED, PutBack("full")), "", False),
        ((PutBack("full"), GRANTED), "account-1", False),
        ((GRANTED, SUBMITTED), "account-1", True),
    ],
)
def test_a_job_that_was_granted_before_anything_else_began_in_the_queue(
    events: tuple[JobEvent, ...], account_id: str, waits: bool
) -> None:
    numbered = list(enumerate(events, 1))
    now = replace(job(), account_id=account_id)
    assert beginning(numbered, now) == Created(waits)
