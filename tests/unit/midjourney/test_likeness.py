"""By what jobs look alike, and who else does what we do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.unit.midjourney.play import new_job
from waystation.jobs import MessageRole
from waystation.midjourney.likeness import Strangers, likeness_of, likenesses, too_early
from waystation.midjourney.replies import Reading, read


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


def test_a_message_from_before_the_ask_is_too_early() -> None:
    job = new_job("a", "imagine")
    assert too_early(job, _reading("imagine/final"))
    assert not too_early(replace(job, submitted_at=START), _reading("imagine/final"))
    later = replace(job, submitted_at=START + timedelta(hours=1))
    assert too_early(later, _reading("imagine/final"))


def test_a_stranger_keeps_its_uuid_once_it_has_shown_one() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    assert strangers.may_own(_reading("imagine/final"))
    strangers.note(_reading("imagine/progress_0", message_id="5"))
    strangers.note(_reading("imagine/started", message_id="5"))
    assert not strangers.may_own(_reading("imagine/final_other"))
    assert strangers.owns(_reading("imagine/final"))
    assert strangers.owns(_reading("imagine/final_other", message_id="5"))
    assert not strangers.owns(_reading("imagine/final_other", hash=None))


def test_strangers_are_bounded_and_only_pictures() -> None:
    strangers = Strangers(capacity=1)
    strangers.note(_reading("fast/done"))
    strangers.note(_reading("imagine/started", message_id="5"))
    strangers.note(_reading("button/variations", message_id="6", hash=None))
    assert not strangers.may_own(_reading("imagine/final"))
