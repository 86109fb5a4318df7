"""The consequences of one gateway event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import CONVERSATIONS, HISTORY, PAYLOADS, event_of, merged
from tests.harness.play import CHANNEL, LIMITS, Play, new_job, told
from tests.harness.scenes import (
    NONCE,
    describing,
    imagining,
    of_other_words,
    stage,
    two_alike,
)
from waystation import sentences
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    HumanCheckSeen,
    InteractionTold,
    MessageGone,
    SessionState,
    ToldAs,
)
from waystation.ignored import Ignored
from waystation.jobs import (
    JobId,
    JobStatus,
    MessageRole,
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


# ── messages that are no job's ──


def _reason(play: Play, name: str, **changes: Any) -> Ignored | None:
    """Return why a message changes no job."""
    step = play.talk.receive(event_of({"see": name, "with": changes}), play.now)
    assert not step.job_steps
    return step.ignored


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("describe/impostor_bot", Ignored.OTHER_AUTHOR),
        ("describe/owner_writes_a_message", Ignored.OTHER_AUTHOR),
        ("describe/foreign_user", Ignored.OTHER_USER),
        ("describe/partial_flags_only", Ignored.AUTHORLESS),
        ("seed/seed", Ignored.OTHER_CHANNEL),
    ],
)
def test_a_message_of_somebody_else_or_elsewhere_is_ignored(name: str, reason: Ignored) -> None:
    assert _reason(describing(), name) is reason


def test_a_seed_is_the_one_message_that_may_come_from_elsewhere() -> None:
    parent = {"parentJobId": "parent"}
    play = Play([replace(new_job("a", "seed"), params=parent)])
    assert _reason(play, "describe/described", channel_id="9") is Ignored.OTHER_CHANNEL
    assert _reason(play, "seed/seed") is not Ignored.OTHER_CHANNEL


PARTIAL = {"author": None, "application_id": None, "interaction": None, "nonce": None}


def test_a_picture_that_does_not_say_who_wrote_it_may_be_that_of_a_job_without_message() -> None:
    """R18: history says whose it is; what history does not have is not looked up."""
    play = imagining()
    play.admit(new_job("b", "info"))
    play.submit("b", "1400000000000000101")
    message = PAYLOADS["imagine/final"].content["payload"]
    whole = {"author", "application_id", "webhook_id", "interaction", "interaction_metadata"}
    partial = {name: value for name, value in message.items() if name not in whole}
    event = event_of({"see": {"event": "MESSAGE_UPDATE", "payload": partial}})
    step = play.talk.receive(event, play.now)
    assert (step.ignored, step.look_back) == (
        Ignored.AUTHORLESS,
        frozenset({JobId("a")}),
    )


def test_a_picture_of_a_press_that_brings_several_is_one_of_them() -> None:
    params = {"button": "Imagine all \N{PARTY POPPER}", "parentJobId": "parent"}
    play = Play([replace(new_job("a", "button"), params=params)])
    play.sources[JobId("a")] = Source("1456483162128384000", None, "MJ::Job::PicReader::all")
    play.submit("a", NONCE)
    asked = "1456483162128384001"
    play.see(InteractionTold(ToldAs.CREATED, asked, NONCE))
    reply = {"message_reference": {"message_id": "1456483162128384000"}, "components": []}
    nameless = {"interaction": None, "interaction_metadata": None, "nonce": None}
    step = play.see(event_of({"see": "imagine/final", "with": {**reply, **nameless}}))
    assert told(step) == ["a: Progressed by several"]


# ── two owners ──


def _two_described() -> Play:
    """Let a first answer bind one of two describes."""
    play = Play([new_job("a"), new_job("b")])
    play.submit("a", NONCE)
    play.submit("b", "1400000000000000003")
    play.see(event_of({"see": "describe/acknowledged"}))
    return play


NAMES_BOTH = {"see": "describe/described", "with": {"nonce": "1400000000000000003"}}


def test_a_message_that_names_two_jobs_fails_both_unless_history_tells_them_apart() -> None:
    """R20."""
    play = _two_described()
    both = [JobId("a"), JobId("b")]
    step = play.see(event_of(NAMES_BOTH))
    assert (told(step), step.job_steps) == (["look back: a, b"], ())
    play.talk.looking_back(both, is_due=False)
    play.talk.reading()
    waits = play.talk.receive(event_of(NAMES_BOTH), play.now)
    assert (told(waits), waits.ignored) == ([], Ignored.TWO_OWNERS)
    play.talk.looked_back(both, play.now)
    ends = play.see(event_of(NAMES_BOTH))
    assert told(ends) == ["a: Failed", "b: Failed", "kept"]
    assert {done.job.error for done in ends.job_steps} == {sentences.NOT_TOLD_APART.text}
    again = play.talk.receive(event_of(NAMES_BOTH), play.now)
    assert (told(again), again.ignored) == (["kept"], Ignored.TWO_OWNERS)


def test_a_picture_that_two_could_own_waits() -> None:
    play = Play()
    for name, nonce in (("a", NONCE), ("b", "1400000000000000003")):
        play.admit(replace(new_job(name, "imagine"), params={"prompt": "a red fox --ar 3:2"}))
        play.submit(name, nonce)
    assert _reason(play, "imagine/final") is Ignored.UNDECIDED
    assert play.talk.undecided
    # read back, it waits as well
    again = play.talk.receive(event_of({"see": "imagine/final", "event": HISTORY}), play.now)
    assert again.ignored is Ignored.UNDECIDED


# ── interactions ──


def _told_of(play: Play, step: ToldAs, nonce: str | None, number: int = 10) -> list[str]:
    return told(play.see(InteractionTold(step, f"14000000000000000{number}", nonce)))


def test_an_interaction_without_a_nonce_says_nothing() -> None:
    play = describing()
    assert _told_of(play, ToldAs.FAILED, None) == []
    assert play.seen == {}


def test_an_interaction_is_learnt_once_and_its_failure_noted_once() -> None:
    """R14: the bot may still answer."""
    play = describing()
    assert _told_of(play, ToldAs.CREATED, NONCE) == ["a: InteractionSeen"]
    assert _told_of(play, ToldAs.SUCCEEDED, NONCE) == []
    assert _told_of(play, ToldAs.FAILED, NONCE) == ["a: Unclear"]
    assert _told_of(play, ToldAs.FAILED, NONCE) == []


def test_the_answer_to_a_form_is_another_interaction_and_that_of_the_press_is_none_more() -> None:
    golden = next(one for one in CONVERSATIONS if one.name == "button/whole_modal")
    play = stage(golden)
    for step in golden.content["steps"][:3]:
        play.perform(step)
    assert play.jobs[JobId("a")].interaction_id == "1400000000000000010"
    assert _told_of(play, ToldAs.SUCCEEDED, NONCE) == []
    assert _told_of(play, ToldAs.CREATED, "1400000000000000002", 12) == ["a: InteractionSeen"]


# ── what a press opens ──


def _pressing() -> Play:
    params = {"parentJobId": "parent", "button": "Vary (Region)"}
    play = Play([replace(new_job("a", "button"), params=params)])
    play.sources[JobId("a")] = Source("1456482738503680000", "h", "MJ::Inpaint::1::h")
    play.submit("a", NONCE)
    return play


def test_a_frame_that_is_no_human_check_is_what_our_press_has_opened() -> None:
    play = _pressing()
    step = play.see(event_of({"see": "imagine/inpaint_frame"}))
    assert told(step) == ["a: InteractionSeen", "a: ModalOpened"]
    assert told(play.see(event_of({"see": "imagine/inpaint_frame"}))) == []


@pytest.mark.parametrize("nonce", ["1400000000000000888", None])
def test_a_frame_that_a_press_by_hand_opens_is_nobodys_and_its_ask_is_answered(
    nonce: str | None,
) -> None:
    play = _pressing()
    frame = "1400000000000000010"
    play.see(InteractionTold(ToldAs.CREATED, frame, "1400000000000000888"))
    assert [kind for kind, _ in play.seen if kind == "unheard"] == ["unheard"]
    assert (
        told(play.see(event_of({"see": "imagine/inpaint_frame", "with": {"nonce": nonce}}))) == []
    )
    assert [kind for kind, _ in play.seen if kind == "unheard"] == []


def test_a_frame_for_a_job_that_presses_nothing_opens_nothing() -> None:
    assert told(imagining().see(event_of({"see": "imagine/inpaint_frame"}))) == []


def test_a_human_check_ends_the_job_that_met_it_and_halts_for_anybody() -> None:
    for verb, gives in (("describe", ["a: Failed"]), (None, [])):
        play = Play() if verb is None else describing(verb)
        step = play.see(event_of({"see": "describe/human_check_frame"}))
        assert step.halt is not None and step.halt.said == "1400000000000000010"
        assert told(step) == [*gives, f"halt: {step.halt.text}"]


# ── deletions ──


def _deletes(play: Play, message_id: str) -> list[str]:
    return told(play.see(MessageGone(message_id, CHANNEL)))


def test_a_job_vanishes_with_the_message_that_shows_it_once() -> None:
    """R27."""
    play = imagining()
    play.see(event_of({"see": "imagine/started"}))
    assert _deletes(play, "1456483162128384001") == []
    assert _deletes(play, "1456483162128384000") == ["a: Vanished"]
    assert _deletes(play, "1456483162128384000") == []


def test_a_job_does_not_vanish_with_a_message_that_shows_it_no_more() -> None:
    play = describing()
    play.see(event_of({"see": "describe/acknowledged"}))
    job = play.jobs[JobId("a")]
    play.admit(replace(job, message_id="1", messages={**job.messages, "1": MessageRole.PROGRESS}))
    assert _deletes(play, job.message_id or "") == []


def test_a_notice_of_a_later_start_that_is_deleted_takes_nothing_away() -> None:
    """R27 is about a job's own message: its start is another one, and is to come."""
    play = Play(limits=replace(LIMITS, track_queued=True))
    play.admit(new_job("a"))
    play.submit("a", NONCE)
    play.see(event_of({"see": "describe/job_queued", "with": {"nonce": NONCE}}))
    notice = play.jobs[JobId("a")].message_id
    assert notice is not None and play.jobs[JobId("a")].status is JobStatus.STARTED
    assert _deletes(play, notice) == []
    assert play.jobs[JobId("a")].vanished_at is None


