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
from waystation.jobs import (
    Acknowledged,
    Cancelled,
    Completed,
    Failed,
    InteractionSeen,
    Job,
    JobId,
    JobStatus,
    Late,
    MessageRole,
    Modal,
    ModalOpened,
    Moderated,
    PutBack,
    Source,
)
from waystation.midjourney.heard import Heard, halt_of, late_ended
from waystation.midjourney.reading import read
from waystation.midjourney.steps import Step, ignore
from waystation.wire.snowflake import snowflake_time

NONCE = "1400000000000000001"
FINAL = PAYLOADS["imagine/final"].content["payload"]
UNTIL = START + timedelta(hours=24)
FINAL_UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


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


# ── one message for one job ──


def _ignored(step: Step) -> Ignored | None:
    assert not step.job_steps
    return step.ignored


@pytest.mark.parametrize(
    ("name", "event", "status", "code", "ghost"),
    [
        ("describe/image_denied", Moderated, JobStatus.MODERATED, 422, False),
        ("imagine/stopped", Cancelled, JobStatus.CANCELLED, 200, False),
        ("describe/job_queued", Failed, JobStatus.FAILED, 504, True),
        ("imagine/internal_error", Failed, JobStatus.FAILED, 502, False),
        ("imagine/queue_full", Failed, JobStatus.FAILED, 429, False),
    ],
)
def test_an_error_ends_the_job_as_its_meaning_says(
    name: str, event: type, status: JobStatus, code: int, *, ghost: bool
) -> None:
    step = _heard(name, replace(_submitted(), interaction_id="1400000000000000010"))
    (done,) = step.job_steps
    assert [type(one) for one in done.events] == [event]
    assert (done.job.status, done.job.code, done.job.ghost) == (status, code, ghost)
    assert step.halt is None


def test_a_full_queue_of_midjourneys_puts_a_job_of_ours_back() -> None:
    """R13."""
    job = replace(_submitted(), interaction_id="1400000000000000010", queue_until=UNTIL)
    (back,) = _heard("imagine/queue_full", job).job_steps
    assert [type(one) for one in back.events] == [PutBack]
    assert back.job.waiting
    # another refusal ends it
    (done,) = _heard("imagine/internal_error", job).job_steps
    assert done.job.status is JobStatus.FAILED


def test_an_error_that_halts_the_account_is_as_old_as_its_message() -> None:
    step = _heard("describe/pending_mod_message", _submitted())
    message_id = "1400000000003145728"
    assert step.halt is not None
    assert (step.halt.said, step.halt.triggered_at) == (message_id, snowflake_time(message_id))
    (done,) = step.job_steps
    assert (done.job.code, done.job.error_details) == (596, step.halt.text)


def test_a_pressed_message_says_nothing_new_until_its_edit_answers() -> None:
    """R21: what else is found of the job is from before the press."""
    pressed = replace(_submitted(), verb="button", pressed="MJ::Picread::Retry")
    assert _ignored(_heard("describe/described", pressed)) is Ignored.BEFORE_PRESS
    (done,) = _heard("describe/described", pressed, by="target").job_steps
    assert done.job.status is JobStatus.COMPLETED
    (done,) = _heard("describe/image_denied", pressed).job_steps
    assert done.job.status is JobStatus.MODERATED


def test_the_progress_of_one_of_several_results_is_no_progress_of_the_job() -> None:
    several = replace(
        _submitted(), verb="button", params={"button": "Imagine all \N{PARTY POPPER}"}
    )
    assert _ignored(_heard("imagine/progress_31", several, by="several")) is Ignored.PREVIEW


@pytest.mark.parametrize(("by", "uuid"), [("several", None), ("hash", FINAL_UUID)])
def test_one_of_several_results_gives_the_job_a_uuid_only_by_a_sign(
    by: str, uuid: str | None
) -> None:
    several = replace(
        _submitted(), verb="button", params={"button": "Imagine all \N{PARTY POPPER}"}
    )
    (done,) = _heard("imagine/final", several, by=by).job_steps
    assert (done.job.status, done.job.hash) == (JobStatus.PROGRESS, uuid)
    assert done.job.buttons == ()


def test_progress_within_a_second_of_the_last_is_too_soon() -> None:
    """R37."""
    begun = replace(_started(), status=JobStatus.PROGRESS)
    soon, later = (START + timedelta(seconds=seconds) for seconds in (0.9, 1))
    assert _ignored(_heard("imagine/progress_31", begun, now=soon)) is Ignored.TOO_SOON
    (done,) = _heard("imagine/progress_31", begun, now=later).job_steps
    assert (done.job.progress, done.job.updated_at) == (31, later)


@pytest.mark.parametrize(
    "fields",
    [{"status": JobStatus.STARTED}, {"hash": None}, {"message_id": "1400000000000000001"}],
    ids=str,
)
def test_progress_that_shows_more_than_a_share_is_never_too_soon(fields: dict[str, Any]) -> None:
    begun = replace(_started(), **{"status": JobStatus.PROGRESS, **fields})
    (done,) = _heard("imagine/progress_31", begun).job_steps
    assert done.job.progress == 31


def test_a_message_that_was_deleted_and_is_in_history_takes_the_deletion_back() -> None:
    """R27."""
    gone = replace(_started(), vanished_at=START)
    assert _ignored(_heard("imagine/progress_0", gone)) is Ignored.NOTHING_NEW
    (done,) = _heard("imagine/progress_0", gone, seen_as=SeenAs.HISTORY).job_steps
    assert done.job.vanished_at is None


