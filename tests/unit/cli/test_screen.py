"""Text on a terminal: never a control character of somebody else, never their markup (R49)."""

from __future__ import annotations

import io
import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from waystation.cli.screen import (
    Grid,
    Screen,
    escaped,
    fields,
    indented,
    link,
    marked,
    opened,
    plain,
)
from waystation.errors import Busy, ButtonRepeated, Conflict, NotFound


def drawn(what: RenderableType, *, colour: bool = False, width: int = 80) -> str:
    """Return what a terminal of that width would be sent."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=colour, width=width, highlight=False)
    console.print(what, overflow="ignore", crop=False)
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, with ümlauts and 漢字", "plain text, with ümlauts and 漢字"),
        ("\x1b[2J\x07\r\b", "\\x1b[2J\\x07\\r\\x08"),
        ("csi \x9b31m", "csi \\x9b31m"),
        ("invoice\u202egnp.exe", "invoice\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028end\x85", "line\\u2028end\\x85"),
        ("half \ud800", "half \\ud800"),
        ("two\nlines\tand a tab", "two\\nlines\\tand a tab"),
        ("1️⃣ 👩\u200d🎨", "1️⃣ 👩\u200d🎨"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_line_feeds_stay_only_where_lines_are_wanted() -> None:
    assert plain("a\nb\x1b", lines=True).plain == "a\nb\\x1b"
    assert plain("a\nb").plain == "a\\nb"


@given(st.text(st.characters()))
def test_no_control_character_ever_gets_through(text: str) -> None:
    shown = escaped(text, "\n")
    assert not any(ord(c) < 32 and c != "\n" for c in shown)
    assert not any(0x7F <= ord(c) <= 0x9F for c in shown)
    shown.encode("utf-8")


def test_markup_of_others_is_text() -> None:
    text = "[bold red]x[/] [link=file:///etc/passwd]y[/link] :smile:"
    assert drawn(plain(text), colour=True).rstrip("\n") == text


def test_a_sign_does_not_colour_what_follows_it() -> None:
    shown = drawn(marked("ok", "fine"), colour=True)
    assert shown.endswith(" fine\n")
    assert "✓\x1b[0m" in shown


def test_folded_lines_stand_below_the_text_and_not_below_its_sign() -> None:
    finding = marked("ok", "a finding that needs more columns than there are")
    lines = drawn(finding, width=30).splitlines()
    assert lines == ["✓ a finding that needs more", "  columns than there are"]


def test_fields_show_values_as_text_line_by_line() -> None:
    shown = drawn(fields({"name": "[b]x[/b]", "said": "one\ntwo"})).splitlines()
    assert [line.rstrip() for line in shown] == ["name  [b]x[/b]", "said  one", "      two"]


def test_a_grid_has_its_headings() -> None:
    table = Grid("id", "state", "since")
    table.add_row(plain("1"), plain("active"), plain(""))
    assert drawn(table).splitlines() == ["id  state   since", "1   active"]


def test_of_a_grid_only_the_last_column_is_folded_and_only_between_words() -> None:
    table, jobid = Grid("job", "why"), "job:" + "x" * 60
    table.add_row(plain(jobid), plain("it was said to be far too long for this terminal"))
    table.add_row(plain("job:2"), plain("https://example.org/" + "y" * 60))
    shown = drawn(table, width=80).splitlines()
    assert shown[1].startswith(f"{jobid}  it was") and shown[2].startswith(" " * 66)
    assert shown[-1].endswith("https://example.org/" + "y" * 60)
    assert not any(line.endswith(" ") for line in shown)


def test_words_with_a_no_break_space_between_them_stay_together() -> None:
    table, label = Grid(), "Vary (Strong)".replace(" ", "\N{NO-BREAK SPACE}")
    table.add_row(plain("buttons"), plain(f"U1 {label} {label}"))
    assert drawn(table, width=36).splitlines() == [
        "buttons  U1 Vary (Strong)",
        "         Vary (Strong)",
    ]


def test_a_cell_that_must_not_be_folded_says_so() -> None:
    table, cell = Grid(), plain("word " * 20 + "end\nnext", lines=True)
    cell.no_wrap = True
    table.add_row(plain("x"), cell)
    assert drawn(table, width=30).splitlines() == ["x  " + "word " * 20 + "end", "   next"]


def test_a_link_is_never_folded() -> None:
    url = "https://example.org/" + "a" * 200
    screen, file = Screen(as_json=False), io.StringIO()
    screen.out = Console(file=file, width=40)
    screen.show(link(url), "word " * 20)
    lines = file.getvalue().splitlines()
    assert lines[0] == url
    assert len(lines) > 2


def test_indented_text_is_as_wide_as_it_must_be() -> None:
    assert drawn(indented(plain("x"), 4)) == "    x\n"


def test_json_answers_are_one_line_on_stdout_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(as_json=True)
    screen.note("a note")
    screen.answer({"text": "two\nlines \x9b and ü"}, "for people")
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.count("\n") == 1 and captured.out.isascii()
    assert json.loads(captured.out) == {"text": "two\nlines \x9b and ü"}


def test_a_person_reads_the_answer_on_stdout_and_notes_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(as_json=False)
    screen.note("working …")
    screen.answer({"unused": 1}, "[b]done[/b]", plain("too"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("[b]done[/b]\ntoo\n", "working …\n")


def test_nothing_is_folded_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=False).show("word " * 300)
    assert capsys.readouterr().out.count("\n") == 1


def test_an_error_is_a_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, opened(as_json=False):
        raise NotFound("no such job\x1b", details="look\nagain")
    assert ended.value.exit_code == 8
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "✗ no such job\\x1b\n  look\n  again\n"


def test_an_error_is_the_object_of_the_api_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, opened(as_json=True):
        raise Busy("full", executing_jobs=["job:1"], details="so")
    assert ended.value.exit_code == 6
    assert json.loads(capsys.readouterr().out) == {
        "error": "full",
        "errorDetails": "so",
        "executingJobs": ["job:1"],
        "code": 429,
    }


def test_busy_tells_what_runs_and_when_to_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), opened(as_json=False):
        raise Busy("full", executing_jobs=["job:1"], retry_after_s=7)
    assert capsys.readouterr().err == "✗ full\n  running: job:1\n  try again in 7 s\n"


def test_ctrl_c_has_an_exit_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, opened(as_json=False):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert "stopped" in capsys.readouterr().err


def test_ctrl_c_tells_how_the_job_is_found_again(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        with pytest.raises(typer.Exit), opened(as_json) as screen:
            screen.jobid = "job:1"
            raise KeyboardInterrupt
    captured = capsys.readouterr()
    assert captured.err == "\nstopped\nthe job goes on:\n  waystation jobs watch job:1\n"
    assert json.loads(captured.out) == {"error": "stopped", "jobid": "job:1"}


def test_an_exit_that_was_chosen_is_left_alone() -> None:
    with pytest.raises(typer.Exit) as ended, opened(as_json=False):
        raise typer.Exit(7)
    assert ended.value.exit_code == 7


def test_other_errors_are_bugs_and_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), opened(as_json=True):
        raise ZeroDivisionError


def test_a_conflict_says_its_code_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, opened(as_json=True):
        raise Conflict("taken")
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out) == {"error": "taken", "code": 409}


def test_a_repeated_button_tells_where_its_result_is(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        with pytest.raises(typer.Exit), opened(as_json):
            raise ButtonRepeated("already", button="U2", jobid="job:1")
    captured = capsys.readouterr()
    assert captured.err == "✗ already\n  its result:\n  waystation jobs show job:1\n"
    repeated = {"error": "already", "button": "U2", "jobid": "job:1", "code": 409}
    assert json.loads(captured.out) == repeated
