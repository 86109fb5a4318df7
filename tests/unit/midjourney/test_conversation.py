"""Whole conversations from the goldens, and what no golden can say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import CONVERSATIONS, HISTORY, Golden, event_of
from tests.unit.midjourney.play import Play, join_all, new_job, told
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    InteractionStep,
    InteractionTold,
    SessionState,
)
from waystation.jobs import Failed, Job, JobId, JobStatus, MessageRole, Nonce, Refused, Source
from waystation.midjourney.steps import Step
from waystation.wire.snowflake import snowflake_time

NONCE = "1400000000000000001"


class _Stuttering(Play):
    """A play whose store raises before it works: whatever writes is decided twice."""

    def commit(self, step: Step) -> Step:
        held = {job.jobid: job for job in self.talk.jobs}
        assert held == {jobid: self.jobs[jobid] for jobid in held}, "changed before its commit"
        return super().commit(step)

    def see(self, event: GatewayEvent) -> Step:
        step = self.talk.receive(event, self.now)
        if step.commits:
            self.talk.undo()
            assert self.talk.receive(event, self.now) == step
        return join_all([self.commit(step), *self.weigh()])


def _stage(golden: Golden, play: Play | None = None) -> Play:
    play = play or Play()
    for name, job in golden.content["jobs"].items():
        play.nonces[JobId(name)] = Nonce(job["nonce"])
        play.admit(replace(new_job(name, job["verb"]), params=job.get("params", {})))
        if "source" in job:
            play.sources[JobId(name)] = Source(**job["source"])
    return play


def _of(job: Job, expected: dict[str, Any]) -> dict[str, Any]:
    late = job.late.message_id if job.late else None
    seen = {name: late if name == "late" else getattr(job, name) for name in expected}
    return {name: list(one) if isinstance(one, tuple) else one for name, one in seen.items()}


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_conversation_goes_as_its_golden_says(golden: Golden) -> None:
    play = _stage(golden)
    for number, step in enumerate(golden.content["steps"]):
        assert told(play.perform(step)) == step.get("gives", []), f"step {number}: {step}"
        if "see" in step and step.get("again", True):
            again = told(play.perform(step))
            assert not [line for line in again if line != "kept"], f"step {number} again: {step}"
    for name, expected in golden.content["then"].items():
        assert _of(play.jobs[JobId(name)], expected) == expected


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_commit_that_raises_leaves_the_conversation_as_it_was(golden: Golden) -> None:
    """R36: the same is decided again, and all that follows goes as if nothing had happened."""
    play = _stage(golden, _Stuttering())
    for number, step in enumerate(golden.content["steps"]):
        assert told(play.perform(step)) == step.get("gives", []), f"step {number}: {step}"
    for name, expected in golden.content["then"].items():
        assert _of(play.jobs[JobId(name)], expected) == expected


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_what_a_reader_sees_of_a_final_job_never_changes(golden: Golden) -> None:
    play = _stage(golden)
    final: dict[JobId, tuple[object, ...]] = {}
    for step in golden.content["steps"]:
        play.perform(step)
        for jobid, job in play.jobs.items():
            if job.final:
                seen = (job.status, job.updated_at, job.content, job.embeds, job.message_id)
                assert final.setdefault(jobid, seen) == seen


def _submitted(verb: str = "describe") -> Play:
    play = Play([new_job("a", verb)])
    play.submit("a", NONCE)
    return play


def test_a_step_changes_nothing_until_it_is_adopted() -> None:
    play = _submitted()
    event = event_of({"see": "describe/acknowledged"})
    first = play.talk.receive(event, START)
    assert first.writes
    assert play.talk.receive(event, START) == first
    assert play.talk.get(JobId("a")) == play.jobs[JobId("a")]


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
    play = _submitted()
    play.commit(play.talk.ended(JobId("a"), Failed(502, "first"), START))
    assert not play.talk.ended(JobId("a"), Failed(502, "second"), START).writes
    assert play.jobs[JobId("a")].error == "first"


def test_a_refusal_of_the_account_halts_it_even_when_its_job_is_final() -> None:
    play = _submitted()
    event = Refused(596, "Discord /interactions failed with HTTP status 401")
    step = play.commit(play.talk.ended(JobId("a"), event, START, halt="401"))
    assert told(step) == ["a: Refused", "halt: 401"]
    assert step.halt is not None
    assert step.halt.triggered_at == START
    assert told(play.talk.ended(JobId("a"), event, START, halt="401")) == ["halt: 401"]


def test_the_trigger_of_a_halt_is_as_old_as_what_the_bot_said() -> None:
    step = _submitted().see(event_of({"see": "describe/pending_mod_message"}))
    assert step.halt is not None
    assert step.halt.triggered_at == snowflake_time("1400000000003145728")


def test_discords_own_human_check_halts_and_ends_no_job() -> None:
    play = _submitted()
    step = play.see(HumanCheckSeen("verify a phone", fatal=False))
    assert told(step) == ["halt: verify a phone"]
    assert step.halt is not None
    assert step.halt.triggered_at == play.now


def test_the_state_of_the_connection_is_no_news_to_a_conversation() -> None:
    play = _submitted()
    assert not play.see(Disconnected("lost")).writes
    caught_up = CaughtUp(False, "1144000000000000001", SessionState("s", "ws://127.0.0.1", 1))
    assert not play.see(caught_up).writes


def test_history_is_read_back_to_the_oldest_job_that_still_waits_for_something_in_it() -> None:
    play = Play([new_job("a"), new_job("b", "info"), new_job("c")])
    assert play.talk.readable == []
    play.submit("b", "1400000000000000101")
    assert play.talk.readable == []
    play.submit("a", NONCE)
    play.submit("c", "1400000000000000003")
    assert [job.jobid for job in play.talk.readable] == ["a", "c"]


def test_an_ask_counts_from_the_newest_id_that_the_session_has_seen() -> None:
    play = Play([new_job("a"), new_job("b"), new_job("c")])
    play.talk.seen("1400000000000000500")
    play.talk.seen("999")
    play.submit("a", NONCE)
    play.see(InteractionTold(InteractionStep.CREATED, "1400000000000000700", None))
    play.submit("b", "1400000000000000101")
    play.see(event_of({"see": "describe/pending_mod_message"}))
    play.submit("c", "1400000000000000003")
    after = [play.jobs[JobId(name)].asked_after for name in "abc"]
    assert after == ["1400000000000000500", "1400000000000000700", "1400000000003145728"]
    assert play.talk.newest == after[-1]


def test_history_is_not_read_back_for_a_ghost_whose_late_result_is_in() -> None:
    play = _submitted()
    play.perform({"cancel": "a"})
    assert [job.jobid for job in play.talk.readable] == ["a"]
    play.see(event_of({"see": "describe/described"}))
    assert play.talk.readable == []


def test_the_conversation_wakes_for_the_next_verdict() -> None:
    play = Play([new_job("a")])
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=60)
    play.now += timedelta(seconds=10)
    play.submit("a", NONCE)
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=70)
    assert play.talk.wake_at(caught_up=False) == START + timedelta(seconds=670)
    assert Play().talk.wake_at(caught_up=True) is None


def test_a_silent_job_is_looked_up_only_where_the_session_has_caught_up() -> None:
    """R51: what a gap has swallowed comes with its end."""
    play = _submitted()
    play.see(event_of({"see": "describe/acknowledged"}))
    minute = timedelta(seconds=60)
    assert play.talk.wake_at(caught_up=True) == play.now + minute
    assert play.talk.wake_at(caught_up=False) == START + timedelta(minutes=40)
    play.now += minute
    assert play.talk.unheard(play.now, caught_up=False) == Step()
    step = play.talk.unheard(play.now, caught_up=True)
    assert (step.look_back, step.unheard, step.writes) == ({"a"}, ["a"], False)


def test_a_look_back_that_is_older_than_the_deadline_does_not_count() -> None:
    play = _submitted()
    play.perform({"look_back": "a"})
    play.perform({"wait": 60})
    assert told(play.perform({"expire": True})) == ["look back: a"]


def test_all_held_jobs_are_told() -> None:
    play = Play([new_job("a"), new_job("b", "info")])
    assert [job.jobid for job in play.talk.jobs] == ["a", "b"]


def test_a_job_that_is_not_submitted_hears_nothing() -> None:
    play = Play([new_job("a")])
    for name in ("acknowledged", "described", "job_queued", "human_check_frame"):
        play.see(event_of({"see": f"describe/{name}"}))
    assert play.jobs[JobId("a")].status is JobStatus.CREATED
    assert play.jobs[JobId("a")].version == 0


def _imagining() -> Play:
    play = Play([replace(new_job("a", "imagine"), params={"prompt": "a red fox"})])
    play.submit("a", NONCE)
    return play


@pytest.mark.parametrize("later", [True, False])
def test_what_was_asked_after_a_lost_ask_is_of_the_same_ask_again(*, later: bool) -> None:
    """R15, R20: look-alikes follow one another, and Discord numbers interactions in their order."""
    play = _imagining()
    play.commit(play.talk.silent(JobId("a"), play.now))
    play.now += timedelta(seconds=61)
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == ["a: Lost"]
    between = "1456483162128370000"
    play.see(event_of({"see": "imagine/started", "with": {"id": between, "nonce": "1"}}))
    play.admit(replace(new_job("b", "imagine", play.now), params={"prompt": "a red fox"}))
    play.submit("b", "1400000000000000003")
    play.now += timedelta(seconds=6)
    interaction = {"id": str(int(between) + (1 if later else -1))}
    named = {"interaction": interaction, "interaction_metadata": interaction}
    play.see(event_of({"see": "imagine/progress_0", "event": HISTORY, "with": named}))
    step = play.see(event_of({"see": "imagine/final", "event": HISTORY}))
    assert told(step) == (["b: Completed by weak"] if later else ["a: Late by weak"])


def test_cancel_job_is_pressed_where_the_bot_shows_it_and_asked_for_once() -> None:
    play, jobid = _imagining(), JobId("a")
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


def test_an_old_press_that_opens_a_modal_late_is_not_answered_again() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "button/whole_modal")
    play = _stage(golden)
    for step in golden.content["steps"][:4]:
        play.perform(step)
    opened = event_of(golden.content["steps"][1])
    assert not play.see(opened).writes


def test_an_interaction_that_was_told_opens_its_modal_without_telling_again() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "button/whole_modal")
    play = _stage(golden)
    play.perform(golden.content["steps"][0])
    told_of = {"event": "INTERACTION_CREATE", "payload": {"id": "1", "nonce": NONCE}}
    play.see(event_of({"see": told_of}))
    assert told(play.see(event_of(golden.content["steps"][1]))) == ["a: ModalOpened"]


def test_an_edit_that_could_not_be_committed_answers_the_press_when_it_comes_again() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "describe/whole_again")
    play = _stage(golden)
    for step in golden.content["steps"][:-1]:
        play.perform(step)
    answer = event_of(golden.content["steps"][-1])
    assert play.talk.receive(answer, play.now).writes
    play.talk.undo()
    assert told(play.see(answer)) == ["a: Completed by target"]


class _Counted(dict[JobId, Job]):
    """Jobs by id, counting how many are looked at."""

    looked = 0

    def __getitem__(self, jobid: JobId) -> Job:
        self.looked += 1
        return super().__getitem__(jobid)

    def values(self) -> Any:
        self.looked += len(self)
        return super().values()


def _ghosts(count: int) -> Iterator[Job]:
    for number in range(count):
        ghost = replace(
            new_job(f"g{number}", "imagine"),
            status=JobStatus.FAILED,
            ghost=True,
            submitted_at=START,
            finished_at=START,
            params={"prompt": f"ghost {number}"},
            nonce=Nonce(f"nonce-{number}"),
        )
        yield replace(ghost, messages={f"{number + 1}": MessageRole.PROGRESS})


@pytest.mark.parametrize(
    "seen",
    [
        {"see": "imagine/started"},
        {"see": "imagine/final_other"},
        {"see": "imagine/final"},
        {"see": "button/source_echo"},
        {"see": "describe/described"},
        {"see": "describe/partial_flags_only"},
        {"see": "imagine/final", "with": {"channel_id": "9"}},
        {"see": {"event": "MESSAGE_DELETE", "payload": {"id": "5", "channel_id": "9"}}},
    ],
    ids=str,
)
def test_an_event_costs_the_same_however_many_ghosts_there_are(seen: dict[str, Any]) -> None:
    looked = []
    for count in (20, 2_000):
        play = Play(
            [*_ghosts(count), replace(new_job("a", "imagine"), params={"prompt": "a red fox"})]
        )
        play.submit("a", NONCE)
        jobs = _Counted(play.talk._jobs)
        of_candidates = _Counted(play.talk._candidates.index._jobs)
        play.talk._jobs, play.talk._candidates.index._jobs = jobs, of_candidates
        play.talk.receive(event_of(seen), play.now)
        play.talk.weigh(play.now)
        looked.append(jobs.looked + of_candidates.looked)
    assert looked[0] == looked[1] < 20


# ── a result in other words (R20) ──


def _of_other_words(name: str, **changes: Any) -> dict[str, Any]:
    content = "**crimson vixen** - <@1144000000000000001> (fast)"
    return {"see": name, "with": {"content": content, **changes}}


def test_a_result_in_other_words_needs_an_id() -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/started"}))
    step = play.see(event_of(_of_other_words("imagine/final")))
    assert told(step) == ["kept"]
    # history has it again
    play.see(event_of({"event": HISTORY, **_of_other_words("imagine/final")}))
    gone = {"id": "1456483162128384000", "channel_id": "1145000000000000003"}
    play.see(event_of({"see": {"event": "MESSAGE_DELETE", "payload": gone}}))
    play.perform({"wait": 31})
    assert told(play.perform({"expire": True})) == ["look back: a"]
    play.perform({"look_back": "a"})
    assert told(play.perform({"expire": True})) == ["a: Failed"]
    job = play.jobs[JobId("a")]
    assert (job.code, job.error, job.attachments) == (502, "Result could not be told apart", ())
    # its progress is gone, so the bot does not run it any more
    assert not job.ghost


def test_a_job_that_still_runs_when_its_time_is_over_may_yet_get_its_result() -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of(_of_other_words("imagine/final")))
    play.perform({"wait": 1801})
    play.perform({"look_back": "a"})
    play.perform({"expire": True})
    job = play.jobs[JobId("a")]
    assert (job.error, job.ghost) == ("Result could not be told apart", True)


def test_a_result_in_other_words_is_found_by_its_uuid() -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/progress_31"}))
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of({"see": "imagine/progress_31"}))
    assert told(play.see(event_of(_of_other_words("imagine/final")))) == ["a: Completed by hash"]


@pytest.mark.parametrize("told_by", [None, "ours", "by hand"])
def test_a_start_of_an_unknown_interaction_in_other_words_may_have_been_a_jobs(
    told_by: str | None,
) -> None:
    """Discord has told no interaction, and the bot repeats no nonce."""
    play = _imagining()
    interaction = {"id": "1456483160000000000", "user": {"id": "1144000000000000001"}}
    if told_by is not None:
        payload = {**interaction, "nonce": NONCE if told_by == "ours" else "999"}
        play.see(event_of({"see": {"event": "INTERACTION_CREATE", "payload": payload}}))
    by = {"interaction_metadata": interaction, "interaction": interaction, "nonce": None}
    play.see(event_of(_of_other_words("imagine/started", **by)))
    play.perform({"wait": 61})
    play.perform({"look_back": "a"})
    play.perform({"expire": True})
    job = play.jobs[JobId("a")]
    if told_by == "ours":
        assert job.status is JobStatus.STARTED
    else:
        ends = {
            None: "Result could not be told apart",
            "by hand": "Midjourney bot did not reply within 60 seconds",
        }
        assert (job.error, job.ghost) == (ends[told_by], True)


BY_HAND = {"id": "1400000000000000888", "user": {"id": "1144000000000000001"}}


@pytest.mark.parametrize("named", [{"nonce": "999"}, {"interaction_metadata": BY_HAND}], ids=str)
def test_a_picture_that_names_its_asker_says_nothing_of_our_job(named: dict[str, Any]) -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/started"}))
    assert told(play.see(event_of(_of_other_words("imagine/final", **named)))) == []
    assert _after_it_vanished(play).error == "Job was removed by the bot"


def test_a_picture_of_somebody_who_was_heard_says_nothing_of_our_job() -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/started"}))
    by = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    hand = {"id": "1456483300000000000", "nonce": "999", **by}
    play.see(event_of(_of_other_words("imagine/progress_31", **hand)))
    assert told(play.see(event_of(_of_other_words("imagine/final")))) == []
    assert _after_it_vanished(play).error == "Job was removed by the bot"


def _after_it_vanished(play: Play) -> Job:
    gone = {"id": "1456483162128384000", "channel_id": "1145000000000000003"}
    play.see(event_of({"see": {"event": "MESSAGE_DELETE", "payload": gone}}))
    play.perform({"wait": 31})
    play.perform({"look_back": "a"})
    play.perform({"expire": True})
    return play.jobs[JobId("a")]


# ── what a gap hides (R20) ──


@pytest.mark.parametrize("cancelled", [False, True], ids=["living", "ghost"])
def test_after_a_gap_a_nameless_picture_waits_until_history_was_read_from_the_ask_on(
    *, cancelled: bool
) -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/started"}))
    if cancelled:
        play.perform({"cancel": "a"})
    play.commit(play.talk.missed(play.now))
    play.restart()
    ghosts = [job.jobid for job in play.talk.unread_ghosts]
    assert ghosts == (["a"] if cancelled else [])
    play.talk.reading_late(ghosts)
    play.talk.looking_back([] if cancelled else [JobId("a")], is_due=False)
    nothing = [] if cancelled else ["look back: a"]
    assert told(play.see(event_of({"see": "imagine/final"}))) == nothing
    asked_after = play.jobs[JobId("a")].asked_after or "0"
    play.commit(play.talk.read_to_the_end(str(int(asked_after) + 1)))
    assert told(join_all(list(play.weigh()))) == []
    play.commit(play.talk.read_to_the_end(asked_after))
    assert play.talk.unread_ghosts == []
    end = "a: Late by weak" if cancelled else "a: Completed by weak"
    assert told(join_all(list(play.weigh()))) == [end]
    assert not any(kind == "unread" for kind, _ in play.seen)


def test_a_job_asked_after_a_gap_waits_for_no_history_of_ghosts() -> None:
    play = _imagining()
    play.perform({"cancel": "a"})
    play.commit(play.talk.missed(play.now))
    play.talk.seen("1400000000000000500")
    owl = replace(new_job("b", "imagine"), params={"prompt": "an owl"})
    play.admit(owl)
    play.submit("b", "1400000000000000003")
    picture = {"content": "**an owl --ar 3:2** - <@1144000000000000001> (fast)"}
    play.now += timedelta(seconds=6)
    step = play.see(event_of({"see": "imagine/final", "with": picture}))
    assert told(step) == ["b: Completed by weak"]


# ── look-alikes (R15, R20) ──


def _two_alike(**params: str) -> Play:
    prompt = {"prompt": "a red fox --ar 3:2"}
    jobs = [replace(new_job(name, "imagine"), params=prompt) for name in ("a", "b")]
    play = Play(jobs)
    for number, name in enumerate("ab", start=1):
        play.submit(name, f"140000000000000000{number}")
    return play


def _started(number: int) -> dict[str, Any]:
    changes = {"id": f"145648316212838400{number}", "nonce": f"140000000000000000{number}"}
    return {
        "see": "imagine/started",
        "with": changes,
        "without": ["interaction_metadata", "interaction"],
    }


def test_an_ordinary_end_of_a_job_keeps_the_picture_of_one_that_looks_like_it() -> None:
    play = _two_alike()
    for number in (1, 2):
        play.see(event_of(_started(number)))
    assert told(play.see(event_of({"see": "imagine/final"}))) == ["look back: a, b"]
    refused = {"id": "1456483325706249999", "nonce": "1400000000000000001"}
    ended = event_of({"see": "imagine/banned_prompt", "with": refused})
    assert told(play.see(ended))[-2:] == ["a: Moderated by nonce", "b: Completed by weak"]


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
    play.see(event_of(_started(1)))
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


def test_a_message_with_another_uuid_than_the_jobs_changes_nothing() -> None:
    play = _imagining()
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of({"see": "imagine/progress_31"}))
    before = play.jobs[JobId("a")]
    assert before.hash is not None
    same_message = {"id": before.message_id}
    for event in ("MESSAGE_UPDATE", "MESSAGE_CREATE", HISTORY):
        seen = event_of({"see": "imagine/final_other", "event": event, "with": same_message})
        assert not told(play.see(seen))
    assert play.jobs[JobId("a")] == before


def test_a_picture_that_names_an_interaction_waits_for_that_of_a_job_just_asked() -> None:
    play = _imagining()
    hand = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    picture = event_of({"see": "imagine/final", "with": hand})
    assert told(play.see(picture)) == []
    assert play.talk.wake_at(caught_up=True) == START + timedelta(seconds=5)
    own = {"event": "INTERACTION_CREATE", "payload": {"id": "1400000000000000010", "nonce": NONCE}}
    assert told(play.see(event_of({"see": own}))) == ["a: InteractionSeen"]
    assert not play.talk.undecided
    assert play.jobs[JobId("a")].status is JobStatus.SUBMITTED


def test_a_picture_that_names_an_interaction_is_a_jobs_of_which_none_is_told() -> None:
    play = _imagining()
    hand = {"interaction_metadata": BY_HAND, "interaction": BY_HAND}
    play.see(event_of({"see": "imagine/final", "with": hand}))
    play.perform({"wait": 5})
    step = next(iter(play.weigh()))
    assert told(step) == ["a: InteractionSeen", "a: Completed by weak"]
