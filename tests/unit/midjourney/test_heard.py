"""The meaning of one message for its job; whole conversations are in test_conversation.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, merged, message_of
from tests.harness.play import CHANNEL, LIMITS, USER, Play, new_job, told
from waystation.gateway_events import InteractionTold, SeenAs, ToldAs
from waystation.ignored import Ignored
from waystation.jobs import InteractionSeen, Job, JobId, JobStatus, Source
from waystation.midjourney.heard import Heard, halt_of
from waystation.midjourney.reading import read
from waystation.midjourney.steps import Step, ignore

NONCE = "1400000000000000001"
FINAL = PAYLOADS["imagine/final"].content["payload"]


def _heard(name: str, job: Job, *, by: str = "message", **fields: object) -> Step:
    message = message_of(PAYLOADS[name])
    heard = Heard(job, SeenAs.UPDATED, message, read(message), by, START, LIMITS, early=False)
    return replace(heard, **fields).decide()


def _submitted() -> Job:
    return replace(new_job("a", "imagine"), status=JobStatus.SUBMITTED, submitted_at=START)


def _started() -> Job:
    (job_step,) = _heard("imagine/progress_0", _submitted()).job_steps
    return job_step.job


def test_a_first_message_acknowledges_and_a_picture_completes() -> None:
    job = _started()
    assert job.status in (JobStatus.STARTED, JobStatus.PROGRESS)
    (job_step,) = _heard("imagine/final", job).job_steps
    assert job_step.job.status is JobStatus.COMPLETED


def test_a_known_sign_changes_nothing() -> None:
    assert _heard("imagine/progress_0", _started()) == ignore(Ignored.NOTHING_NEW)


def test_a_message_of_which_a_part_came_early_asks_for_a_look_back() -> None:
    assert _heard("imagine/progress_0", _submitted(), early=True).look_back == {_submitted().jobid}
    assert not _heard("imagine/progress_0", _submitted()).look_back


@pytest.mark.parametrize(("by", "learns"), [("message", True), ("reference", False)])
def test_the_interaction_is_learnt_from_its_own_answer_only(by: str, learns: bool) -> None:
    (job_step,) = _heard("imagine/started", _submitted(), by=by).job_steps
    assert isinstance(job_step.events[0], InteractionSeen) is learns


def test_a_final_job_keeps_its_status_and_gains_a_late_result() -> None:
    ghost = replace(
        _started(), status=JobStatus.FAILED, ghost=True, finished_at=START, updated_at=START
    )
    step = _heard("imagine/final", ghost, now=START + timedelta(minutes=1))
    (job_step,) = step.job_steps
    assert job_step.job.status is JobStatus.FAILED
    assert job_step.job.late is not None


def test_a_message_without_a_complaint_halts_nothing() -> None:
    assert halt_of(read(message_of(PAYLOADS["imagine/final"]))) is None


# ── one of several results (ADR 8) ──

ALL = "MJ::Job::PicReader::all"


def _imagining_all() -> Play:
    """Press Imagine all, of which nothing but its interaction was seen."""
    params = {"button": "Imagine all \N{PARTY POPPER}", "parentJobId": "parent"}
    play = Play([replace(new_job("a", "button"), params=params)])
    play.sources[JobId("a")] = Source(_id(0), None, ALL)
    play.submit("a", NONCE)
    play.see(InteractionTold(ToldAs.CREATED, _id(1), NONCE))
    return play


def _id(number: int) -> str:
    return str(1456483162128384000 + number)


def _grid(number: int, *, replies_to: int = 0, deed: str = "", **changes: Any) -> dict[str, Any]:
    """A finished grid that names nobody; each shows a file of its own."""
    (file,) = FINAL["attachments"]
    uuid = f"{number:08}-2222-4333-8444-555555555555"
    return {
        "see": "imagine/final",
        "with": {
            "id": _id(number),
            "message_reference": {"message_id": _id(replies_to), "channel_id": CHANNEL},
            "content": f"**fox {number} --ar 3:2** - {deed}<@{USER}> (fast)",
            "attachments": [file | {"id": str(number), "filename": f"ada_fox_{uuid}.webp"}],
            "components": [],
            **changes,
        },
    }


def _collected(play: Play) -> list[str]:
    attachments = play.jobs[JobId("a")].result.get("attachments", ())
    return [one["id"] for one in attachments]  # type: ignore[attr-defined]


def test_a_press_by_hand_on_one_of_several_results_is_no_further_one() -> None:
    play = _imagining_all()
    play.perform(_grid(10))
    play.perform(_grid(20, replies_to=10, deed="Variations (Strong) by "))
    play.perform(_grid(21, replies_to=10))
    assert _collected(play) == ["10"]
    for number in (11, 12, 13):
        play.perform(_grid(number))
    job = play.jobs[JobId("a")]
    assert (job.status, _collected(play)) == (JobStatus.COMPLETED, ["10", "11", "12", "13"])


def test_progress_of_a_press_by_hand_on_one_of_several_results_is_not_the_jobs() -> None:
    play = _imagining_all()
    play.perform(_grid(10))
    content = f"**fox** - Variations (Strong) by <@{USER}> (31%) (fast)"
    begun = _grid(20, replies_to=10, content=content, attachments=[])
    assert told(play.perform(begun)) == []
    assert play.jobs[JobId("a")].message_id == _id(10)


def test_a_refusal_of_a_press_by_hand_on_one_of_several_results_ends_nothing() -> None:
    play = _imagining_all()
    play.perform(_grid(10))
    refused = {"title": "Invalid parameter", "description": "because", "color": 16711680}
    play.perform(_grid(20, replies_to=10, content="", attachments=[], embeds=[refused]))
    assert play.jobs[JobId("a")].status is JobStatus.PROGRESS


def test_one_of_several_results_that_is_shown_again_is_kept_once() -> None:
    play = _imagining_all()
    play.perform(_grid(10))
    (file,) = _grid(10)["with"]["attachments"]
    again = _grid(10, attachments=[file | {"url": f"{file['url']}&again=1"}])
    echo = {"event": "MESSAGE_UPDATE", "payload": merged(FINAL, again["with"])}
    assert told(play.perform({"see": echo})) == []
    assert _collected(play) == ["10"]


def test_one_of_several_results_may_come_after_a_newer_one() -> None:
    play = _imagining_all()
    for number in (13, 12, 10, 11):
        play.perform(_grid(number))
    assert play.jobs[JobId("a")].status is JobStatus.COMPLETED
