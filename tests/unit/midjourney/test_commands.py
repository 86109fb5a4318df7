"""The table of verbs."""

from __future__ import annotations

from tests.build import replace
from waystation.actions import Option, Slash, Uploaded
from waystation.midjourney.commands import COMMANDS, AnswersAt, ParamKind, action_for
from waystation.midjourney.replies import REPLIES


def test_info_is_asked_without_options_and_answered_when_final() -> None:
    info = COMMANDS["info"]
    assert action_for(info, {}, ()) == Slash("info")
    assert info.answers_at is AnswersAt.FINAL
    assert not info.takes_slot
    assert not info.reply_in_history


def test_describe_names_its_upload_by_index() -> None:
    describe = COMMANDS["describe"]
    uploaded = Uploaded("picture-1.png", "aa/picture-1.png")
    assert action_for(describe, {}, (uploaded,)) == Slash(
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


def test_a_mode_is_appended_to_the_prompt() -> None:
    imagine = COMMANDS["imagine"]
    assert action_for(imagine, {"prompt": "a fox", "mode": "relax"}, ()) == Slash(
        "imagine", (Option(3, "prompt", "a fox --relax"),)
    )


def test_a_blend_numbers_its_pictures_and_writes_its_shape() -> None:
    uploads = (Uploaded("1.png", "a/1.png"), Uploaded("2.png", "a/2.png"))
    params = {"blendUrls": ["https://a.test/1.png"], "blendDimensions": "Portrait"}
    assert action_for(COMMANDS["blend"], params, uploads) == Slash(
        "blend",
        (Option(11, "image1", 0), Option(11, "image2", 1), Option(3, "dimensions", "--ar 2:3")),
        uploads,
    )


def test_a_preference_is_a_subcommand() -> None:
    assert action_for(COMMANDS["remix"], {}, ()) == Slash("prefer", (Option(1, "remix"),))
    text = Option(3, "new_value", "--v 7")
    assert action_for(COMMANDS["prefer_suffix"], {"suffix": "--v 7"}, ()) == Slash(
        "prefer", (Option(1, "suffix", options=(text,)),)
    )


def test_what_v2_names_is_there() -> None:
    verbs = {"imagine", "blend", "describe", "button", "info"}
    toggles = {"fast", "relax", "turbo", "remix", "variability"}
    assert verbs | toggles <= set(COMMANDS)
    silent = {verb for verb, row in COMMANDS.items() if not row.takes_slot}
    assert toggles | {"info", "settings", "shorten", "show"} <= silent


def test_a_field_that_the_bot_is_not_told_becomes_no_option() -> None:
    shorten = COMMANDS["shorten"]
    silent = replace(shorten, params=[replace(one, option=None) for one in shorten.params])
    assert action_for(silent, {"prompt": "a fox"}, ()) == Slash("shorten")
