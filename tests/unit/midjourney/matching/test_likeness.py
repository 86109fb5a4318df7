"""By what jobs look alike, and who else does what we do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.harness.play import new_job
from waystation.jobs import MessageRole
from waystation.midjourney.captions import Caption
from waystation.midjourney.matching.likeness import (
    Agreement,
    Likeness,
    Strangers,
    agreement,
    likeness_of,
    likenesses,
    places,
    too_early,
)
from waystation.midjourney.memory import KINDS, STRANGERS
from waystation.midjourney.reading import Reading, read
from waystation.wire.snowflake import snowflake_time


def _reading(name: str, **shown: object) -> Reading:
    reading = read(message_of(PAYLOADS[name]))
    return replace(reading, shown=replace(reading.shown, **shown))  # type: ignore[arg-type]


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
    ],
)
def test_what_is_shown_agrees_with_what_was_asked(
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


def _open(strangers: Strangers, name: str = "imagine/final_other") -> frozenset[str]:
    return frozenset(strangers.open_alike(_reading(name)))


def test_a_stranger_keeps_its_uuid_once_it_has_shown_one() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    assert _open(strangers) == {"5"}
    strangers.note(_reading("imagine/progress_0", message_id="5"))
    strangers.note(_reading("imagine/started", message_id="5"))
    assert not _open(strangers)
    assert strangers.owns(_reading("imagine/final"))
    assert strangers.owns(_reading("imagine/final_other", message_id="5"))
    assert not strangers.owns(_reading("imagine/final_other", hash=None))


def test_what_replies_to_the_progress_of_a_stranger_is_the_strangers() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    reply = replace(_reading("imagine/final"), reference_id="5")
    assert strangers.owns(reply)
    strangers.finish("5", _reading("imagine/final_other"))
    assert not strangers.owns(reply)


def test_a_stranger_is_done_with_its_picture_or_when_it_is_stopped() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    strangers.finish("5", _reading("imagine/final"))
    assert not _open(strangers)
    strangers.note(_reading("imagine/started", message_id="6"))
    strangers.note(_reading("imagine/stopped", message_id="6"))
    assert not _open(strangers)
    strangers.note(_reading("imagine/started", message_id="7"))
    strangers.close(_reading("imagine/final"), {"7"})
    assert not _open(strangers)


def test_a_progress_that_nobody_could_claim_is_a_stranger_or_a_job() -> None:
    strangers, picture = Strangers(), _reading("imagine/final")
    alike = [("prompt", "a red fox", "")]
    strangers.note(_reading("imagine/progress_0", message_id="5"), unclaimed=True)
    assert strangers.has_unclaimed(alike)
    assert strangers.is_unclaimed(picture)
    assert not strangers.owns(picture)
    assert not _open(strangers)
    assert strangers.nameless(picture, 1) == frozenset()
    assert strangers.nameless(picture, 0) == {"stranger 5"}
    assert strangers.nameless(_reading("imagine/final_other"), 0) == frozenset()
    strangers.claim(alike, picture.shown.message_id, picture.shown.hash, silent=True)
    assert not strangers.has_unclaimed(alike)
    assert strangers.owns(picture)


def test_a_progress_with_another_uuid_is_a_work_of_its_own() -> None:
    """Where a job has shown no progress it may be the job's; then the picture is another's."""
    strangers, picture = Strangers(), _reading("imagine/final_other")
    strangers.note(_reading("imagine/progress_0", message_id="5"), unclaimed=True)
    assert strangers.nameless(picture, 0) == frozenset()
    assert strangers.nameless(picture, 1) == {f"stranger {picture.shown.message_id}"}
    assert strangers.nameless(picture, 1, others=1) == frozenset()
    strangers.note(_reading("imagine/started", message_id="6"), unclaimed=True)
    assert strangers.nameless(picture, 1) == strangers.nameless(picture, 0) == {"stranger 6"}
    assert strangers.nameless(picture, 2) == frozenset()


def test_a_picture_that_waits_and_has_shown_no_progress_is_a_work_for_the_next() -> None:
    strangers, first = Strangers(), _reading("imagine/final_other")
    second = _reading("imagine/final")
    strangers.note(_reading("imagine/progress_0", message_id="5"), unclaimed=True)
    assert strangers.nameless(second, 1) == frozenset()
    strangers.hold(first, {"a", "b"})
    assert strangers.nameless(second, 1) == frozenset()
    strangers.hold(first, {"a", *strangers.nameless(first, 1)})
    named = {f"stranger {first.shown.message_id}"}
    assert strangers.nameless(first, 1) == strangers.nameless(second, 1) == named


def test_a_picture_that_waits_is_no_work_beside_the_progress_that_may_be_its() -> None:
    strangers, picture = Strangers(), _reading("imagine/final_other")
    strangers.note(_reading("imagine/started", message_id="5"), unclaimed=True)
    strangers.hold(picture, strangers.nameless(picture, 0))
    assert len(strangers.nameless(_reading("imagine/final"), 0)) == 1


def test_a_job_without_a_progress_takes_one_that_shows_no_uuid() -> None:
    strangers = Strangers()
    alike = [("prompt", "a red fox", "")]
    for one in "56":
        strangers.note(_reading("imagine/started", message_id=one), unclaimed=True)
    strangers.claim(alike, "9", "uuid", silent=False)
    assert len(strangers.nameless(_reading("imagine/final"), 0)) == 2
    strangers.claim(alike, "9", "uuid", silent=True)
    assert len(strangers.nameless(_reading("imagine/final"), 0)) == 1
    strangers.forget(["6"])
    assert not strangers.has_unclaimed(alike)


def test_a_job_takes_no_progress_that_is_younger_than_its_picture() -> None:
    strangers, picture = Strangers(), _reading("imagine/final", message_id="7")
    strangers.note(_reading("imagine/started", message_id="8"), unclaimed=True)
    strangers.claim([("prompt", "a red fox", "")], "7", "uuid", silent=True)
    strangers.take(picture)
    assert strangers.nameless(picture, 0) == frozenset()
    later = _reading("imagine/final_other", message_id="9")
    assert strangers.nameless(later, 0) == {"stranger 8"}


def test_a_picture_that_no_job_can_own_takes_the_progress_from_which_it_came() -> None:
    strangers, later = Strangers(), _reading("imagine/final_other", message_id="9")
    for one in "567":
        strangers.note(_reading("imagine/started", message_id=one), unclaimed=True)
    strangers.take(_reading("imagine/final", message_id="6"))
    assert len(strangers.nameless(later, 0)) == 2
    strangers.take(_reading("imagine/final", message_id="8"))
    assert len(strangers.nameless(later, 0)) == 1
    strangers.take(_reading("imagine/final", message_id="4"))
    assert len(strangers.nameless(later, 0)) == 1


def test_strangers_are_bounded_and_only_pictures() -> None:
    strangers = Strangers()
    strangers.note(_reading("fast/done"))
    strangers.note(_reading("imagine/started", message_id="5"))
    for number in range(KINDS[STRANGERS]):
        strangers.note(_reading("button/variations", message_id=f"6{number}", hash=None))
    assert not _open(strangers)


def test_a_result_that_replies_to_a_strangers_progress_ends_it() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    strangers.note(_reading("imagine/started", message_id="6"))
    strangers.note(replace(_reading("imagine/final", message_id="7", hash=None), reference_id="5"))
    assert _open(strangers) == {"6"}


def test_a_stranger_that_began_in_cut_words_may_own_the_whole_prompt_and_the_other_way() -> None:
    cut, whole = (
        replace(reading, caption=Caption(prompt))
        for reading, prompt in (
            (_reading("imagine/started", message_id="5"), LONG[:100]),
            (_reading("imagine/final_other", hash=None), LONG),
        )
    )
    for began, came in ((cut, whole), (replace(cut, caption=Caption(LONG)), whole)):
        strangers = Strangers()
        strangers.note(began)
        assert set(strangers.open_alike(came)) == {"5"}
        assert set(strangers.open_alike(replace(came, caption=Caption(LONG[:100])))) == {"5"}


def test_what_was_somebodys_once_is_not_anybodys_later() -> None:
    picture, job = _reading("imagine/final"), replace(new_job("a", "imagine"), submitted_at=START)
    strangers = Strangers()
    strangers.note(picture, orphan=True)
    assert strangers.has_orphan_since(job)
    strangers.note(picture)
    strangers.note(picture, orphan=True)
    assert not strangers.has_orphan_since(job)
