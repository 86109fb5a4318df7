"""The steps that Waystation itself takes with a job."""

from __future__ import annotations

from datetime import timedelta

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import event_of
from tests.harness.play import Play, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    imagining,
    started,
)
from waystation.gateway_events import (
    InteractionTold,
    ToldAs,
)
from waystation.jobs import (
    Failed,
    JobId,
    JobStatus,
    Modal,
    Nonce,
    Refused,
    Source,
)


def test_an_ask_is_in_flight_until_anything_of_it_was_seen() -> None:
    play = Play([new_job("a")])
    assert play.talk.in_flight is None
    play.submit("a", NONCE)
    assert play.talk.in_flight is not None
    play.see(event_of({"see": "describe/acknowledged"}))
    assert play.talk.in_flight is None


def test_an_ask_that_shows_nothing_is_no_longer_in_flight_and_is_looked_up_once() -> None:
    play = Play([new_job("a")])
    play.submit("a", NONCE)
    step = play.commit(play.talk.silent(JobId("a"), START))
    assert step.look_back == {JobId("a")}
    assert play.talk.in_flight is None
    assert not play.talk.silent(JobId("a"), START).writes
    # and it still gets its result
    play.see(event_of({"see": "describe/acknowledged"}))
    assert play.jobs[JobId("a")].status is JobStatus.STARTED


def test_an_unknown_job_can_be_neither_submitted_nor_ended_nor_cancelled() -> None:
    talk = Play().talk
    nobody = JobId("nobody")
    assert not talk.submitted(nobody, Nonce("1"), START).writes
    assert not talk.ended(nobody, Failed(502, "gone"), START).writes
    assert not talk.unclear(nobody, "time-out", START).writes
    assert not talk.cancel(nobody, START).writes
    assert talk.get(nobody) is None


def test_a_second_end_of_a_job_is_nothing() -> None:
    play = describing()
    play.commit(play.talk.ended(JobId("a"), Failed(502, "first"), START))
    assert not play.talk.ended(JobId("a"), Failed(502, "second"), START).writes
    assert play.jobs[JobId("a")].error == "first"


def test_a_refusal_of_the_account_halts_it_even_when_its_job_is_final() -> None:
    play = describing()
    event = Refused(596, "Discord /interactions failed with HTTP status 401")
    step = play.commit(play.talk.ended(JobId("a"), event, START, halt="401"))
    assert told(step) == ["a: Refused", "halt: 401"]
    assert step.halt is not None
    assert step.halt.triggered_at == START
    assert not step.halt.token_rejected
    again = play.talk.ended(JobId("a"), event, START, halt="401", token_rejected=True)
    assert told(again) == ["halt: 401"]
    assert again.halt is not None
    assert again.halt.token_rejected


def test_a_refusal_of_what_the_bot_has_shown_to_have_is_noted_and_ends_nothing() -> None:
    """R25."""
    play = describing()
    play.see(event_of({"see": "describe/acknowledged"}))
    refused = Refused(429, "Discord /interactions failed with HTTP status 429")
    assert told(play.commit(play.talk.ended(JobId("a"), refused, START))) == ["a: Unclear"]
    assert not play.jobs[JobId("a")].final


def test_a_job_that_was_asked_does_not_end_as_unasked() -> None:
    """R10."""
    play = Play([new_job("a")])
    end = Failed(502, "not asked in time")
    assert told(play.talk.unasked(JobId("a"), end, START)) == ["a: Failed"]
    play.submit("a", NONCE)
    assert not play.talk.unasked(JobId("a"), end, START).writes


def test_an_ask_counts_from_the_newest_id_that_the_session_has_seen() -> None:
    play = Play([new_job("a"), new_job("b"), new_job("c")])
    play.talk.seen("1400000000000000500")
    play.talk.seen("999")
    play.submit("a", NONCE)
    play.see(InteractionTold(ToldAs.CREATED, "1400000000000000700", None))
    play.submit("b", "1400000000000000101")
    play.see(event_of({"see": "describe/pending_mod_message"}))
    play.submit("c", "1400000000000000003")
    after = [play.jobs[JobId(name)].asked_after for name in "abc"]
    assert after == ["1400000000000000500", "1400000000000000700", "1400000000003145728"]
    assert play.talk.newest == after[-1]


