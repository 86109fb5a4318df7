"""Asks by hand that are known by their interaction alone; the pictures are golden ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, merged
from tests.harness.play import USER, Play, new_job, told
from waystation import sentences
from waystation.gateway_events import InteractionTold, ToldAs
from waystation.jobs import JobId, JobStatus, Nonce
from waystation.midjourney.matching.asks_by_hand import AsksByHand
from waystation.wire.snowflake import snowflake_at

NONCE, HAND = "1400000000000000001", "999888"
FINAL = PAYLOADS["imagine/final"].content["payload"]


def _id(seconds: float, increment: int = 0) -> str:
    return snowflake_at(START + timedelta(seconds=seconds), increment)


# ── the asks alone ──


def test_an_ask_is_found_by_all_that_names_it_until_it_is_answered() -> None:
    asks = AsksByHand()
    asks.told(_id(1), HAND)
    asks.told(_id(1), None, _id(2))
    assert {asks.find(one) for one in (_id(1), HAND, _id(2))} == {_id(1)}
    assert asks.find(None, "other") is None
    asks.answered("other")
    asks.answered(None, HAND)
    assert asks.find(_id(1)) is None


def test_a_message_may_answer_what_was_asked_within_a_day_before_it() -> None:
    asks = AsksByHand()
    for seconds in (0, 60):
        asks.told(_id(seconds), None)
    day = timedelta(hours=24).total_seconds()
    assert asks.before(_id(30)) == [_id(0)]
    assert asks.before(_id(day - 1)) == [_id(0), _id(60)]
    assert asks.before(_id(day + 1)) == [_id(60)]
    assert asks.before("no number") == []


def test_a_message_that_names_nobody_answers_the_newest_ask_before_it() -> None:
    asks = AsksByHand()
    for seconds in (1, 2, 9):
        asks.told(_id(seconds), None)
    asks.answered_by(_id(5))
    assert asks.before(_id(10)) == [_id(1), _id(9)]
    asks.answered_by(_id(0))
    assert len(asks.before(_id(10))) == 2


def test_an_edit_answers_the_newest_ask_after_its_message() -> None:
    asks = AsksByHand()
    for seconds in (1, 6, 9):
        asks.told(_id(seconds), None)
    asks.answered_by_edit(_id(5))
    assert asks.before(_id(10)) == [_id(1), _id(6)]
    asks.answered_by_edit(_id(20))
    assert len(asks.before(_id(10))) == 2


def test_the_oldest_asks_give_way_and_what_is_no_id_is_left_out() -> None:
    asks = AsksByHand()
    asks.told("no number", None)
    for second in range(60):
        asks.told(_id(second), None)
    assert asks.before(_id(100)) == [_id(second) for second in range(10, 60)]


# ── in a conversation ──


def _imagining(play: Play | None = None) -> Play:
    """Ask for a picture; our interaction is told, and nothing else."""
    play = play or Play()
    play.admit(replace(new_job("a", "imagine"), params={"prompt": "a red fox --ar 3:2"}))
    play.submit("a", NONCE)
    play.see(InteractionTold(ToldAs.CREATED, _id(1), NONCE))
    return play


def _by_hand(play: Play, seconds: float = 2, nonce: str = HAND) -> None:
    for step in (ToldAs.CREATED, ToldAs.SUCCEEDED):
        play.see(InteractionTold(step, _id(seconds), nonce))


def _picture(seconds: float, **changes: Any) -> dict[str, Any]:
    """A finished picture of our prompt that names nobody."""
    return {"see": "imagine/final", "with": {"id": _id(seconds), **changes}}


def _says(seconds: float, update: bool = False, **fields: Any) -> dict[str, Any]:
    """Anything that the bot says to our user."""
    plain = {"attachments": [], "components": [], "embeds": [], "content": "", "id": _id(seconds)}
    event = "MESSAGE_UPDATE" if update else "MESSAGE_CREATE"
    return {"see": {"event": event, "payload": merged(FINAL, plain | fields)}}


def _status(play: Play) -> JobStatus:
    return play.jobs[JobId("a")].status


def test_a_picture_that_names_nobody_may_be_that_of_an_ask_by_hand() -> None:
    """R20, R23: of the owner's own ask nothing but its interaction was seen."""
    play = _imagining()
    _by_hand(play)
    assert told(play.perform(_picture(5))) == ["look back: a"]
    play.now += timedelta(minutes=31)
    play.talk.looked_back([JobId("a")], play.now)
    assert told(play.perform({"expire": True})) == ["a: Failed", "untold"]


