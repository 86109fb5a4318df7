"""The table of verbs."""

from __future__ import annotations

from waystation.actions import Option, Slash, Uploaded
from waystation.midjourney.commands import COMMANDS, AnswersAt, ParamKind, action_for
from waystation.midjourney.replies import REPLIES


def test_info_is_asked_without_options_and_answered_when_final() -> None:
    info = COMMANDS["info"]
    assert action_for(info, ()) == Slash("info")
    assert info.answers_at is AnswersAt.FINAL
    assert not info.takes_slot
    assert not info.reply_in_history


def test_describe_names_its_upload_by_index() -> None:
    describe = COMMANDS["describe"]
    uploaded = Uploaded("picture-1.png", "aa/picture-1.png")
    assert action_for(describe, (uploaded,)) == Slash(
        "describe", (Option(11, "image", 0),), (uploaded,)
    )
    assert describe.answers_at is AnswersAt.STARTED
    assert describe.takes_slot
    assert describe.reply_in_history


def test_the_picture_of_a_describe_may_come_as_a_file() -> None:
    (picture,) = COMMANDS["describe"].params
    assert picture.kind is ParamKind.PICTURE
    assert (picture.name, picture.file_part, picture.required) == (
        "describeUrl",
        "describeFile",
        True,
    )


def test_bad_inputs_have_the_statuses_of_v2() -> None:
    assert {verb: row.bad_input_status for verb, row in COMMANDS.items()} == {
        "info": 400,
        "describe": 412,
    }


def test_every_row_is_whole() -> None:
    kinds = {row.kind for row in REPLIES}
    for verb, row in COMMANDS.items():
        assert row.verb == verb
        assert row.finished_by
        assert row.finished_by <= kinds
        assert row.source
        assert row.help