def test_cancel_job_is_pressed_where_the_bot_shows_it_and_asked_for_once() -> None:
    play, jobid = imagining(), JobId("a")
    assert play.talk.cancel_press(jobid) is None
    play.see(event_of({"see": "imagine/started"}))
    assert play.talk.cancel_press(jobid) is None
    play.now += timedelta(seconds=2)
    play.see(event_of({"see": "imagine/progress_31"}))
    press = play.talk.cancel_press(jobid)
    assert press is not None
    assert press.custom_id.startswith("MJ::CancelJob::ByJobid::")
    first = play.commit(play.talk.cancel_requested(jobid, Nonce("9"), play.now))
    assert told(first) == ["a: CancelRequested"]
    assert not play.talk.cancel_requested(jobid, Nonce("10"), play.now).writes
    assert told(play.commit(play.talk.cancel(jobid, play.now))) == ["a: Cancelled"]
    assert play.talk.cancel_press(jobid) is None


def test_a_press_knows_what_it_is_on() -> None:
    play = Play([new_job("a", "button")])
    source = Source("500", "uuid", "MJ::JOB::variation::1::uuid", face="face")
    jobid = JobId("a")
    play.commit(play.talk.submitted(jobid, Nonce("1"), play.now, source))
    job = play.jobs[jobid]
    assert (job.target, job.source_hash, job.pressed) == ("500", "uuid", source.custom_id)


def test_an_emoji_that_stands_is_noted() -> None:
    play = Play([new_job("a", "seed_async")])
    play.submit("a", "1")
    assert told(play.commit(play.talk.reacted(JobId("a"), play.now))) == ["a: Reacted"]


# ── look-alikes (R15) ──


def test_a_job_waits_for_a_look_alike_until_that_one_shows_its_uuid() -> None:
    play = Play([replace(new_job(name, "imagine"), params={"prompt": "A fox"}) for name in "ab"])
    owl = replace(new_job("c", "imagine"), params={"prompt": "an owl"})
    play.admit(owl)
    # alone: nobody was asked yet, and nobody waits for himself
    assert not any(play.talk.must_wait(JobId(name)) for name in "abc")
    play.submit("a", "1400000000000000001")
    assert not play.talk.must_wait(JobId("a"))
    assert play.talk.must_wait(JobId("b"))
    assert not play.talk.must_wait(JobId("c"))
    play.see(event_of(started(1)))
    assert play.talk.must_wait(JobId("b"))
    progress = {"id": "1456483162128384001"}
    play.see(event_of({"see": "imagine/progress_31", "with": progress}))
    assert not play.talk.must_wait(JobId("b"))
    assert not play.talk.must_wait(JobId("nobody"))


def test_a_job_waits_for_no_ghost_that_looks_like_it() -> None:
    play = Play([replace(new_job(name, "imagine"), params={"prompt": "A fox"}) for name in "ab"])
    play.submit("a", "1400000000000000001")
    assert play.talk.must_wait(JobId("b"))
    play.perform({"cancel": "a"})
    assert play.jobs[JobId("a")].ghost
    assert not play.talk.must_wait(JobId("b"))


def test_a_job_that_waits_for_a_look_alike_outlives_the_post_that_brought_it() -> None:
    """R10, R15: it is not told "not done" while the one before may end without an answer."""
    play = Play([replace(new_job(name, "imagine"), params={"prompt": "A fox"}) for name in "ab"])
    play.submit("a", "1400000000000000001")
    assert play.talk.must_wait(JobId("b"))
    play.now += timedelta(seconds=65)
    end = Failed(502, "not asked in time")
    assert not play.talk.unasked(JobId("b"), end, play.now).writes
    play.now += timedelta(seconds=55)
    assert told(play.talk.unasked(JobId("b"), end, play.now)) == ["b: Failed"]


# ── the queue (R13) ──

UNTIL = START + timedelta(hours=24)
FULL = Refused(429, "Discord /interactions failed with HTTP status 429")


def test_a_refusal_for_the_moment_puts_a_job_of_the_queue_back() -> None:
    play = Play([replace(new_job("a"), queue_until=UNTIL)])
    play.submit("a", NONCE)
    step = play.commit(play.talk.ended(JobId("a"), FULL, START))
    (job_step,) = step.job_steps
    assert (job_step.job.waiting, job_step.job.status) == (True, JobStatus.CREATED)
    # nothing of it is held any more, and others may be asked
    assert play.talk.get(JobId("a")) is None
    assert play.talk.in_flight is None


def test_a_refusal_of_what_was_asked_ends_a_job_of_the_queue() -> None:
    play = Play([replace(new_job("a"), queue_until=UNTIL)])
    play.submit("a", NONCE)
    play.commit(play.talk.ended(JobId("a"), Refused(400, "Unknown message"), START))
    assert play.jobs[JobId("a")].status is JobStatus.FAILED


