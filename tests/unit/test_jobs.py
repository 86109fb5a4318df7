"""Jobs and their events are plain, closed, frozen values."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import get_args

import msgspec
import pytest

import waystation.jobs
from tests.build import replace
from tests.harness.play import new_job
from tests.harness.traces import TRACE
from waystation import sentences
from waystation.jobs import FINAL, Button, Failed, Job, JobEvent, JobStatus, MessageRole, Modal


@pytest.mark.parametrize("status", JobStatus)
def test_a_status_is_final_exactly_when_nothing_can_follow(status: JobStatus) -> None:
    assert status.final == (status in FINAL)
    assert replace(new_job("a"), status=status).final == status.final


def test_the_statuses_are_v2s_words_and_one_of_ours() -> None:
    assert [status.value for status in JobStatus] == [
        "created",
        "submitted",
        "started",
        "progress",
        "completed",
        "moderated",
        "failed",
        "cancelled",
    ]


@pytest.mark.parametrize(
    "evidence", [{"interaction_id": "1"}, {"message_id": "1"}, {"hash": "1"}], ids=str
)
def test_a_job_is_bound_by_any_evidence_of_its_own(evidence: dict[str, str]) -> None:
    job = new_job("a")
    assert not job.bound
    assert replace(job, **evidence).bound


def test_a_job_names_its_trace() -> None:
    traced = replace(new_job("a"), trace=f"00-{TRACE}-b7ad6b7169203331-01")
    assert (traced.trace_id, new_job("a").trace_id) == (TRACE, None)


def test_a_job_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        new_job("a").status = JobStatus.FAILED  # type: ignore[misc]


@pytest.mark.parametrize("event", get_args(JobEvent), ids=lambda event: event.__name__)
def test_an_event_is_a_frozen_value_that_the_module_names(event: type) -> None:
    assert is_dataclass(event)
    assert event.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert event.__name__ in waystation.jobs.__all__


def test_a_job_starts_unfinished_and_without_evidence() -> None:
    job = new_job("a")
    unset = {name for name in Job.__struct_fields__ if getattr(job, name) is None}
    assert {"nonce", "submitted_at", "finished_at", "late", "error", "slot_until"} <= unset
    assert (job.code, job.version, job.ghost) == (200, 0, False)


def test_a_button_under_suggested_prompts_picks_a_text() -> None:
    assert Button("1", "MJ::Job::PicReader::1").picks_text
    assert not Button("U1", "MJ::JOB::upsample::1::x").picks_text


def test_a_form_tells_how_it_is_answered() -> None:
    region, settings = Modal("1", "MJ::iframe::x"), Modal("1", "MJ::Settings::VersionSelector")
    assert (region.is_iframe, region.is_settings) == (True, False)
    assert (settings.is_iframe, settings.is_settings) == (False, True)


def test_a_failure_by_a_sentence_has_its_status_and_its_words() -> None:
    failed = Failed.by(sentences.NOT_SENT, "nothing was sent", ghost=True)
    assert (failed.code, failed.error) == (sentences.NOT_SENT.status, sentences.NOT_SENT.text)
    assert (failed.details, failed.ghost) == ("nothing was sent", True)


def test_a_press_names_its_parent_and_its_button() -> None:
    job = replace(new_job("a", "button"), params={"parentJobId": "parent", "button": "V1"})
    assert (job.parent_jobid, job.button) == ("parent", "V1")
    assert (new_job("b").parent_jobid, new_job("b").button) == (None, None)


def test_the_target_of_a_job_is_the_message_that_was_pressed() -> None:
    messages = {"1": MessageRole.PROGRESS, "2": MessageRole.TARGET}
    assert replace(new_job("a"), messages=messages).target == "2"
    assert replace(new_job("a"), messages={"1": MessageRole.RESULT}).target is None


@pytest.mark.parametrize(
    ("fields", "in_flight"),
    [
        ({"status": JobStatus.SUBMITTED}, True),
        ({"status": JobStatus.CREATED}, False),
        ({"status": JobStatus.SUBMITTED, "interaction_id": "1"}, False),
        ({"status": JobStatus.SUBMITTED, "unclear": True}, False),
    ],
    ids=str,
)
def test_a_job_is_in_flight_until_it_shows_something_or_is_unclear(
    fields: dict[str, object], *, in_flight: bool
) -> None:
    assert replace(new_job("a"), **fields).in_flight is in_flight


def test_a_job_holds_no_slot_unless_it_is_said() -> None:
    held = new_job("a", "imagine")
    needed = {
        one.name: getattr(held, one.name)
        for one in msgspec.structs.fields(Job)
        if one.default is one.default_factory is msgspec.NODEFAULT
    }
    bare = Job(**needed)
    assert not (bare.slot or bare.unclear or bare.ghost or bare.reply_progress)


@pytest.mark.parametrize(
    ("account_id", "status", "waits"),
    [
        ("", JobStatus.CREATED, True),
        ("account", JobStatus.CREATED, False),
        ("", JobStatus.CANCELLED, False),
    ],
)
def test_a_job_waits_in_the_queue_while_no_account_has_it(
    account_id: str, status: JobStatus, waits: bool
) -> None:
    assert replace(new_job("a"), account_id=account_id, status=status).waiting is waits