@pytest.mark.parametrize("deed", ["", "Reimagined by ", "Sharpened by "])
@pytest.mark.parametrize("answers", [True, False], ids=["told", "untold"])
@pytest.mark.parametrize("pressed", ["old", "own", "stranger", "by hand"])
def test_a_press_by_hand_makes_no_picture_of_ours(deed: str, answers: bool, pressed: str) -> None:
    """R20: what replies to a picture answers a press, whatever its prompt and in whatever words."""
    play = _imagining()
    target = {"old": -60.0}.get(pressed, 1.5)
    if pressed == "own":
        play.admit(replace(new_job("b", "imagine"), params={"prompt": "a red fox --ar 3:2"}))
        play.submit("b", "55")
        play.perform(_other_picture(target, 1, nonce="55"))
    elif pressed == "stranger":
        play.perform(_other_picture(target, 1, content=f"**a blue cat** - <@{USER}> (fast)"))
    elif pressed == "by hand":
        play.perform(_other_picture(target, 1, nonce="66"))
    said: dict[str, Any] = {"message_reference": {"message_id": _id(target)}}
    said["content"] = f"**a red fox --ar 3:2** - {deed}<@{USER}>"
    if answers:
        _by_hand(play)
        play.perform(_says(3, nonce=HAND, interaction_metadata={"id": _id(2)}, **said))
    play.perform(_other_picture(5, 2, **said))
    assert _status(play) is JobStatus.SUBMITTED
    assert "a: Completed by weak" in told(play.perform(_picture(8)))


def test_a_stranger_of_one_prompt_makes_no_picture_of_another() -> None:
    """R20: who draws a fox unseen is not he who draws a cat, so the cat may be either's."""
    play = Play()
    for number, (name, prompt) in enumerate((("a", "a red fox"), ("b", "a blue cat"))):
        begin = 10 * number
        play.admit(replace(new_job(name, "imagine"), params={"prompt": prompt}))
        play.submit(name, f"{number + 1}")
        play.see(InteractionTold(ToldAs.CREATED, _id(begin + 1), f"{number + 1}"))
        _read_history(play, name)
        for second in (2, 3):
            waits = f"**{prompt}** - <@{USER}> (Waiting to start)"
            play.perform(_says(begin + second, content=waits))
        drawn = f"**{prompt}** - <@{USER}> (fast)"
        play.perform(_other_picture(begin + 4, begin + 4, content=drawn))
        if name == "a":
            play.perform(_other_picture(begin + 5, begin + 5, content=drawn))
    assert [job.status for job in play.jobs.values()] == [JobStatus.SUBMITTED] * 2


def _read_history(play: Play, name: str) -> None:
    """Begin to read history for a job: nothing about it is given up until that is done."""
    play.talk.looking_back([JobId(name)], is_due=False)
    play.talk.reading()


def test_an_ask_by_hand_counts_beside_the_strangers_of_two_prompts_once() -> None:
    """R20, R23: it explains one unseen start, and another prompt's start is somebody else's."""
    play = Play()
    for number, (name, prompt) in enumerate((("a", "a red fox"), ("b", "a blue cat"))):
        play.admit(replace(new_job(name, "imagine"), params={"prompt": prompt}))
        play.submit(name, f"{number + 1}")
        play.see(InteractionTold(ToldAs.CREATED, _id(1, number), f"{number + 1}"))
        _read_history(play, name)
    _by_hand(play)
    for second in (3, 4):
        for prompt in ("a red fox", "a blue cat"):
            waits = f"**{prompt}** - <@{USER}> (Waiting to start)"
            play.perform(_says(second + (prompt == "a blue cat") / 2, content=waits))
    for second, prompt in ((5, "a red fox"), (6, "a red fox"), (7, "a blue cat")):
        drawn = f"**{prompt}** - <@{USER}> (fast)"
        play.perform(_other_picture(second, second, content=drawn))
    assert [job.status for job in play.jobs.values()] == [JobStatus.SUBMITTED] * 2


