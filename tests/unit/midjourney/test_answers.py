"""Presses that are answered by an edit, and the option of the settings that is meant."""

from __future__ import annotations

import pytest

from tests.build import replace
from tests.harness.play import new_job
from waystation.jobs import Button, Modal, Shown
from waystation.midjourney import answers
from waystation.midjourney.answers import (
    Faces,
    cannot_be_off,
    edit_of,
    face_of,
    finishes,
    in_history,
    is_edit,
    opened_settings,
    option_of,
    wanted,
)
from waystation.midjourney.memory import FACES, KINDS
from waystation.midjourney.replies import ReplyKind
from waystation.wire.message import Embed, EmbedImage

REMIX = Button("Remix mode", "MJ::Settings::RemixMode", is_on=True)
V7 = Button("Midjourney Model V7", "MJ::Settings::VersionSelector", "7")


@pytest.mark.parametrize(
    ("custom_id", "kind"),
    [
        ("MJ::Picread::Retry", ReplyKind.DESCRIBED),
        ("MJ::Job::PromptAnalyzerExtended", ReplyKind.SHORTENED),
        ("MJ::Settings::VersionSelector", ReplyKind.SETTINGS),
        ("MJ::Job::PicReader::1", None),
        ("MJ::JOB::reroll::0::uuid::SOLO", None),
        (None, None),
    ],
)
def test_a_custom_id_tells_what_its_message_says_after_the_press(
    custom_id: str | None, kind: ReplyKind | None
) -> None:
    assert edit_of(custom_id) is kind


def test_a_press_waits_for_its_edit_and_for_nothing_else() -> None:
    again = replace(new_job("a", "button"), pressed="MJ::Picread::Retry")
    assert finishes(again, ReplyKind.DESCRIBED)
    assert not finishes(again, ReplyKind.PICTURE)
    assert not in_history(again)
    other = replace(again, pressed="MJ::JOB::upsample::1::uuid")
    assert finishes(other, ReplyKind.PICTURE)
    assert not finishes(other, ReplyKind.DESCRIBED)
    assert in_history(other)


def test_a_heart_waits_for_a_sentence_that_history_does_not_have() -> None:
    heart = replace(new_job("a", "button"), pressed="MJ::BOOKMARK::uuid")
    assert finishes(heart, ReplyKind.RATED)
    assert not finishes(heart, ReplyKind.PICTURE)
    assert not in_history(heart)


def test_an_option_is_found_by_its_label_in_any_case() -> None:
    job = replace(new_job("a", "settings"), params={"option": "midjourney model v7"})
    assert option_of(job, (REMIX, V7)) == V7
    assert option_of(replace(job, params={"option": "V7"}), (REMIX, V7)) is None


@pytest.mark.parametrize(("state", "as_wanted"), [("on", True), ("off", False), (None, False)])
def test_only_a_state_that_is_asked_for_can_be_there_already(
    state: str | None, as_wanted: bool
) -> None:
    params = {"option": "Remix mode"} | ({} if state is None else {"state": state})
    assert wanted(replace(new_job("a", "settings"), params=params), REMIX) is as_wanted


def test_settings_wait_for_a_press_of_all_that_the_option_needs() -> None:
    opened = opened_settings(Shown("7", flags=64), V7)
    assert opened == Modal("7", "MJ::Settings::VersionSelector", flags=64, value="7")
    assert opened.is_settings
    assert not opened.is_iframe


def _said(message_id: str, description: str, link: str = "") -> Shown:
    embed = Embed(type="rich", description=description, image=EmbedImage(url=link))
    return Shown(message_id, embeds=(embed,))


def test_a_message_that_says_the_same_again_is_known_by_its_words_not_its_links() -> None:
    faces = Faces()
    assert not faces.is_seen(_said("1", "a"))
    faces.see(_said("1", "a", "http://127.0.0.1/?ex=1"))
    assert faces.is_seen(_said("1", "a", "http://127.0.0.1/?ex=2"))
    assert not faces.is_seen(_said("1", "b"))
    assert not faces.is_seen(_said("2", "a"))
    faces.see(Shown("1"))
    assert faces.is_seen(_said("1", "a"))


def test_a_seen_message_outweighs_an_expected_one() -> None:
    faces = Faces()
    faces.expect("1", face_of(_said("1", "a").embeds))
    assert faces.is_seen(_said("1", "a"))
    faces.see(_said("1", "b"))
    faces.expect("1", face_of(_said("1", "a").embeds))
    faces.expect("2", None)
    assert faces.is_seen(_said("1", "b"))


def test_the_face_of_a_message_is_made_once_however_often_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []
    monkeypatch.setattr(answers, "face_of", lambda embeds: made.append(embeds) or face_of(embeds))
    faces, shown = Faces(), _said("1", "a")
    assert not faces.is_seen(shown)
    faces.see(shown)
    faces.see(replace(shown, content="more"))
    assert faces.is_seen(shown)
    assert len(made) == 1


def test_faces_are_bounded() -> None:
    faces = Faces()
    faces.see(_said("1", "a"))
    for number in range(KINDS[FACES]):
        faces.see(_said(f"2{number}", "a"))
    assert not faces.is_seen(_said("1", "a"))
    assert faces.is_seen(_said("20", "a"))


def test_a_message_that_only_began_cannot_be_pressed() -> None:
    faces = Faces()
    assert faces.may_be_pressed("1")
    faces.begin("1")
    assert not faces.may_be_pressed("1")
    faces.end("1")
    assert faces.may_be_pressed("1")
    faces.end("1")
    assert faces.may_be_pressed("1")


def test_an_option_is_off_where_it_is_not_on() -> None:
    job = replace(new_job("a", "settings"), params={"state": "off"})
    assert not wanted(job, REMIX) and wanted(job, replace(REMIX, is_on=False))
    assert cannot_be_off(job, V7)
    assert not cannot_be_off(job, REMIX)
    assert not cannot_be_off(replace(job, params={"state": "on"}), V7)


@pytest.mark.parametrize(
    ("kind", "edits"),
    [
        (ReplyKind.DESCRIBED, True),
        (ReplyKind.SHORTENED, True),
        (ReplyKind.SETTINGS, True),
        (ReplyKind.RATED, False),
        (ReplyKind.PICTURE, False),
    ],
)
def test_an_edit_of_these_kinds_may_answer_a_press(kind: ReplyKind, *, edits: bool) -> None:
    assert is_edit(kind) is edits
