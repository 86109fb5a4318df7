"""The report of a command on a job at its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from waystation.cli.exits import Exit
from waystation.cli.report import report
from waystation.cli.saving import Saved
from waystation.cli.screen import Screen

DONE = {"jobid": "job:1", "verb": "imagine", "status": "completed", "code": 200}
LOST = Saved([Path("a.webp")], [("http://x/b", "http://x/b cannot be fetched")])


@pytest.mark.parametrize(
    ("status", "saved", "judged", "code"),
    [
        ("completed", None, True, Exit.OK),
        ("completed", Saved(), True, Exit.OK),
        ("completed", LOST, True, Exit.NOT_SAVED),
        ("completed", LOST, False, Exit.NOT_SAVED),
        ("moderated", LOST, True, Exit.MODERATED),
        ("failed", None, False, Exit.OK),
    ],
)
def test_the_exit_code_is_the_jobs_unless_a_picture_was_lost(
    status: str, saved: Saved | None, judged: bool, code: Exit
) -> None:
    assert report(Screen(True), DONE | {"status": status}, saved, judged=judged) is code


def test_a_lost_picture_is_told_beside_the_job_that_stays_completed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(Screen(False), DONE, LOST)
    captured = capsys.readouterr()
    assert captured.out.startswith("✓ imagine completed\n  jobid  job:1\n")
    assert captured.out.endswith("saved a.webp\n")
    assert captured.err == "✗ not saved: http://x/b cannot be fetched\n"


def test_in_json_the_job_holds_what_was_saved_and_what_was_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report(Screen(True), DONE, LOST)
    lost = [{"url": "http://x/b", "error": "http://x/b cannot be fetched"}]
    captured = capsys.readouterr()
    assert json.loads(captured.out) == DONE | {"saved": ["a.webp"], "unsaved": lost}
    assert captured.err == ""


def test_a_job_that_failed_for_what_is_outside_it_names_the_command_to_run_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    halted = {"status": "failed", "code": 596, "channel": "2", "error": "Pending mod message"}
    assert report(Screen(False), DONE | halted, None) is Exit.HALTED
    assert capsys.readouterr().err.endswith("\n  waystation accounts reset 2\n")
    report(Screen(False), DONE | {"status": "failed", "code": 502}, None)
    assert capsys.readouterr().err.endswith("\n  waystation doctor\n")
    report(Screen(True), DONE | {"status": "failed", "code": 502}, None)
    assert capsys.readouterr().err == ""
