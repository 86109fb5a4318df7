"""By what jobs look alike, and who else does what we do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.harness.play import new_job
from waystation.jobs import MessageRole
from waystation.midjourney.matching.likeness import (
    Agreement,
    Likeness,
    agreement,
    likeness_of,
    likenesses,
    look_alike,
    may_be_shortened,
    places,
    too_early,
)
from waystation.midjourney.reading import Reading, read
from waystation.wire.snowflake import snowflake_time


def _reading(name: str, **shown: object) -> Reading:
    reading = read(message_of(PAYLOADS[name]))
    return replace(reading, shown=replace(reading.shown, **shown))


def test_a_job_is_alike_by_its_prompt_or_by_what_it_pressed() -> None:
    imagine = replace(new_job("a", "imagine"), params={"prompt": "A fox --v 7"})
    assert list(likenesses(imagine)) == [("prompt", "a fox", "")]
    assert list(likenesses(new_job("a", "blend"))) == [("prompt", "", "")]
    assert list(likenesses(new_job("a", "describe"))) == []
    press = replace(new_job("a", "button"), params={"button": "U2", "prompt": "x"})
    assert list(likenesses(press)) == []
    pressed = replace(press, messages={"9": MessageRole.TARGET})
    assert list(likenesses(pressed)) == [("reply", "9", "image #2")]
    unknown = replace(pressed, params={"button": "Sharpen"})
    assert list(likenesses(unknown)) == [("reply", "9", "*")]


def test_a_message_is_alike_only_when_it_is_about_a_picture() -> None:
    assert likeness_of(_reading("imagine/final")) == (("prompt", "a red fox", ""),)
    assert likeness_of(_reading("fast/done")) == ()
    assert likeness_of(_reading("show/displaying")) == ()


def test_a_shorten_is_alike_by_the_prompt_that_its_answer_shows() -> None:
    """A shorten draws nothing: no picture looks like one."""
    asked = replace(new_job("a", "shorten"), params={"prompt": "A very *small* red fox --v 7"})
    likeness = ("shorten", "a very small red fox", "")
    assert list(likenesses(asked)) == [likeness]
    shown = likeness_of(_reading("shorten/shortened"))
    assert shown == (likeness, ("shorten", "shortened prompts", ""))


LONG = "a " + "very " * 20 + "red fox"


@pytest.mark.parametrize(
    ("shown", "asked", "how"),
    [
        (("prompt", "a", ""), ("prompt", "a", ""), Agreement.WHOLLY),
        (("prompt", "a", ""), ("prompt", "b", ""), Agreement.NOT),
        (("prompt", LONG[:100], ""), ("prompt", LONG, ""), Agreement.WHOLLY),
        (("prompt", LONG, ""), ("prompt", LONG[:100], ""), Agreement.NOT),
        (("prompt", LONG[:99], ""), ("prompt", LONG, ""), Agreement.NOT),
        (
            ("reply", "9", "upscaled (subtle)"),
            ("reply", "9", "upscaled (subtle)"),
            Agreement.WHOLLY,
        ),
        (("reply", "8", "upscaled (subtle)"), ("reply", "9", "upscaled (subtle)"), Agreement.NOT),
        (("reply", "9", "upscaled (subtle)"), ("reply", "9", "upscaled (creative)"), Agreement.NOT),
        (("reply", "9", "upscaled"), ("reply", "9", "upscaled (creative)"), Agreement.WHOLLY),
        (("reply", "9", "variations"), ("reply", "9", "variations (region)"), Agreement.WHOLLY),
        (("reply", "9", "image #2"), ("reply", "9", "image #1"), Agreement.NOT),
        (("reply", "9", "variations"), ("reply", "9", "zoom out"), Agreement.NOT),
        (("reply", "9", "variations"), ("reply", "9", ""), Agreement.NOT),
        (("reply", "9", "frobnicated (wild)"), ("reply", "9", "image #1"), Agreement.LOOSELY),
        (("reply", "9", "image #1"), ("reply", "9", "frobnicating"), Agreement.LOOSELY),
        (("reply", "9", ""), ("reply", "9", "zoom out"), Agreement.LOOSELY),
        (("reply", "9", "frobnicated"), ("reply", "9", "frobnicated"), Agreement.LOOSELY),
        (("reply", "9", ""), ("reply", "9", ""), Agreement.LOOSELY),
        (("reply", "9", "zoom out"), ("reply", "9", "*"), Agreement.WHOLLY),
        (("reply", "9", "anything"), ("reply", "9", "*"), Agreement.LOOSELY),
        (("reply", "9", ""), ("prompt", "9", ""), Agreement.NOT),
        (("shorten", "a", ""), ("shorten", "a", ""), Agreement.WHOLLY),
        (("shorten", LONG[:100], ""), ("shorten", LONG, ""), Agreement.NOT),
        (("prompt", "a", ""), ("shorten", "a", ""), Agreement.NOT),
    ],
)
def test_a_shown_likeness_agrees_with_the_asked_one(
    shown: Likeness, asked: Likeness, how: Agreement
) -> None:
    assert agreement([shown], [asked]) is how
    if how:
        assert set(places(shown)) & set(places(asked))


def test_a_press_that_no_picture_answers_is_alike_to_none() -> None:
    heart = replace(new_job("a", "button"), params={"button": "❤️"}, pressed="MJ::BOOKMARK::1")
    assert list(likenesses(replace(heart, messages={"9": MessageRole.TARGET}))) == []


def test_a_message_from_before_the_ask_is_too_early() -> None:
    job, said = new_job("a", "imagine"), _reading("imagine/final")
    message_id = said.shown.message_id
    before, after = str(int(message_id) - 1), str(int(message_id) + 1)
    assert too_early(job, said)
    asked = replace(job, submitted_at=START)
    assert not too_early(asked, said)
    assert not too_early(replace(asked, asked_after=before), said)
    assert too_early(replace(asked, asked_after=message_id), said)
    assert too_early(replace(asked, asked_after=before, interaction_id=after), said)
    assert not too_early(replace(asked, asked_after=before, interaction_id=before), said)


@pytest.mark.parametrize("ahead", [8, -8, 3600, -3600])
def test_our_clock_says_nothing_of_what_is_too_early(ahead: int) -> None:
    said = _reading("imagine/final")
    at = snowflake_time(said.shown.message_id) + timedelta(seconds=ahead)
    job = replace(new_job("a", "imagine"), submitted_at=at)
    assert not too_early(replace(job, asked_after=str(int(said.shown.message_id) - 1)), said)
    assert too_early(replace(job, asked_after=str(int(said.shown.message_id) + 1)), said)


def test_a_plain_result_may_reply_to_a_progress_of_its_own() -> None:
    plain = replace(_reading("imagine/final"), reference_id="9")
    prompt = ("prompt", "a red fox", "")
    assert likeness_of(plain) == (("reply", "9", ""), prompt)
    assert prompt not in likeness_of(replace(_reading("imagine/started"), reference_id="9"))
    assert prompt not in likeness_of(_reading("button/variations"))


def test_a_message_from_before_the_first_answer_is_too_early() -> None:
    begun = {"1456483330000000000": MessageRole.PROGRESS}
    job = replace(new_job("a", "imagine"), submitted_at=START, messages=begun)
    assert too_early(job, _reading("imagine/final"))
    assert not too_early(job, _reading("imagine/final", message_id="1456483340000000000"))


def test_a_press_and_a_seed_are_alike_by_their_parent() -> None:
    seed = replace(new_job("a", "seed"), params={"parentJobId": "parent"})
    assert ("seed", "parent", "") in list(likenesses(seed))
    press = replace(new_job("b", "button"), params={"parentJobId": "parent", "button": "V1"})
    assert ("press", "parent", "variations") in list(likenesses(press))


def test_a_prompt_may_be_a_longer_one_that_was_shortened() -> None:
    long, short = [("prompt", "a very small red fox", "")], [("prompt", "small red fox", "")]
    assert may_be_shortened(short, long)
    assert not may_be_shortened(long, short)
    assert not may_be_shortened(short, [("reply", "a very small red fox", "")])


def test_two_messages_look_alike_whichever_of_them_is_cut() -> None:
    whole = [("prompt", "x" * 300, "")]
    assert look_alike(whole, whole)
    assert not look_alike(whole, [("prompt", "y" * 300, "")])