@pytest.mark.parametrize("is_cut", [True, False], ids=["start", "picture"])
def test_a_start_that_is_cut_is_that_of_a_whole_picture_all_the_same(is_cut: bool) -> None:
    """R20: the bot cuts as it likes, so the start by hand may be that of the picture by hand."""
    prompt = (
        "a red fox that looks over its shoulder in the deep snow of a bright winter morning, " * 2
    )
    play = Play()
    play.admit(replace(new_job("a", "imagine"), params={"prompt": prompt}))
    play.submit("a", NONCE)
    play.see(InteractionTold(ToldAs.CREATED, _id(1), NONCE))
    start, drawn = (prompt[:120], prompt) if is_cut else (prompt, prompt[:120])
    for second in (2, 3):
        waits = f"**{start}** - <@{USER}> (Waiting to start)"
        play.perform(_says(second, content=waits))
    play.perform(_other_picture(5, 5, content=f"**{drawn}** - <@{USER}> (fast)"))
    assert _status(play) is JobStatus.SUBMITTED


def test_a_press_by_hand_without_words_is_not_struck_off_by_an_ask_by_hand() -> None:
    """R20: both may have made what replies to an old picture and has the prompt; ours waits."""
    play = _imagining()
    says = f"**a red fox --ar 3:2** - <@{USER}>"
    pressed: dict[str, Any] = {"message_reference": {"message_id": _id(-60)}}
    start: dict[str, Any] = {"content": f"{says} (Waiting to start)"}
    play.perform(_says(2, nonce="66", **start, **pressed))
    play.perform(_says(3, nonce="77", **start))
    play.perform(_other_picture(5, 1))
    play.perform(_other_picture(6, 2, content=f"{says} (fast)", **pressed))
    assert _status(play) is JobStatus.SUBMITTED


def test_a_picture_of_a_known_interaction_answers_no_other_ask_by_hand() -> None:
    """R20, R23: his own ask was not told; another that was told is still to be answered."""
    play = Play()
    play.admit(replace(new_job("a", "imagine"), params={"prompt": "a red fox --ar 3:2"}))
    play.submit("a", NONCE)
    _by_hand(play)
    named: dict[str, Any] = {
        "interaction_metadata": {"id": _id(1, 9)},
        "interaction": None,
        "nonce": None,
    }
    play.perform(
        _says(3, content=f"**a red fox --ar 3:2** - <@{USER}> (Waiting to start)", **named)
    )
    play.perform(_other_picture(5, 1, message_reference={"message_id": _id(3)}))
    play.see(InteractionTold(ToldAs.CREATED, _id(6), NONCE))
    play.perform(_picture(8))
    assert _status(play) is JobStatus.SUBMITTED


def test_a_ghost_that_the_bot_has_queued_may_still_get_its_picture() -> None:
    """R19, R20: "Job queued" that comes late is no start: its start comes without a nonce."""
    play = Play()
    for name, seconds in (("a", 1), ("b", 70)):
        play.admit(replace(new_job(name, "imagine"), params={"prompt": "a red fox --ar 3:2"}))
        play.submit(name, f"5{seconds}")
        play.see(InteractionTold(ToldAs.CREATED, _id(seconds), f"5{seconds}"))
        if name == "a":
            play.now += timedelta(seconds=61)
            step = play.perform({"expire": True})
            play.talk.looked_back(step.look_back, play.now)
            play.perform({"expire": True})
            assert _status(play) is JobStatus.FAILED
    queued = PAYLOADS["describe/job_queued"].content["payload"]
    payload = merged(queued, {"id": _id(71), "nonce": "51"})
    play.perform({"see": {"event": "MESSAGE_CREATE", "payload": payload}})
    play.perform(_says(72, content=f"**a red fox --ar 3:2** - <@{USER}> (Waiting to start)"))
    play.perform(_other_picture(80, 1, message_reference={"message_id": _id(72)}))
    assert play.jobs[JobId("b")].status is JobStatus.SUBMITTED


