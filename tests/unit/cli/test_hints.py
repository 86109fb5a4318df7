"""The right form of a command that was written wrongly."""

from __future__ import annotations

import pytest

from tests.harness.command_line import run
from waystation.cli.hints import HINTS, with_hint


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        (("imagine", "a", "red", "fox"), 'waystation imagine "a red fox in the snow"'),
        (("imagine", "fox", "--ar", "3:2"), 'waystation imagine "a red fox --ar 3:2"'),
        (("shorten", "a", "red", "fox"), 'waystation shorten "a red fox in the snow"'),
        (("button", "J", "Vary", "(Subtle)"), 'waystation button JOBID "Vary (Subtle)"'),
        (("prefer_suffix", "--v 7"), 'waystation prefer_suffix --suffix "--v 7"'),
        (("prefer_suffix", "x"), 'waystation prefer_suffix --suffix "--v 7"'),
        (("settings", "Remix", "mode"), 'waystation settings --option "Remix mode"'),
        (("describe", "a.png", "b.png"), "waystation blend PICTURE PICTURE"),
        (("users", "expire", "a@b.example", "1.2.27"), "expire EMAIL --on 2027-01-31"),
        (("users", "add", "a@b.example"), "waystation users add --email you@example.org"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_wrong_form_is_answered_with_the_right_one(
    typed: tuple[str, ...], right: str, flags: tuple[str, ...]
) -> None:
    ran = run(*typed, *flags)
    assert ran.exit_code == 2
    said = ran.json["error"] if flags else " ".join(ran.err.replace("│", " ").split())
    assert right in said


def test_every_hint_is_for_a_command_that_there_is() -> None:
    for command, part, hint in HINTS:
        assert run(*command.split(), "--help").exit_code == 0
        assert part and not hint.endswith(".")


def test_a_sentence_without_a_hint_is_left_as_it_is() -> None:
    assert with_hint("jobs list", "No such option: --frob") == "No such option: --frob"


@pytest.mark.parametrize(
    ("option", "words"),
    [("--timeout", "it must be a number"), ("--max-jobs", "it must be a whole number")],
)
def test_a_text_that_is_no_number_is_told_in_plain_words(option: str, words: str) -> None:
    ran = run("imagine", "a fox", option, "abc", "--json")
    assert ran.exit_code == 2 and words in ran.json["error"]
    assert "a valid" not in ran.json["error"]


def test_the_twin_verbs_have_help_of_their_own() -> None:
    assert "--no-wait, end once" in " ".join(run("seed_async", "--help").out.split())
    assert "--no-wait" not in run("seed", "--help").out


@pytest.mark.parametrize("group", ["users", "jobs", "accounts"])
def test_a_group_alone_shows_its_help_and_no_error(group: str) -> None:
    ran = run(group)
    assert ran.exit_code == 2
    assert "Usage" in ran.out + ran.err and "Error" not in ran.out + ran.err
