from __future__ import annotations

import pytest

from tests.build import later
from waystation import sentences
from waystation.failings import is_failing
from waystation.jobs import (
    Cancelled,
    Completed,
    Expired,
    Failed,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    Lost,
    Moderated,
    Refused,
    Shown,
)


def ended(code: int, error: str) -> Job:
    status = JobStatus.FAILED
    at = later()
    return Job(
        JobId("job:1"), 1, "account-1", "2", "imagine", status, at, at, "", code=code, error=error
    )


@pytest.mark.parametrize(
    ("code", "error", "event"),
    [
        (502, sentences.NO_REPLY.said(time="60 s"), Lost("x")),
        (502, sentences.TOOK_TOO_LONG.said(time="30 min"), Expired("x")),
        (504, "Job queued", Failed(504, "Job queued", ghost=True)),
        (429, "Queue full", Failed(429, "Queue full")),
        (429, sentences.RATE_LIMITED.text, Refused(429, "x")),
        (502, sentences.INTERACTION_FAILED.said(status=500), Refused(502, "x")),
        (502, sentences.CONNECTION_LOST.text, Failed.by(sentences.CONNECTION_LOST)),
    ],
)
def test_ends_of_discord_the_bot_and_the_account_are_failings(
    code: int, error: str, event: JobEvent
) -> None:
    assert is_failing(ended(code, error), [event])


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, "Invalid parameter"),
        (422, "Banned prompt detected"),
        (502, sentences.NOT_TOLD_APART.text),
        (502, sentences.RESTORED.text),
        (502, sentences.ACCOUNT_REMOVED.text),
        (502, sentences.NO_TURN.said(time="1 min")),
        (502, sentences.DOWN_AT_TURN.text),
    ],
)
def test_ends_of_a_prompt_and_our_own_are_none(code: int, error: str) -> None:
    assert not is_failing(ended(code, error), [Failed(code, error)])


@pytest.mark.parametrize(
    "event",
    [Completed(Shown("1")), Moderated("x"), Cancelled(ghost=True), Late(Shown("1"), ended=True)],
)
def test_other_events_are_none_whatever_the_job_has_ended_with(event: JobEvent) -> None:
    assert not is_failing(ended(502, "reply lost"), [event])
