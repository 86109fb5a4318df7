"""The table of verbs."""

from __future__ import annotations

from waystation.midjourney.commands import COMMANDS, AnswersAt, ParamKind
from waystation.midjourney.replies import REPLIES


def test_info_is_answered_when_final() -> None:
    info = COMMANDS["info"]
    assert info.answers_at is AnswersAt.FINAL
    assert not info.takes_slot
    assert not info.reply_in_history


def test_a_describe_takes_a_slot_and_is_answered_when_it_has_begun() -> None:
    describe = COMMANDS["describe"]
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
    assert {verb for verb, row in COMMANDS.items() if row.bad_input_status == 412} == {"describe"}
    assert {row.bad_input_status for row in COMMANDS.values()} == {400, 412}


def test_every_row_is_whole() -> None:
    kinds = {row.kind for row in REPLIES}
    for verb, row in COMMANDS.items():
        assert row.verb == verb
        assert row.finished_by
        assert row.finished_by <= kinds
        assert row.source
        assert row.help


def test_what_v2_names_is_there() -> None:
    verbs = {"imagine", "blend", "describe", "button", "info"}
    toggles = {"fast", "relax", "turbo", "remix", "variability"}
    assert verbs | toggles <= set(COMMANDS)
    silent = {verb for verb, row in COMMANDS.items() if not row.takes_slot}
    assert toggles | {"info", "settings", "shorten", "show"} <= silent