@pytest.mark.parametrize(("seconds", "is_doubted"), [(-5, True), (5, False)])
def test_a_message_deleted_before_history_was_read_may_have_been_a_pictures_start(
    seconds: int, *, is_doubted: bool
) -> None:
    """R20: what was said in the gap is not known; what came since was heard."""
    play = Play()
    play.talk.seen(snowflake_at(START - timedelta(minutes=1)))
    play.commit(play.talk.missed(play.now - timedelta(minutes=1), snowflake_at(START)))
    play.admit(replace(new_job("a", "imagine"), params={"prompt": "a red fox --ar 3:2"}))
    play.now += timedelta(seconds=20)
    play.submit("a", NONCE)
    picture = snowflake_at(play.now)
    nameless = {"interaction": None, "interaction_metadata": None, "nonce": None}
    play.see(event_of({"see": "imagine/final", "with": {"id": picture, **nameless}}))
    play.see(MessageGone(snowflake_at(START + timedelta(seconds=seconds)), CHANNEL))
    assert play.talk._state.doubtful.about(picture, play.jobs[JobId("a")]) is is_doubted


# ── edits ──


def test_an_edit_that_says_the_same_again_answers_no_press_by_hand() -> None:
    play = Play()
    _describes(play, "old")
    _press_by_hand(play, 1)
    _describes(play, "old")
    assert [kind for kind, _ in play.seen if kind == "unheard"] == ["unheard"]
    _describes(play, "new")
    assert [kind for kind, _ in play.seen if kind == "unheard"] == []