def test_a_message_in_unknown_words_is_kept_for_the_operator() -> None:
    """R24."""
    step = _heard("describe/unknown_wording", _submitted())
    assert step.unrecognised == message_of(PAYLOADS["describe/unknown_wording"])
    assert _heard("imagine/started", _submitted()).unrecognised is None


# ── one option of the settings ──


def _setting(option: str, state: str = "on", **fields: Any) -> Step:
    params = {"option": option, "state": state}
    job = replace(_submitted(), verb="settings", params=params, **fields)
    return _heard("settings/settings", job)


def _events(step: Step) -> list[type]:
    (done,) = step.job_steps
    return [type(one) for one in done.events]


def test_settings_are_opened_for_the_press_of_their_option() -> None:
    step = _setting("turbo MODE")
    assert _events(step) == [InteractionSeen, Acknowledged, ModalOpened]
    (done,) = step.job_steps
    assert done.job.modal is not None
    assert done.job.modal.custom_id == "MJ::Settings::TurboMode"
    assert done.job.deadline_at == START + LIMITS.first_answer


def test_an_option_that_is_as_wanted_is_not_pressed() -> None:
    assert _events(_setting("Remix mode")) == [InteractionSeen, Completed]


@pytest.mark.parametrize(
    ("option", "state", "error", "details"),
    [
        ("Remicks", "on", "No such option", "The settings have: Midjourney Model V6.1, "),
        ("Fast mode", "off", "Option cannot be turned off", "turn another one on"),
    ],
)
def test_an_option_that_cannot_be_set_fails_with_the_reason(
    option: str, state: str, error: str, details: str
) -> None:
    step = _setting(option, state)
    (done,) = step.job_steps
    assert (done.job.code, done.job.error) == (400, error)
    assert details in (done.job.error_details or "")


def test_settings_that_are_opened_already_open_nothing() -> None:
    assert _ignored(_setting("Turbo mode", modal=Modal("1", "x"))) is Ignored.NOTHING_NEW


def test_settings_complete_a_job_without_option_or_after_its_press() -> None:
    shown = replace(_submitted(), verb="settings")
    assert _events(_heard("settings/settings", shown)) == [InteractionSeen, Completed]
    pressed = _setting("Turbo mode", pressed="MJ::Settings::TurboMode")
    assert _ignored(pressed) is Ignored.BEFORE_PRESS


# ── of a job that is over ──


def _ghost() -> Job:
    over = {"status": JobStatus.FAILED, "ghost": True, "finished_at": START}
    return replace(_started(), **over)


def test_a_late_result_that_is_in_ends_what_a_ghost_hears() -> None:
    (done,) = _heard("imagine/final", _ghost()).job_steps
    assert _ignored(_heard("imagine/final_other", done.job)) is Ignored.OVER


def test_a_ghost_hears_a_known_message_no_second_time() -> None:
    assert _ignored(_heard("imagine/progress_0", _ghost())) is Ignored.NOTHING_NEW


def test_a_ghost_that_the_bot_still_queues_keeps_its_slot() -> None:
    """R31: its start is to come."""
    ghost = replace(_ghost(), message_id="1")
    assert _ignored(_heard("describe/job_queued", ghost)) is Ignored.STILL_QUEUED


@pytest.mark.parametrize(
    ("name", "ended"),
    [("imagine/progress_31", False), ("imagine/final", True), ("imagine/internal_error", True)],
)
def test_a_late_message_ends_a_ghost_if_it_is_an_end(name: str, *, ended: bool) -> None:
    (done,) = _heard(name, replace(_ghost(), message_id="1"), by="nonce").job_steps
    (late,) = done.events
    assert isinstance(late, Late)
    assert (late.ended, late_ended(done.job)) == (ended, ended)


def test_a_halt_that_a_ghost_hears_is_one_all_the_same() -> None:
    ended = replace(_ghost(), message_id="1")
    step = _heard("describe/pending_mod_message", ended)
    assert step.halt is not None and step.halt.said == "1400000000003145728"


# ── jobs that the bot starts later ──

TRACKING = replace(LIMITS, track_queued=True)


def test_a_job_that_the_bot_queues_goes_on_where_it_is_tracked() -> None:
    step = _heard("describe/job_queued", _submitted(), limits=TRACKING)
    (job_step,) = step.job_steps
    job, (event,) = job_step.job, job_step.events[-1:]
    assert isinstance(event, Acknowledged) and event.is_notice
    assert (job.status, job.code, job.error) == (JobStatus.STARTED, 200, None)
    assert [*job.messages.values()] == [MessageRole.NOTICE]
    assert (job.embeds, job.content, job.result) == ((), None, {}), "nothing of the notice stays"
    assert job.deadline_at == START + LIMITS.job_timeout


def test_a_notice_says_nothing_twice_and_nothing_after_a_start() -> None:
    (job_step,) = _heard("describe/job_queued", _submitted(), limits=TRACKING).job_steps
    again = _heard("describe/job_queued", job_step.job, limits=TRACKING)
    assert _ignored(again) is Ignored.NOTHING_NEW
    begun = _heard("describe/job_queued", _started(), limits=TRACKING)
    assert _ignored(begun) is Ignored.NOTHING_NEW


def test_another_error_ends_a_tracked_job_as_ever() -> None:
    (job_step,) = _heard("describe/image_denied", _submitted(), limits=TRACKING).job_steps
    assert job_step.job.final