@pytest.mark.parametrize("content", ["**a red fox --ar 3:2**", "done", ""])
def test_a_picture_without_a_caption_that_may_be_ours_is_no_silence(content: str) -> None:
    """R20: it says nothing of whose it is, so nobody gets it; the end says so."""
    play = _imagining()
    play.perform(_other_picture(5, 1, content=content))
    play.now += timedelta(seconds=61)
    step = play.perform({"expire": True})
    play.talk.looked_back(step.look_back, play.now)
    play.perform({"expire": True})
    assert play.jobs[JobId("a")].error == sentences.NOT_TOLD_APART.text


def _other_picture(seconds: float, number: int, **changes: Any) -> dict[str, Any]:
    """A finished picture with another uuid than `_picture`."""
    payload = merged(FINAL, {"id": _id(seconds), **changes})
    uuid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    other = json.dumps(payload).replace(uuid, f"{number:08x}{uuid[8:]}")
    return {"see": {"event": "MESSAGE_CREATE", "payload": json.loads(other)}}


def test_an_ask_by_hand_outlives_a_restart() -> None:
    play = _imagining()
    _by_hand(play)
    play.restart()
    assert told(play.perform(_picture(5))) == ["look back: a"]
    play.restart()
    assert "a: Completed by weak" in told(play.perform(ANSWERS["the answer to info"]))


def test_one_that_was_asked_after_the_picture_does_not_count() -> None:
    play = _imagining()
    _by_hand(play, seconds=9)
    assert told(play.perform(_picture(5))) == ["a: Completed by weak"]


def test_one_of_a_day_ago_does_not_count() -> None:
    play = _imagining()
    _by_hand(play, seconds=2)
    assert told(play.perform(_picture(25 * 3600))) == ["a: Completed by weak"]


def _metadata(seconds: float, name: str) -> dict[str, Any]:
    return {"interaction_metadata": {"id": _id(seconds), "type": 2, "name": name, "user": WHO}}


WHO = {"id": USER, "username": "ada"}
INFO = {"title": "Your info - ada", "description": "**Job Mode**: Fast"}
ERROR = {"title": "Invalid parameter", "description": "because", "color": 16711680}
OTHER = f"**a blue owl** - <@{USER}> (Waiting to start)"
SETTINGS = [
    {
        "type": 1,
        "components": [
            {"type": 2, "style": 3, "label": "Remix mode", "custom_id": "MJ::Settings::Remix"}
        ],
    }
]

ANSWERS: Mapping[str, dict[str, Any]] = {
    "the start of another prompt": _says(3, nonce=HAND, content=OTHER),
    "the same without nonce": _says(3, content=OTHER, **_metadata(2, "imagine")),
    "the answer to info": _says(
        3,
        nonce=HAND,
        flags=64,
        embeds=[{"title": "Your info - ada", "description": "**Job Mode**"}],
    ),
    "an empty first message of info": _says(3, nonce=HAND, flags=192, **_metadata(2, "info")),
    "an error": _says(3, nonce=HAND, embeds=[ERROR]),
    "a late error that names nobody": _says(3, embeds=[ERROR]),
    "a rating": _says(3, content="You have successfully rated [this job](https://x) with it"),
    "an edit of the settings": _says(0.5, update=True, flags=64, components=SETTINGS),
}

NAMELESS: Mapping[str, dict[str, Any]] = {
    "a start": _says(-3, content=OTHER),
    "a picture": _picture(-3, content=f"**a blue owl** - <@{USER}> (fast)"),
    "a picture of our prompt": _picture(-3),
}


FILES = [
    FINAL["attachments"][0] | {"filename": "ada_fox_0f1e2d3c-0000-4000-8000-000000000000.webp"}
]
"""Of another uuid than the golden's."""


@pytest.mark.parametrize("answer", NAMELESS)
def test_a_nameless_picture_from_before_our_ask_answers_one_by_hand(answer: str) -> None:
    play = Play()
    _by_hand(play, seconds=-4)
    play.perform(NAMELESS[answer])
    _imagining(play)
    own = _picture(5, attachments=FILES, components=[])
    assert told(play.perform(own)) == ["a: Completed by weak"]