def test_an_edit_with_other_buttons_answers_a_press_of_which_nothing_was_told() -> None:
    """R21: the settings that a job shows say what they said, but for a button."""
    golden = next(one for one in CONVERSATIONS if one.name == "settings/whole_option")
    play = stage(golden)
    for step in golden.content["steps"][:4]:
        play.perform(step)
    changed = event_of({"see": "settings/changed"})
    assert told(play.see(changed)) == ["a: Completed by target"]


# ── several events that are committed together ──


def test_each_of_several_events_is_decided_after_the_one_before() -> None:
    play = describing()
    events = [event_of({"see": name}) for name in ("describe/acknowledged", "describe/described")]
    steps = play.talk.receive_all(events, play.now)
    first = ["a: InteractionSeen", "a: Acknowledged by nonce"]
    assert [told(step) for step in steps] == [first, ["a: Completed by message"]]
    # the last one has what is to be known from all of them on
    assert not steps[0].seen and {row.kind for row in steps[1].seen} >= {"face", "settled"}
    assert play.talk.receive_all([], play.now) == []


def test_an_event_after_which_somebody_else_has_a_say_is_the_last_of_several() -> None:
    play = describing()
    events = [HumanCheckSeen("look", fatal=False), event_of({"see": "describe/acknowledged"})]
    (halted,) = play.talk.receive_all(events, play.now)
    assert halted.halt is not None
    play.talk.undo()
    alike = two_alike()
    (waits,) = alike.talk.receive_all([event_of({"see": "imagine/final"})] * 2, alike.now)
    assert alike.talk.undecided and waits.seen


def test_a_reading_of_history_that_one_of_several_asks_for_is_noted_for_the_next() -> None:
    play = describing()
    play.restart()
    events = [event_of({"see": "describe/acknowledged"})]
    (step,) = play.talk.receive_all(events, play.now)
    assert step.look_back == {"a"}
    assert play.talk._state.lookups.under_way(["a"])
