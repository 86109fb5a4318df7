"""What a command says of a job at its end."""

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
