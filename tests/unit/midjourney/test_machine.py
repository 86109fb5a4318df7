"""The table: nothing leaves it, and what is final stays final."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import replace
from tests.fakes import START
from tests.harness.play import new_job
from waystation.errors import LocalProtocolError
from waystation.jobs import (
    FINAL,
    Acknowledged,
    Cancelled,
    CancelRequested,
    Completed,
    Expired,
    Failed,
    Granted,
    InteractionSeen,
    Job,
    JobEvent,
    JobStatus,
    Late,
    Lost,
    MessageRole,
    Modal,
    ModalOpened,
    Moderated,
    Nonce,
    Progressed,
    PutBack,
    Reacted,
    Refused,
    Shown,
    Silent,
    SlotReleased,
    Submitted,
    Unclear,
    Unsent,
    Vanished,
)
from waystation.midjourney.machine import TRANSITIONS, apply
from waystation.wire.message import Attachment, Embed

HOLD = timedelta(minutes=10)
LATER = START + timedelta(seconds=9)
SHOWN = Shown("900", "2026-01-02T03:04:05+00:00", "text", (Embed(title="t"),), hash="h")

_SHOWN = st.builds(
    Shown,
    st.sampled_from(["900", "901"]),
    content=st.sampled_from([None, "", "text"]),
    hash=st.sampled_from([None, "h1", "h2"]),
    progress=st.sampled_from([None, 0, 50]),
)
_EVENTS: st.SearchStrategy[JobEvent] = st.one_of(
    st.builds(
        Submitted,
        st.sampled_from([Nonce("1"), Nonce("2")]),
        st.just(LATER),
        target=st.sampled_from([None, "900"]),
        pressed=st.sampled_from([None, "MJ::JOB::x"]),
    ),
    st.builds(ModalOpened, st.just(Modal("88", "MJ::RemixModal::x"))),
    st.just(Silent()),
    st.just(Granted("900")),
    st.just(PutBack("full")),
    st.builds(Unsent, st.just("gone"), st.sampled_from([None, LATER])),
    st.just(Reacted()),
    st.builds(InteractionSeen, st.just("i")),
    st.builds(Unclear, st.just("time-out")),
    st.builds(Acknowledged, _SHOWN, st.just(LATER)),
    st.builds(Progressed, _SHOWN),
    st.builds(Completed, _SHOWN),
    st.builds(Moderated, st.just("Banned prompt"), shown=st.none() | _SHOWN),
    st.builds(Failed, st.just(502), st.just("x"), shown=st.none() | _SHOWN, ghost=st.booleans()),
    st.builds(Refused, st.just(429), st.just("x")),
    st.builds(Lost, st.just("x")),
    st.builds(Expired, st.just("x")),
    st.just(CancelRequested()),
    st.builds(Cancelled, st.booleans()),
    st.just(Vanished()),
    st.builds(Late, _SHOWN, st.booleans()),
    st.just(SlotReleased()),
)


def _through(*events: JobEvent, slot: bool = True) -> Job:
    job = replace(new_job("a"), slot=slot)
    for event in events:
        job = apply(job, event, START, HOLD)
    return job


SUBMIT = Submitted(Nonce("1"), LATER)
ACKNOWLEDGE = Acknowledged(SHOWN, LATER)


@given(st.lists(_EVENTS, max_size=12))
def test_no_sequence_of_events_leaves_the_table(events: list[JobEvent]) -> None:
    job = new_job("a")
    for event in events:
        legal = type(event) in TRANSITIONS[job.status]
        before = job
        try:
            job = apply(job, event, LATER, HOLD)
        except LocalProtocolError:
            assert not legal
            assert job is before
            continue
        assert legal
        assert job.status is TRANSITIONS[before.status][type(event)]
        assert job.version == before.version + 1
        assert job.final == (job.finished_at is not None)
        if before.final:
            seen = replace(job, late=None, slot=False, slot_until=None, messages={}, version=0)
            same = replace(before, late=None, slot=False, slot_until=None, messages={}, version=0)
            assert seen == same
        if before.hash is not None:
            assert job.hash == before.hash
        if isinstance(event, PutBack):
            assert job.waiting
            assert (job.nonce, job.message_id, job.messages) == (None, None, {})
        assert not job.slot or before.slot
        assert (job.slot_until is not None) == (job.final and job.slot)
        assert not (job.slot and job.final and not job.ghost)


def test_every_status_has_a_row_and_every_event_a_use() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert {event for row in TRANSITIONS.values() for event in row} == set(get_args(JobEvent))


def test_final_statuses_lead_nowhere_else() -> None:
    for status in FINAL:
        assert TRANSITIONS[status] == {Late: status, SlotReleased: status}


def test_an_illegal_step_raises_and_changes_nothing() -> None:
    job = new_job("a")
    with pytest.raises(LocalProtocolError, match="Acknowledged cannot follow created"):
        apply(job, ACKNOWLEDGE, LATER, HOLD)


def test_submission_commits_the_nonce_and_the_deadline() -> None:
    job = _through(SUBMIT)
    assert (job.status, job.nonce, job.submitted_at, job.deadline_at) == (
        JobStatus.SUBMITTED,
        "1",
        START,
        LATER,
    )


def test_the_interaction_id_leaves_submitted_and_binds() -> None:
    job = _through(SUBMIT, InteractionSeen("i"))
    assert job.status is JobStatus.SUBMITTED
    assert job.bound


def test_shown_fields_are_kept_and_a_partial_update_takes_nothing_away() -> None:
    job = _through(SUBMIT, ACKNOWLEDGE, Progressed(Shown("900", progress=31)))
    assert job.status is JobStatus.PROGRESS
    assert (job.content, job.embeds, job.timestamp) == ("text", SHOWN.embeds, SHOWN.timestamp)
    assert (job.progress, job.hash, job.message_id) == (31, "h", "900")
    attachment = Attachment("1", "a.png")
    job = apply(job, Progressed(Shown("901", attachments=(attachment,))), LATER, HOLD)
    assert job.attachments == (attachment,)
    assert job.messages == {"900": MessageRole.PROGRESS, "901": MessageRole.PROGRESS}


def test_a_job_with_a_uuid_never_takes_another() -> None:
    job = _through(SUBMIT, ACKNOWLEDGE, Completed(Shown("901", hash="other")))
    assert job.hash == "h"


def test_completion_gives_the_slot_back() -> None:
    job = _through(SUBMIT, ACKNOWLEDGE, Completed(SHOWN))
    assert (job.status, job.code, job.slot, job.ghost) == (JobStatus.COMPLETED, 200, False, False)
    assert job.deadline_at is None
    assert job.messages == {"900": MessageRole.RESULT}


@pytest.mark.parametrize(
    ("end", "ghost", "slot"),
    [
        (Failed(504, "Job queued", ghost=True), True, True),
        (Failed(502, "Bad response"), False, False),
        (Moderated("Banned prompt"), False, False),
        (Lost("silence"), True, False),
        (Expired("too long"), True, True),
        (Cancelled(ghost=True), True, True),
        (Cancelled(ghost=False), False, False),
    ],
    ids=str,
)
def test_only_a_ghost_that_may_still_run_keeps_its_slot(
    end: JobEvent, ghost: bool, slot: bool
) -> None:
    job = _through(SUBMIT, end)
    assert (job.ghost, job.slot) == (ghost, slot)
    assert job.slot_until == (START + HOLD if slot else None)


def test_a_ghost_that_never_had_a_slot_gets_none() -> None:
    job = _through(SUBMIT, Expired("too long"), slot=False)
    assert (job.slot, job.slot_until) == (False, None)


def test_a_refusal_ends_what_was_only_submitted() -> None:
    job = _through(SUBMIT, Refused(429, "limited", "{}"))
    assert (job.status, job.code, job.error, job.error_details) == (
        JobStatus.FAILED,
        429,
        "limited",
        "{}",
    )


def test_a_refusal_changes_nothing_once_the_bot_has_answered() -> None:
    started = _through(SUBMIT, ACKNOWLEDGE)
    refused = apply(started, Refused(429, "limited"), LATER, HOLD)
    assert refused == replace(started, version=started.version + 1)


def test_an_error_with_a_message_shows_it() -> None:
    job = _through(SUBMIT, Moderated("Image denied", "filtered", Shown("901")))
    assert (job.message_id, job.error, job.error_details, job.code) == (
        "901",
        "Image denied",
        "filtered",
        422,
    )


def test_a_message_that_comes_after_a_deletion_takes_the_deletion_back() -> None:
    job = _through(SUBMIT, ACKNOWLEDGE, Vanished())
    assert job.vanished_at == START
    assert apply(job, Progressed(SHOWN), LATER, HOLD).vanished_at is None


def test_a_late_result_is_kept_and_frees_the_slot() -> None:
    ghost = _through(SUBMIT, ACKNOWLEDGE, Cancelled(ghost=True))
    running = apply(ghost, Late(Shown("901"), ended=False), LATER, HOLD)
    assert running.slot
    done = apply(running, Late(Shown("901"), ended=True), LATER, HOLD)
    assert (done.slot, done.slot_until, done.status) == (False, None, JobStatus.CANCELLED)
    assert done.late == Shown("901")
    assert done.messages["901"] is MessageRole.RESULT


def test_a_slot_without_evidence_is_given_back() -> None:
    ghost = _through(SUBMIT, Cancelled(ghost=True))
    assert not apply(ghost, SlotReleased(), LATER, HOLD).slot


@pytest.mark.parametrize(
    "event",
    [SUBMIT, InteractionSeen("i"), Unclear("x"), CancelRequested(), Vanished()],
    ids=lambda event: type(event).__name__,
)
def test_a_change_that_no_reader_sees_does_not_move_the_time_of_the_last_update(
    event: JobEvent,
) -> None:
    job = _through(SUBMIT)
    assert apply(job, event, LATER, HOLD).updated_at == START
    assert apply(job, ACKNOWLEDGE, LATER, HOLD).updated_at == LATER


def test_a_message_after_the_end_does_not_move_the_time_of_the_last_update() -> None:
    ghost = _through(SUBMIT, Cancelled(ghost=True))
    for event in (Late(SHOWN, ended=True), SlotReleased()):
        assert apply(ghost, event, LATER, HOLD).updated_at == START


def test_a_cancel_is_recorded() -> None:
    assert _through(CancelRequested()).cancel_requested_at == START


def test_the_flags_of_the_last_message_that_says_them_are_kept() -> None:
    job = apply(_through(SUBMIT), Acknowledged(replace(SHOWN, flags=64), LATER), LATER, HOLD)
    assert job.flags == 64
    assert apply(job, Progressed(Shown("900")), LATER, HOLD).flags == 64
    assert apply(job, Progressed(Shown("900", flags=128)), LATER, HOLD).flags == 128


def test_a_message_that_was_pressed_stays_what_it_is_when_it_shows_the_result() -> None:
    job = replace(_through(SUBMIT), messages={"900": MessageRole.TARGET})
    assert apply(job, Progressed(SHOWN), LATER, HOLD).messages == {"900": MessageRole.TARGET}


def test_a_notice_of_a_later_start_begins_the_job_and_is_no_progress() -> None:
    notice = Acknowledged(Shown("900"), LATER, is_notice=True)
    job = apply(_through(SUBMIT), notice, LATER, HOLD)
    assert (job.status, job.messages["900"]) == (JobStatus.STARTED, MessageRole.NOTICE)
    begun = apply(job, Progressed(Shown("901")), LATER, HOLD)
    assert (begun.status, begun.message_id) == (JobStatus.PROGRESS, "901")


MODAL = Modal("88", "MJ::RemixModal::x")


def test_a_form_that_was_opened_is_kept_until_it_is_answered() -> None:
    opened = _through(SUBMIT, ModalOpened(MODAL))
    assert (opened.status, opened.modal) == (JobStatus.SUBMITTED, MODAL)
    answered = apply(opened, Submitted(Nonce("2"), LATER), LATER, HOLD)
    assert (answered.modal, answered.nonce) == (None, "2")


def test_the_answer_to_a_form_is_asked_with_it_and_not_anew() -> None:
    """R28: the deadline moves; the ask is as old as the press that opened the form."""
    press = Submitted(Nonce("1"), LATER, after="500", target="900", pressed="MJ::JOB::x")
    opened = _through(press, InteractionSeen("i"), ModalOpened(MODAL))
    later = LATER + timedelta(seconds=1)
    answered = apply(opened, Submitted(Nonce("2"), later, after="600"), LATER, HOLD)
    assert (answered.submitted_at, answered.asked_after) == (START, "500")
    assert (answered.interaction_id, answered.pressed) == ("i", "MJ::JOB::x")
    assert (answered.deadline_at, answered.messages) == (later, {"900": MessageRole.TARGET})


def test_a_press_that_a_form_asks_for_is_another_interaction() -> None:
    opened = _through(SUBMIT, InteractionSeen("i"), ModalOpened(MODAL))
    pressed = apply(opened, Submitted(Nonce("2"), LATER, pressed="MJ::Settings::x"), LATER, HOLD)
    assert (pressed.interaction_id, pressed.pressed) == (None, "MJ::Settings::x")


def test_an_ask_in_which_nothing_shows_is_unclear_until_it_is_asked_again() -> None:
    silent = _through(SUBMIT, Silent())
    assert (silent.status, silent.unclear) == (JobStatus.SUBMITTED, True)
    assert not apply(silent, SUBMIT, LATER, HOLD).unclear


def test_a_reaction_starts_a_job_and_shows_no_message() -> None:
    reacted = apply(_through(SUBMIT), Reacted(), LATER, HOLD)
    assert (reacted.status, reacted.message_id) == (JobStatus.STARTED, None)
    assert reacted.updated_at == LATER


def test_a_lost_job_says_why() -> None:
    lost = _through(SUBMIT, Lost("silence"))
    assert (lost.status, lost.code, lost.error) == (JobStatus.FAILED, 502, "silence")


def test_a_job_whose_request_could_not_leave_keeps_its_account_its_slot_and_its_nonce() -> None:
    """R13: it is as before it was asked."""
    press = replace(SUBMIT, target="900", source_hash="hash", pressed="MJ::1", after="1")
    back = _through(press, Silent(), Unsent("not connected", LATER))
    assert back == replace(_through(), nonce=SUBMIT.nonce, deadline_at=LATER, version=3)
    assert _through(SUBMIT, Unsent("not connected")).deadline_at is None
    with pytest.raises(LocalProtocolError):
        _through(SUBMIT, ACKNOWLEDGE, Unsent("not connected"))


def test_a_job_of_the_queue_is_given_and_put_back() -> None:
    """R13: nothing of an ask is left with a job that is put back."""
    given = _through(Granted("900"))
    assert (given.status, given.version) == (JobStatus.CREATED, 1)
    back = _through(SUBMIT, PutBack("full"))
    assert back.status is JobStatus.CREATED
    assert (back.waiting, back.nonce, back.slot, back.max_jobs) == (True, None, False, None)
    # and its POST is answered
    waits = replace(new_job("a"), post_until=LATER)
    assert apply(waits, PutBack("full"), LATER, timedelta()).post_until is None
