"""The consequences of one gateway event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import CONVERSATIONS, HISTORY, PAYLOADS, event_of, merged
from tests.harness.play import Play, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    imagining,
    of_other_words,
    stage,
)
from waystation import sentences
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    HumanCheckSeen,
    InteractionTold,
    SessionState,
    ToldAs,
)
from waystation.jobs import (
    JobId,
    JobStatus,
    Source,
)
from waystation.wire.snowflake import snowflake_at, snowflake_time


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


def _describes(play: Play, prompt: str) -> list[str]:
    """Let the message that is pressed say something."""
    embeds = [{"type": "rich", "description": f"1️⃣ {prompt}"}]
    described = PAYLOADS["describe/described"].content["payload"]
    payload = merged(described, {"id": PRESSED, "embeds": embeds})
    return told(play.see(event_of({"see": {"event": "MESSAGE_UPDATE", "payload": payload}})))


PRESSED = snowflake_at(START)


def _press_again(play: Play) -> None:
    play.sources[JobId("a")] = Source(PRESSED, None, "MJ::Picread::Retry")
    params: dict[str, Any] = {"parentJobId": "parent", "button": "🔄"}
    play.admit(replace(new_job("a", "button"), params=params))
    play.submit("a", NONCE)
    asked = snowflake_at(START + timedelta(seconds=2))
    play.see(InteractionTold(ToldAs.CREATED, asked, NONCE))


def _press_by_hand(play: Play, seconds: float, *says: dict[str, Any]) -> None:
    asked = snowflake_at(START + timedelta(seconds=seconds))
    play.see(InteractionTold(ToldAs.CREATED, asked, "66"))
    for payload in says:
        play.see(event_of({"see": {"event": "MESSAGE_CREATE", "payload": payload}}))


@pytest.mark.parametrize("seconds", [1, 3])
def test_an_edit_that_may_answer_a_press_by_hand_is_nobodys(seconds: int) -> None:
    """R20, R23: two have pressed it, and an edit does not say who."""
    play = Play()
    _describes(play, "old")
    _press_again(play)
    _press_by_hand(play, seconds)
    assert _describes(play, "one") == ["a: Failed", "kept"]
    assert not _describes(play, "another")
    assert play.jobs[JobId("a")].error == sentences.NOT_TOLD_APART.text


def test_an_edit_after_a_press_by_hand_that_was_answered_is_ours() -> None:
    play = Play()
    _describes(play, "old")
    _press_by_hand(play, 1)
    _describes(play, "by hand")
    _press_again(play)
    assert _describes(play, "ours") == ["a: Completed by target"]


def test_an_edit_is_ours_though_an_ask_by_hand_is_older_than_what_we_press() -> None:
    play = Play()
    _press_by_hand(play, -1)
    _describes(play, "old")
    _press_again(play)
    assert _describes(play, "ours") == ["a: Completed by target"]


@pytest.mark.parametrize("name", ["describe/acknowledged", "describe/job_queued"])
def test_one_by_hand_that_has_a_message_of_its_own_presses_nothing(name: str) -> None:
    play = Play()
    _describes(play, "old")
    said_at = snowflake_at(START + timedelta(seconds=3))
    names = {"id": said_at, "nonce": "66", "interaction": None, "interaction_metadata": None}
    _press_by_hand(play, 1, merged(PAYLOADS[name].content["payload"], names))
    _press_again(play)
    assert _describes(play, "ours") == ["a: Completed by target"]
