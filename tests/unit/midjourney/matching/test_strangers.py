"""Strangers in the channel; the messages are golden ones."""

from __future__ import annotations

from tests.build import replace
from tests.fakes import START
from tests.golden.corpus import PAYLOADS, message_of
from tests.harness.play import new_job
from waystation.midjourney.captions import Caption
from waystation.midjourney.matching.strangers import Strangers, begun_with
from waystation.midjourney.memory import KINDS, STRANGERS
from waystation.midjourney.reading import Reading, read

LONG = "a " + "very " * 20 + "red fox"


def _reading(name: str, **shown: object) -> Reading:
    reading = read(message_of(PAYLOADS[name]))
    return replace(reading, shown=replace(reading.shown, **shown))


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


def test_a_reply_to_the_progress_of_a_stranger_is_the_strangers() -> None:
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
    assert not strangers.owns(picture)
    assert not _open(strangers)
    (begun,) = strangers.begun()
    assert list(strangers.begun_as(picture)) == [begun]
    assert (begun.message_id, begun.stranger) == ("5", "stranger 5")
    assert not strangers.begun_as(_reading("imagine/final_other"))
    strangers.claim(alike, picture.shown.message_id, picture.shown.hash, silent=True)
    assert not strangers.has_unclaimed(alike)
    assert strangers.owns(picture)


def test_a_begun_work_becomes_no_picture_of_another_uuid_interaction_or_time() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"), unclaimed=True)
    (named,) = strangers.begun()
    begun, picture = replace(named, interaction_id=None), _reading("imagine/final")
    assert named.may_become(picture)
    assert begun.may_become(picture)
    assert not begun.may_become(_reading("imagine/final", message_id="4"))
    other = replace(picture, interaction_id="77")
    assert begun.may_become(other)
    assert not named.may_become(other)
    drawn = replace(begun, hash="uuid")
    assert not drawn.may_become(picture)
    assert drawn.may_become(_reading("imagine/final", hash=None))
    elsewhere = replace(picture, caption=Caption("a blue cat"))
    assert not begun.may_become(elsewhere)


def test_a_stranger_of_whom_a_progress_is_known_is_named_by_it() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"), unclaimed=True)
    (begun,) = strangers.begun()
    assert (begun_with(begun.stranger), begun_with("5")) == ("5", None)
    strangers.finish("5", _reading("imagine/final"))
    assert not list(strangers.begun())
    assert strangers.owns(_reading("imagine/final"))


def test_a_job_without_a_progress_takes_one_that_shows_no_uuid() -> None:
    strangers = Strangers()
    alike = [("prompt", "a red fox", "")]
    for one in "56":
        strangers.note(_reading("imagine/started", message_id=one), unclaimed=True)
    strangers.claim(alike, "9", "uuid", silent=False)
    assert len(list(strangers.begun())) == 2
    strangers.claim(alike, "9", "uuid", silent=True)
    assert len(list(strangers.begun())) == 1
    strangers.forget(["6"])
    assert not strangers.has_unclaimed(alike)


def test_a_job_takes_no_progress_that_is_younger_than_its_picture() -> None:
    strangers, picture = Strangers(), _reading("imagine/final", message_id="7")
    strangers.note(_reading("imagine/started", message_id="8"), unclaimed=True)
    strangers.claim([("prompt", "a red fox", "")], "7", "uuid", silent=True)
    strangers.take(picture)
    (begun,) = strangers.begun()
    assert not begun.may_become(picture)
    assert begun.may_become(_reading("imagine/final_other", message_id="9"))


def test_a_picture_that_no_job_can_own_takes_the_progress_from_which_it_came() -> None:
    strangers = Strangers()
    for one in "567":
        strangers.note(_reading("imagine/started", message_id=one), unclaimed=True)
    strangers.take(_reading("imagine/final", message_id="6"))
    assert len(list(strangers.begun())) == 2
    strangers.take(_reading("imagine/final", message_id="8"))
    assert len(list(strangers.begun())) == 1
    strangers.take(_reading("imagine/final", message_id="4"))
    assert len(list(strangers.begun())) == 1


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


def test_a_result_that_names_a_strangers_interaction_ends_it() -> None:
    strangers = Strangers()
    for one, interaction_id in (("5", "66"), ("6", "77")):
        began = _reading("imagine/started", message_id=one)
        strangers.note(replace(began, interaction_id=interaction_id))
    final = _reading("imagine/final", message_id="7")
    strangers.note(replace(final, interaction_id="66", caption=Caption("a blue cat")))
    assert not strangers.is_over("5")
    strangers.note(replace(final, interaction_id="66"))
    assert (strangers.is_over("5"), strangers.is_over("6")) == (True, False)


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


