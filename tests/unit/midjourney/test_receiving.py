"""What follows from one gateway event."""

from __future__ import annotations

from tests.golden.corpus import CONVERSATIONS, HISTORY, event_of
from tests.unit.midjourney.play import Play, new_job, told
from tests.unit.midjourney.scenes import (
    NONCE,
    describing,
    imagining,
    of_other_words,
    stage,
)
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    HumanCheckSeen,
    SessionState,
)
from waystation.jobs import (
    JobId,
    JobStatus,
)
from waystation.wire.snowflake import snowflake_time


def test_the_trigger_of_a_halt_is_as_old_as_what_the_bot_said() -> None:
    step = describing().see(event_of({"see": "describe/pending_mod_message"}))
    assert step.halt is not None
    assert step.halt.triggered_at == snowflake_time("1400000000003145728")


def test_discords_own_human_check_halts_and_ends_no_job() -> None:
    play = describing()
    step = play.see(HumanCheckSeen("verify a phone", fatal=False))
    assert told(step) == ["halt: verify a phone"]
    assert step.halt is not None
    assert step.halt.triggered_at == play.now


def test_the_state_of_the_connection_is_no_news_to_a_conversation() -> None:
    play = describing()
    assert not play.see(Disconnected("lost")).writes
    caught_up = CaughtUp(False, "1144000000000000001", SessionState("s", "ws://127.0.0.1", 1))
    assert not play.see(caught_up).writes


def test_a_job_that_is_not_submitted_hears_nothing() -> None:
    play = Play([new_job("a")])
    for name in ("acknowledged", "described", "job_queued", "human_check_frame"):
        play.see(event_of({"see": f"describe/{name}"}))
    assert play.jobs[JobId("a")].status is JobStatus.CREATED
    assert play.jobs[JobId("a")].version == 0


def test_an_old_press_that_opens_a_modal_late_is_not_answered_again() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "button/whole_modal")
    play = stage(golden)
    for step in golden.content["steps"][:4]:
        play.perform(step)
    opened = event_of(golden.content["steps"][1])
    assert not play.see(opened).writes


def test_an_interaction_that_was_told_opens_its_modal_without_telling_again() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "button/whole_modal")
    play = stage(golden)
    play.perform(golden.content["steps"][0])
    told_of = {"event": "INTERACTION_CREATE", "payload": {"id": "1", "nonce": NONCE}}
    play.see(event_of({"see": told_of}))
    assert told(play.see(event_of(golden.content["steps"][1]))) == ["a: ModalOpened"]


def test_a_message_with_another_uuid_than_the_jobs_changes_nothing() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of({"see": "imagine/progress_31"}))
    before = play.jobs[JobId("a")]
    assert before.hash is not None
    same_message = {"id": before.message_id}
    for event in ("MESSAGE_UPDATE", "MESSAGE_CREATE", HISTORY):
        seen = event_of({"see": "imagine/final_other", "event": event, "with": same_message})
        assert not told(play.see(seen))
    assert play.jobs[JobId("a")] == before


def test_a_result_in_other_words_is_found_by_its_uuid() -> None:
    play = imagining()
    play.see(event_of({"see": "imagine/progress_31"}))
    play.see(event_of({"see": "imagine/started"}))
    play.see(event_of({"see": "imagine/progress_31"}))
    assert told(play.see(event_of(of_other_words("imagine/final")))) == ["a: Completed by hash"]
