"""One subcommand per verb: what it sends, waits for, shows and returns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness.command_line import answer_with, run
from waystation.api.operations import OPERATIONS, SHARED
from waystation.cli.mends import MENDS
from waystation.cli.program import app
from waystation.errors import Busy, InvalidRequest, Unavailable, Unreachable
from waystation.midjourney.commands import COMMANDS, AnswersAt
from waystation.midjourney.replies import ReplyKind

STARTED = {"jobid": "job:1", "verb": "describe", "status": "started", "code": 200}
DONE = {"jobid": "job:1", "verb": "describe", "status": "completed", "code": 200}


def test_every_verb_has_a_subcommand() -> None:
    assert set(COMMANDS) <= {command.name for command in app.registered_commands}


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_the_help_of_a_verb_is_its_rows(verb: str) -> None:
    shown = run(verb, "--help")
    assert shown.exit_code == 0
    assert ("--max-jobs" in shown.out) is COMMANDS[verb].takes_slot


_ALIKE = {"discord", "server"}
"""Fields of older clients."""


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_a_verb_has_the_options_that_the_api_takes_and_no_other(verb: str) -> None:
    body = OPERATIONS[f"POST /v2/jobs/{verb}"].body or ()
    taken = {one.name for one in body if not one.part} - _ALIKE
    names = {field.name for field in SHARED}
    shown = set(re.findall(r"--([a-z]+(?:-[a-z]+)*)", run(verb, "--help").out))
    spelled = {re.sub("([A-Z])", r"-\1", name).lower(): name for name in names}
    assert {spelled[option] for option in shown if option in spelled} == taken & names


def test_a_press_takes_no_channel_its_parent_has_one() -> None:
    ran = run("button", "job:1", "U1", "--channel", "2")
    assert ran.exit_code == 2 and "--channel" in ran.err


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ((), {}),
        (("--reply-progress",), {"replyProgress": True}),
        (("--no-reply-progress", "--mode", "relax"), {"replyProgress": False, "mode": "relax"}),
    ],
)
def test_fields_that_are_not_given_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], sent: dict[str, object]
) -> None:
    client = answer_with(monkeypatch, STARTED, DONE)
    assert run("button", "job:1", "U1", *options).exit_code == 0
    assert client.calls[0][1][1] == {"jobid": "job:1", "button": "U1"} | sent


def test_a_button_that_is_not_there_names_the_job_to_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = next(said for said, (_, command) in MENDS.items() if "JOBID" in command)
    answer_with(monkeypatch, InvalidRequest(refused))
    assert "\n  waystation jobs show job:1\n" in run("button", "job:1", "U9").err


def test_help_says_that_pictures_may_be_files_and_breaks_no_choice() -> None:
    assert "File or URL of the picture" in run("describe", "--help").out
    shown = run("blend", "--help").out
    assert "Files or URLs of 2 to 5 pictures" in shown
    assert "Portrait, Square or Landscape" in shown
    assert "--no-reply-progress" in shown and "fast|relax|turbo" in shown


def test_info_sends_what_is_given_and_shows_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    job = {"jobid": "job:1", "verb": "info", "status": "completed", "content": "hours", "code": 200}
    client = answer_with(monkeypatch, job, job)
    ran = run("info", "--channel", "2", "--reply-ref", "r")
    assert ran.exit_code == 0
    assert client.calls[0] == ("submit", ("info", {"channel": "2", "replyRef": "r"}, {}), {})
    assert "✓ info completed" in ran.out and "hours" in ran.out


def test_describe_of_a_url_waits_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, STARTED, DONE)
    ran = run("describe", "https://example.org/a.png", "--max-jobs", "2", "--json")
    assert ran.exit_code == 0 and ran.json == DONE
    fields = {"describeUrl": "https://example.org/a.png", "maxJobs": 2}
    assert client.calls[0] == ("submit", ("describe", fields, {}), {})
    assert client.calls[1][:2] == ("wait", ("job:1",))


def test_describe_of_a_path_sends_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = tmp_path / "fox.png"
    picture.touch()
    client = answer_with(monkeypatch, STARTED, DONE)
    assert run("describe", str(picture)).exit_code == 0
    assert client.calls[0][1] == ("describe", {}, {"describeFile": picture})


def test_no_wait_shows_the_job_as_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, STARTED)
    ran = run("describe", "https://example.org/a.png", "--no-wait", "--json")
    assert (ran.exit_code, ran.json, len(client.calls)) == (0, STARTED, 1)


def test_a_picture_that_is_nowhere_is_told_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch)
    ran = run("describe", "nowhere.png", "--json")
    assert ran.exit_code == 2
    assert ran.json == {"error": "nowhere.png is neither a file nor an http(s) URL", "code": 412}
    assert client.calls == []


def test_a_moderated_job_is_shown_whole_and_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = {"jobid": "job:1", "status": "moderated", "error": "Invalid link", "code": 422}
    answer_with(monkeypatch, short, short | {"verb": "describe"})
    ran = run("describe", "https://example.org/a.png")
    assert ran.exit_code == 7
    assert "✗ describe moderated: Invalid link" in ran.out


def test_busy_is_an_error_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, Busy("Maximum of 3 jobs", executing_jobs=["job:9"]))
    ran = run("describe", "https://example.org/a.png")
    assert (ran.exit_code, ran.out) == (6, "")
    assert "job:9" in ran.err


def test_the_time_limit_reaches_the_wait_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, STARTED, Unavailable("job:1 is not final after 5 s"))
    ran = run("describe", "https://example.org/a.png", "--timeout", "5")
    assert ran.exit_code == 3
    assert client.calls[1][2]["timeout_s"] == 5.0


def test_a_wait_that_ends_early_tells_how_to_find_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = "https://example.org/a.png"
    late = Unavailable("job:1 is not final after 5 s")
    answer_with(monkeypatch, STARTED, late, STARTED, late)
    assert "waystation jobs watch job:1" in run("describe", picture, "--timeout", "5").err
    assert run("describe", picture, "--timeout", "5", "--json").json["jobid"] == "job:1"


def test_limits_of_the_api_are_checked_by_the_parser() -> None:
    assert run("describe", "https://example.org/a.png", "--max-jobs", "16").exit_code == 2
    assert run("describe").exit_code == 2


def test_blend_sends_urls_as_a_list_and_files_as_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    picture = tmp_path / "fox.png"
    picture.touch()
    client = answer_with(monkeypatch, STARTED, DONE, STARTED, DONE)
    urls = ["https://example.org/a.png", "https://example.org/b.png"]
    assert run("blend", *urls, "--blend-dimensions", "Portrait").exit_code == 0
    assert client.calls[0][1][1] == {"blendUrls": urls, "blendDimensions": "Portrait"}
    assert run("blend", urls[0], str(picture)).exit_code == 0
    assert client.calls[2][1][1:] == ({"blendUrls": urls[:1]}, {"blendFile_2": picture})


def test_a_button_is_pressed_by_jobid_and_label(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, STARTED, DONE)
    assert run("button", "job:1", "Custom Zoom", "--prompt", "a fox --zoom 2").exit_code == 0
    fields = {"jobid": "job:1", "button": "Custom Zoom", "prompt": "a fox --zoom 2"}
    assert client.calls[0][1][1] == fields


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_a_verb_that_answers_before_its_end_can_be_waited_for_or_not(verb: str) -> None:
    waits = COMMANDS[verb].answers_at is not AnswersAt.FINAL
    assert ("--no-wait" in run(verb, "--help").out) is waits


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_verbs_that_make_pictures_can_save_them(verb: str) -> None:
    draws = ReplyKind.PICTURE in COMMANDS[verb].finished_by
    assert ("--save" in run(verb, "--help").out) is draws


def test_waiting_can_be_asked_for_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, STARTED, DONE)
    assert run("imagine", "a red fox", "--wait", "--mode", "relax", "--json").json == DONE
    assert client.calls[0][1] == ("imagine", {"prompt": "a red fox", "mode": "relax"}, {})
    assert client.calls[1][0] == "wait"


def test_a_finished_job_is_saved_into_a_folder_made_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn = DONE | {"attachments": [{"url": "http://x/a?s=1", "filename": "fox.webp"}]}
    client = answer_with(monkeypatch, STARTED, drawn, None)
    folder = tmp_path / "pictures"
    ran = run("imagine", "a red fox", "-o", str(folder), "--json")
    assert (ran.exit_code, ran.json["saved"]) == (0, [str(folder / "fox.webp")])
    assert client.calls[2][0] == "download" and client.calls[2][1][0] == "http://x/a?s=1"


def test_a_picture_that_is_gone_has_an_exit_code_and_the_job_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn = DONE | {"attachments": [{"url": "http://x/a", "filename": "fox.webp"}]}
    answer_with(monkeypatch, STARTED, drawn, Unreachable("http://x/a cannot be fetched: gone"))
    ran = run("imagine", "a red fox", "--save", str(tmp_path))
    assert ran.exit_code == 10
    assert "job:1" in ran.out
    assert ran.err.endswith("✗ not saved: http://x/a cannot be fetched: gone\n")


def test_where_nothing_can_be_saved_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = answer_with(monkeypatch)
    (tmp_path / "file").touch()
    within = str(tmp_path / "file" / "folder")
    assert run("imagine", "a red fox", "--save", within, "--json").json["code"] == 412
    assert run("imagine", "a red fox", "--save", str(tmp_path / "file")).exit_code == 2
    unwaited = run("imagine", "a red fox", "--save", str(tmp_path), "--no-wait")
    assert (unwaited.exit_code, "leave --no-wait out" in unwaited.err) == (2, True)
    assert client.calls == []


def test_a_mask_is_a_file_or_base64(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    mask.write_bytes(b"\x89PNG")
    client = answer_with(monkeypatch, *(STARTED, DONE) * 3)
    long = "iVBORw0KGgo" * 1000 + "="
    for given in (str(mask), long, f"data:image/png;base64,{long}"):
        assert run("button", "job:1", "Vary (Region)", "--mask", given).exit_code == 0
    masks = [call[1][1]["mask"] for call in client.calls[::2]]
    assert masks == ["iVBORw==", long, f"data:image/png;base64,{long}"]


@pytest.mark.parametrize("given", ["nowhere.png", "", "\0"])
def test_a_mask_that_is_neither_is_told_without_asking(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    client = answer_with(monkeypatch)
    ran = run("button", "job:1", "Vary (Region)", "--mask", given, "--json")
    said = given or "the empty text"
    assert ran.json == {"error": f"{said} is neither a file nor base64", "code": 412}
    assert client.calls == []


@pytest.mark.parametrize(
    ("verb", "usage"), [("imagine", "{PROMPT}"), ("button", "{JOBID} {BUTTON}"), ("show", "{UUID}")]
)
def test_an_argument_is_named_by_what_it_is(verb: str, usage: str) -> None:
    assert usage in run(verb, "--help").out


@pytest.mark.parametrize("command", ["imagine fox", "jobs show job:1", "jobs watch job:1"])
def test_single_pictures_need_a_directory(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    client = answer_with(monkeypatch)
    ran = run(*command.split(), "--singles")
    assert ran.exit_code == 2 and "--save DIR" in ran.err and client.calls == []
