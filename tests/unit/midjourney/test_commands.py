"""The table of verbs."""

from __future__ import annotations

import pytest

from tests.build import replace
from tests.harness.play import new_job
from waystation.jobs import Job
from waystation.midjourney.commands import (
    COMMANDS,
    MAX_JOBS,
    MAX_LANE,
    MODE_VERBS,
    REMIX_VERBS,
    SHOWN_AGAIN,
    AnswersAt,
    ParamKind,
)
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


def test_the_fields_that_v2_names_are_there() -> None:
    verbs = {"imagine", "blend", "describe", "button", "info"}
    toggles = {"fast", "relax", "turbo", "remix", "variability"}
    assert verbs | toggles <= set(COMMANDS)
    silent = {verb for verb, row in COMMANDS.items() if not row.takes_slot}
    assert toggles | {"info", "settings", "shorten", "show"} <= silent


def _done(verb: str, content: str = "", **result: object) -> Job:
    return replace(new_job("a", verb), content=content, result=result)


@pytest.mark.parametrize(
    ("job", "mode"),
    [
        (_done("fast"), "fast"),
        (_done("relax"), "relax"),
        (_done("turbo"), "turbo"),
        (_done("info", info={"mode": "relaxed"}), "relax"),
        (_done("info", info={}), None),
        (_done("settings", settings={"mode": "turbo"}), "turbo"),
        (_done("settings"), None),
    ],
)
def test_some_verbs_tell_in_which_mode_the_account_is(job: Job, mode: str | None) -> None:
    tells = COMMANDS[job.verb].tells_mode
    assert tells is not None
    assert tells(job) == mode


@pytest.mark.parametrize(
    ("job", "remixes"),
    [
        (_done("settings", settings={"remix": True}), True),
        (_done("settings", settings={"remix": False}), False),
        (_done("settings"), False),
        (_done("remix", "Remix mode turned on! …"), True),
        (_done("remix", "Remix mode turned off! …"), False),
    ],
)
def test_some_verbs_tell_whether_remix_mode_is_on(job: Job, remixes: bool) -> None:
    tells = COMMANDS[job.verb].tells_remix
    assert tells is not None
    assert tells(job) is remixes


def test_the_verbs_that_tell_are_those_of_the_table() -> None:
    assert set(MODE_VERBS) == {"fast", "relax", "turbo", "info", "settings"}
    assert set(REMIX_VERBS) == {"remix", "settings"}
    assert {"show"} == SHOWN_AGAIN


def test_a_parent_is_named_in_256_characters_and_a_mode_need_not_be() -> None:
    params = [param for row in COMMANDS.values() for param in row.params]
    assert {one.longest for one in params if one.kind is ParamKind.PARENT} == {256}
    assert not any(one.required for one in params if one.name == "mode")


def test_verbs_with_pictures_or_of_a_message_need_more_than_their_params() -> None:
    needs = {verb for verb, command in COMMANDS.items() if command.needs_inputs}
    assert needs == {"describe", "blend", "button", "seed", "seed_async"}


def _verbs(name: str, value: object) -> set[str]:
    """Return the verbs whose row has a value in a field."""
    return {verb for verb, row in COMMANDS.items() if getattr(row, name) == value}


def test_the_few_verbs_that_are_not_like_the_others_are_these() -> None:
    assert _verbs("replies_progress", True) == {"seed_async"}
    assert _verbs("shows_own", False) == {"show", "seed", "seed_async"}
    assert _verbs("shows_prompt", False) == {"blend"}
    assert _verbs("of_its_account", True) == {"show"}
    assert _verbs("takes_slot", True) == {"imagine", "blend", "describe", "button"}
    in_words = {"shorten", "show"}
    assert _verbs("reply_in_history", True) == _verbs("takes_slot", True) | in_words
    reacting = {verb for verb, row in COMMANDS.items() if row.reaction is not None}
    assert reacting == {"seed", "seed_async"}


def _fields(name: str, value: object) -> set[str]:
    """Return the fields of verbs whose row has a value in a column."""
    every = ((verb, param) for verb, row in COMMANDS.items() for param in row.params)
    return {f"{verb}.{param.name}" for verb, param in every if getattr(param, name) == value}


def test_the_fields_of_verbs_are_bounded() -> None:
    assert _fields("longest", 36) == {"show.uuid"}
    assert _fields("longest", 100) == {"button.button"}
    assert _fields("longest", 256) == {"button.jobid", "seed.jobid", "seed_async.jobid"}
    assert _fields("fewest", 2) == _fields("most", 5) == {"blend.blendUrls"}
    assert _fields("fewest", 1) == _fields("most", 1)
    assert _fields("beside", "option") == {"settings.state"}


def test_pictures_are_drawn_from_the_words_of_these_fields() -> None:
    assert _fields("draws", True) == {"imagine.prompt", "button.prompt", "prefer_suffix.suffix"}


def test_an_account_holds_fifteen_jobs_with_a_slot_and_fifty_without() -> None:
    assert (MAX_JOBS, MAX_LANE) == (15, 50)