def test_a_picture_that_was_somebodys_once_is_not_anybodys_later() -> None:
    picture, job = _reading("imagine/final"), replace(new_job("a", "imagine"), submitted_at=START)
    strangers = Strangers()
    strangers.note(picture, orphan=True)
    assert strangers.has_orphan_since(job)
    strangers.note(picture)
    strangers.note(picture, orphan=True)
    assert not strangers.has_orphan_since(job)


def test_a_finished_picture_is_known_by_its_message_and_a_start_is_not() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    strangers.note(_reading("imagine/final", message_id="6"))
    assert [strangers.is_finished(one) for one in "567"] == [False, True, False]
    # what is said of it afterwards takes that not back
    strangers.note(_reading("imagine/progress_31", message_id="6"))
    assert strangers.is_finished("6")


def test_interactions_that_are_younger_than_an_ask_may_have_begun_for_it() -> None:
    strangers = Strangers()
    for message_id, interaction_id in (("5", "66"), ("6", "77"), ("7", None)):
        began = _reading("imagine/started", message_id=message_id)
        strangers.note(replace(began, interaction_id=interaction_id))
    job = replace(new_job("a", "imagine"), submitted_at=START, asked_after="70")
    assert list(strangers.interactions_since(job)) == ["77"]


def test_a_stranger_that_is_not_remembered_finishes_without_harm() -> None:
    strangers = Strangers()
    strangers.finish("5", _reading("imagine/final"))
    assert not strangers.owns(_reading("imagine/final"))


def test_a_pictures_uuid_is_drawn_by_a_stranger_that_has_shown_it_and_goes_on() -> None:
    strangers, picture = Strangers(), _reading("imagine/final", message_id="9")
    assert not strangers.draws(picture)
    strangers.note(_reading("imagine/progress_0", message_id="5"), unclaimed=True)
    assert not strangers.draws(picture)
    strangers.note(_reading("imagine/progress_0", message_id="5"))
    assert strangers.draws(picture)
    assert not strangers.draws(_reading("imagine/final", message_id="9", hash=None))
    assert not strangers.draws(_reading("imagine/final_other", message_id="9"))


def test_a_strangers_finished_picture_draws_no_other() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/final", message_id="5"))
    assert not strangers.draws(_reading("imagine/final", message_id="9"))


def test_somebody_is_known_by_the_message_he_has_begun_with() -> None:
    strangers = Strangers()
    strangers.note(_reading("imagine/started", message_id="5"))
    assert strangers.has("5")
    assert not strangers.has("6")


def test_a_message_is_named_by_one_of_whom_it_is_known_that_we_are_not_he() -> None:
    strangers, picture = Strangers(), _reading("imagine/final", message_id="9")
    assert not strangers.names(picture)
    strangers.note(_reading("imagine/progress_0", message_id="5"), unclaimed=True)
    strangers.note(_reading("imagine/final", message_id="6"), orphan=True)
    assert not strangers.names(picture)
    strangers.note(_reading("imagine/progress_0", message_id="7"))
    assert strangers.names(picture)


def test_a_message_answers_the_interaction_of_what_it_goes_on_with() -> None:
    strangers = Strangers()
    began = _reading("imagine/progress_0", message_id="5")
    strangers.note(replace(began, interaction_id="66"))
    picture = replace(_reading("imagine/final", message_id="9"), interaction_id=None)
    assert strangers.interaction_of(picture) == "66"
    assert strangers.interaction_of(replace(picture, interaction_id="77")) == "77"
    other = replace(_reading("imagine/final_other", message_id="9"), interaction_id=None)
    assert strangers.interaction_of(other) is None


def test_a_picture_that_names_an_interaction_is_of_the_stranger_who_does_too() -> None:
    strangers = Strangers()
    for message_id, interaction_id in (("5", "66"), ("6", "77"), ("7", None)):
        began = _reading("imagine/started", message_id=message_id)
        strangers.note(replace(began, interaction_id=interaction_id))
    picture = _reading("imagine/final_other", message_id="9")
    assert strangers.open_alike(replace(picture, interaction_id="66")) == {"5"}
    unknown = replace(picture, interaction_id="88")
    assert strangers.open_alike(unknown) == {"7"}
    assert strangers.open_alike(unknown, is_ours=False) == frozenset()
    assert strangers.open_alike(replace(picture, interaction_id=None)) == {"5", "6", "7"}


def test_strangers_that_could_not_own_a_picture_are_not_done_with_it() -> None:
    strangers = Strangers()
    for one in "67":
        strangers.note(_reading("imagine/started", message_id=one))
    strangers.close(_reading("imagine/final"), {"7"})
    assert _open(strangers) == {"6"}