def test_a_halt_puts_back_what_was_not_asked_and_stops_the_account() -> None:
    job = replace(new_job("a"), queue_until=UNTIL)
    play = Play([job, replace(new_job("b"), queue_until=UNTIL)])
    play.submit("b", NONCE)
    halted = Failed(596, "A human check is asked for")
    step = play.talk.ended(JobId("a"), halted, START, "look")
    assert step.job_steps[0].job.waiting
    assert step.halt is not None
    # R13: what was asked is not sent again for it
    step = play.talk.ended(JobId("b"), halted, START, "look")
    assert step.job_steps[0].job.status is JobStatus.FAILED


def test_a_job_that_was_not_asked_in_its_time_waits_again_or_ends() -> None:
    play = Play([replace(new_job("a"), queue_until=UNTIL), new_job("b")])
    late = Failed(502, "Uploading the picture took too long")
    assert play.talk.unsent(JobId("a"), late, START).job_steps[0].job.waiting
    assert play.talk.unsent(JobId("b"), late, START).job_steps[0].job.final
    play.submit("a", NONCE)
    assert play.talk.unsent(JobId("a"), late, START).job_steps[0].job.final
    assert not play.talk.unsent(JobId("nobody"), late, START).writes


def test_a_request_that_never_left_puts_a_job_of_the_queue_back() -> None:
    """R13."""
    job = replace(new_job("a"), queue_until=UNTIL)
    play = Play([job, new_job("b"), replace(new_job("c"), queue_until=UNTIL)])
    away = Failed(502, "No connection to Discord")
    play.submit("a", NONCE)
    assert play.talk.not_written(JobId("a"), away, START).job_steps[0].job.waiting
    assert not play.talk.not_written(JobId("unknown"), away, START).writes
    assert play.talk.not_written(JobId("b"), away, START).job_steps[0].job.final
    # Discord has shown something of it, whatever the connection did
    bound = replace(job, jobid=JobId("d"), status=JobStatus.SUBMITTED, interaction_id="700")
    seen = Play([bound])
    assert seen.talk.not_written(JobId("d"), away, START).job_steps[0].job.final


def test_a_job_whose_request_could_not_leave_is_as_before_it_but_for_its_nonce() -> None:
    """R13: nothing that comes meanwhile can be its own, and no gap takes it for one asked."""
    play = Play([new_job("a"), replace(new_job("b"), queue_until=UNTIL)])
    gone = Failed(502, "Not connected")
    source = Source("900", "hash", "MJ::1")
    play.commit(play.talk.submitted(JobId("a"), Nonce(NONCE), START, source))
    assert play.talk.in_flight == "a"
    assert told(play.commit(play.talk.not_left(JobId("a"), gone, START, UNTIL))) == ["a: Unsent"]
    job = play.jobs[JobId("a")]
    assert job == replace(new_job("a"), nonce=NONCE, deadline_at=UNTIL, version=2)
    assert play.talk.in_flight is None
    # it is asked again under the same nonce
    play.submit("a", NONCE)
    assert play.jobs[JobId("a")].status is JobStatus.SUBMITTED
    # one of the queue waits there, and what Discord has shown is not undone
    play.submit("b", Nonce("8"))
    assert play.talk.not_left(JobId("b"), gone, START, None).job_steps[0].job.waiting
    bound = replace(new_job("c"), status=JobStatus.SUBMITTED, interaction_id="700")
    assert Play([bound]).talk.not_left(JobId("c"), gone, START, None).job_steps[0].job.final
    assert not play.talk.not_left(JobId("nobody"), gone, START, None).writes


def test_a_modal_whose_answer_could_not_leave_is_open_again() -> None:
    modal = Modal("88", "MJ::RemixModal::x")
    asked = replace(new_job("a"), status=JobStatus.SUBMITTED, interaction_id="700")
    play = Play([asked])
    assert told(play.commit(play.talk.reopened(JobId("a"), modal, START))) == ["a: ModalOpened"]
    assert play.jobs[JobId("a")].modal == modal
    for other in (
        replace(asked, modal=modal),
        replace(asked, message_id="800"),
        replace(asked, status=JobStatus.FAILED, finished_at=START),
    ):
        assert not Play([other]).talk.reopened(JobId("a"), modal, START).writes
    assert not play.talk.reopened(JobId("nobody"), modal, START).writes


def test_a_job_that_another_node_has_ended_is_let_go_unless_it_was_asked() -> None:
    play = Play([new_job("a"), new_job("b")])
    play.submit("b", NONCE)
    for jobid in (JobId("a"), JobId("b"), JobId("nobody")):
        known = play.jobs.get(jobid, new_job(jobid))
        # as old as what is known: nothing has happened elsewhere
        assert not play.talk.over(known).writes
        ended = replace(known, status=JobStatus.CANCELLED, version=known.version + 2)
        assert not play.talk.over(ended).writes
    assert play.talk.get(JobId("a")) is None
    assert play.talk.get(JobId("b")) is not None