@pytest.mark.parametrize("content", [OTHER, f"**a blue owl** - <@{USER}> (fast)"])
def test_a_message_that_may_be_ours_in_other_words_answers_nobody_by_hand(content: str) -> None:
    play = _imagining()
    _by_hand(play)
    play.perform(_picture(3, content=content, components=[]))
    assert told(play.perform(_picture(5, attachments=FILES, components=[]))) == ["look back: a"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_ask_by_hand_that_was_answered_costs_no_later_picture(answer: str) -> None:
    play = _imagining()
    _by_hand(play)
    play.perform(ANSWERS[answer])
    assert told(play.perform(_picture(5))) == ["a: Completed by weak"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_picture_that_waits_is_given_once_the_ask_by_hand_was_answered(answer: str) -> None:
    play = _imagining()
    _by_hand(play)
    play.perform(_picture(5))
    assert "a: Completed by weak" in told(play.perform(ANSWERS[answer]))


def test_a_form_answers_the_press_that_has_opened_it_and_is_sent_as_another_ask() -> None:
    play = _imagining()
    _by_hand(play)
    modal = {"id": _id(2), "custom_id": "MJ::RemixModal::x", "nonce": HAND, "components": []}
    play.perform({"see": {"event": "INTERACTION_MODAL_CREATE", "payload": modal}})
    _by_hand(play, seconds=3, nonce="999889")
    assert told(play.perform(_picture(5))) == ["look back: a"]
    assert "a: Completed by weak" in told(play.perform(_says(4, nonce="999889", content=OTHER)))


@pytest.mark.parametrize("names", [_metadata(2, "imagine"), {"nonce": HAND}], ids=str)
def test_an_empty_first_message_says_nothing_of_what_was_asked(names: dict[str, Any]) -> None:
    play = _imagining()
    _by_hand(play)
    play.perform(_says(3, flags=128, **names))
    assert told(play.perform(_picture(5))) == ["look back: a"]
    # its edit names nobody, and is known by its message
    assert "a: Completed by weak" in told(play.perform(_says(3, update=True, content=OTHER)))


def test_an_empty_first_message_tells_of_an_ask_whose_interaction_was_not_told() -> None:
    play = _imagining()
    play.perform(_says(3, flags=128, nonce=HAND))
    assert told(play.perform(_picture(5))) == ["look back: a"]


QUEUED = PAYLOADS["describe/job_queued"].content["payload"]


@pytest.mark.parametrize("names", [{"nonce": HAND}, _metadata(2, "imagine"), {}], ids=str)
def test_one_that_the_bot_has_queued_is_still_to_be_answered(names: dict[str, Any]) -> None:
    """R20, R31: its start comes without a nonce."""
    play = _imagining()
    _by_hand(play)
    bare = {"nonce": None, "interaction": None, "interaction_metadata": None}
    queued = merged(QUEUED, {"id": _id(3), **bare, **names})
    play.perform({"see": {"event": "MESSAGE_CREATE", "payload": queued}})
    assert told(play.perform(_picture(5))) == ["look back: a"]


DESCRIBED = PAYLOADS["describe/described"].content["payload"]


@pytest.mark.parametrize("names", ["ours", "nonce", "interaction", "nothing"])
def test_the_result_of_a_describe_answers_nobody_else(names: str) -> None:
    """R20, R23: an edit answers a press only on what had been answered before."""
    play = Play()
    if names == "ours":
        play.admit(new_job("d"))
        play.submit("d", "55")
    who = {"id": _id(-9), "user": {"id": USER}}
    signs: dict[str, Any] = {"nonce": None, "interaction": None, "interaction_metadata": None}
    if names in ("ours", "interaction"):
        play.see(InteractionTold(ToldAs.CREATED, _id(-9), "55"))
    if names in ("ours", "nonce"):
        signs["nonce"] = "55"
    if names != "nothing":
        signs["interaction_metadata"] = who
    begun = merged(PAYLOADS["describe/acknowledged"].content["payload"], {"id": _id(-8), **signs})
    play.perform({"see": {"event": "MESSAGE_CREATE", "payload": begun}})
    _by_hand(play, seconds=-5)
    done = merged(DESCRIBED, {"id": _id(-8), **signs, "nonce": None})
    play.perform({"see": {"event": "MESSAGE_UPDATE", "payload": done}})
    _imagining(play)
    assert told(play.perform(_picture(5))) == ["look back: a"]


@pytest.mark.parametrize(
    "end", [{"content": f"**a hound** - <@{USER}> (fast)"}, {"embeds": "error"}]
)
def test_one_ask_by_hand_is_answered_once(end: dict[str, Any]) -> None:
    """R20: a start, and an end in other words, may be those of one and the same ask."""
    play = Play()
    _by_hand(play, seconds=-9)
    _by_hand(play, seconds=-8, nonce="999889")
    play.perform(_says(-7, content=OTHER))
    last = _says(-6, embeds=[ERROR]) if "embeds" in end else _other_picture(-6, 7, **end)
    play.perform(last)
    _imagining(play)
    assert told(play.perform(_picture(5))) == ["look back: a"]


def test_a_message_that_is_heard_twice_answers_one_ask_by_hand() -> None:
    play = Play()
    _by_hand(play, seconds=-9)
    _by_hand(play, seconds=-8, nonce="999889")
    for _ in range(2):
        play.perform(_says(-6, embeds=[ERROR]))
    _imagining(play)
    assert told(play.perform(_picture(5))) == ["look back: a"]


def test_a_start_that_names_nobody_and_comes_after_the_picture_explains_no_ask_away() -> None:
    """Nothing tells which of the two starts was ours: the picture may be either's."""
    play = _imagining()
    _by_hand(play)
    start = f"**a red fox --ar 3:2** - <@{USER}> (Waiting to start)"
    play.perform(_says(3, content=start))
    assert told(play.perform(_picture(5))) == ["look back: a"]
    assert told(play.perform(_says(6, content=start))) == []
    assert _status(play) is JobStatus.SUBMITTED


def test_a_second_message_about_an_ended_job_is_no_ask_by_hand() -> None:
    play = Play([replace(new_job("b", "info"))])
    play.submit("b", "1400000000000000002")
    first = _says(-5, nonce="1400000000000000002", flags=192)
    play.perform(first)
    play.perform(_says(-5, update=True, flags=64, embeds=[INFO]))
    assert play.jobs[JobId("b")].status is JobStatus.COMPLETED
    _imagining(play)
    play.perform(first)
    assert told(play.perform(_picture(5))) == ["a: Completed by weak"]


def test_two_asks_by_hand_are_not_answered_by_one() -> None:
    play = _imagining()
    _by_hand(play)
    _by_hand(play, seconds=2.5, nonce="999889")
    play.perform(_says(3, content=OTHER))
    assert told(play.perform(_picture(5))) == ["look back: a"]


def test_an_ask_of_waystation_itself_is_not_by_hand() -> None:
    """Neither its presses of Cancel Job, nor what Discord tells of a job that is over."""
    play = _imagining()
    play.admit(replace(new_job("b", "imagine"), params={"prompt": "a blue owl"}))
    play.submit("b", "1400000000000000002")
    play.see(InteractionTold(ToldAs.CREATED, _id(2), "1400000000000000002"))
    play.commit(play.talk.cancel_requested(JobId("b"), Nonce("1400000000000000003"), play.now))
    play.see(InteractionTold(ToldAs.CREATED, _id(3), "1400000000000000003"))
    stopped = f"**a blue owl** - <@{USER}> (Stopped)"
    play.perform(_says(4, content=stopped, **_metadata(2, "imagine")))
    assert play.jobs[JobId("b")].status is JobStatus.CANCELLED
    play.see(InteractionTold(ToldAs.SUCCEEDED, _id(2), "1400000000000000002"))
    assert told(play.perform(_picture(5))) == ["a: Completed by weak"]


def test_a_press_is_younger_than_its_message_and_has_none_of_its_own() -> None:
    asks = AsksByHand()
    for seconds in (1, 6, 9):
        asks.told(_id(seconds), None)
    asks.speaks(_id(9))
    assert asks.may_press(_id(5), newest=_id(10)) == [_id(6)]
    # the bot takes a day at most
    assert asks.may_press(_id(5), newest=_id(6 + 24 * 3600)) == []
