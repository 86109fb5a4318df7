"""waystation jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.command_line import answer_with, run
from waystation.errors import NotFound

JOB = {"jobid": "job:1", "verb": "describe", "status": "failed", "error": "no answer", "code": 502}


def test_list_prints_one_jobid_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, ["job:1", "job:2"])
    assert run("jobs", "list").out == "job:1\njob:2\n"


def test_an_empty_list_is_said_in_words_and_empty_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, [], [])
    assert run("jobs", "list").out == "No job is running.\n"
    assert run("jobs", "list", "--json").json == []


def test_show_reads_a_job_and_is_done_whatever_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, JOB, JOB)
    ran = run("jobs", "show", "job:1")
    assert ran.exit_code == 0 and "✗ describe failed: no answer" in ran.out
    assert run("jobs", "show", "job:1", "--json").json == JOB
    assert client.calls[0] == ("job", ("job:1",), {})


def test_show_of_an_unknown_job_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, NotFound("Unable to locate job job:1"))
    assert run("jobs", "show", "job:1").exit_code == 8


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("moderated", 7)])
def test_watch_ends_with_the_code_of_the_jobs_end(
    monkeypatch: pytest.MonkeyPatch, status: str, code: int
) -> None:
    answer_with(monkeypatch, JOB | {"status": status})
    assert run("jobs", "watch", "job:1", "--timeout", "9").exit_code == code


@pytest.mark.parametrize("seconds", ["0", "-3"])
def test_a_wait_of_no_time_is_refused(seconds: str) -> None:
    ran = run("jobs", "watch", "job:1", "--timeout", seconds)
    assert ran.exit_code == 2 and "--timeout" in ran.err


def test_cancel_is_done_when_the_job_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"jobid": "job:1", "status": "cancelled", "code": 200})
    ran = run("jobs", "cancel", "job:1")
    assert (ran.exit_code, ran.out) == (0, "– job cancelled\n")


@pytest.mark.parametrize("status", ["completed", "failed", "moderated"])
def test_a_job_that_had_ended_is_not_cancelled(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    answer_with(monkeypatch, *[JOB | {"status": status}] * 2)
    ran = run("jobs", "cancel", "job:1")
    assert (ran.exit_code, ran.err) == (1, "")
    assert ran.out == f"✗ not cancelled: the job had ended before: {status}\n"
    assert run("jobs", "cancel", "job:1", "--json").exit_code == 1


def test_a_job_that_still_runs_is_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, JOB | {"status": "progress"})
    ran = run("jobs", "cancel", "job:1")
    assert (ran.exit_code, ran.out) == (1, "✗ not cancelled: the job is progress\n")


@pytest.mark.parametrize("jobid", ["", " ", "job:1\n"])
@pytest.mark.parametrize("command", ["jobs show", "jobs watch", "jobs cancel", "seed", "button"])
def test_a_text_that_is_no_jobid_is_refused_in_the_commands_own_words(
    monkeypatch: pytest.MonkeyPatch, command: str, jobid: str
) -> None:
    client = answer_with(monkeypatch)
    ran = run(*command.split(), jobid, *(["U1"] if command == "button" else []))
    assert ran.exit_code == 2 and client.calls == []
    assert "waystation jobs list" in ran.err and "JOBID" in ran.err


DRAWN = JOB | {
    "status": "completed",
    "attachments": [{"url": "http://x/a", "filename": "fox.webp"}],
}


@pytest.mark.parametrize("command", ["show", "watch"])
def test_pictures_of_an_earlier_job_can_be_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    client = answer_with(monkeypatch, DRAWN, None)
    ran = run("jobs", command, "job:1", "--save", str(tmp_path), "--json")
    assert (ran.exit_code, ran.json["saved"]) == (0, [str(tmp_path / "fox.webp")])
    assert client.calls[1][0] == "download"


@pytest.mark.parametrize(
    ("status", "code"),
    [("progress", 10), ("cancelled", 9), ("moderated", 7), ("failed", 1)],
)
def test_a_job_that_is_not_completed_has_nothing_to_save(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: str, code: int
) -> None:
    answer_with(monkeypatch, DRAWN | {"status": status})
    ran = run("jobs", "show", "job:1", "--save", str(tmp_path))
    assert ran.exit_code == code
    assert ran.err == f"✗ not saved: the job is {status}, not completed\n"


def test_a_job_without_pictures_is_not_worth_another_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer_with(monkeypatch, JOB | {"status": "completed"})
    ran = run("jobs", "show", "job:1", "--save", str(tmp_path))
    assert (ran.exit_code, ran.err) == (1, "✗ not saved: the job has no picture\n")
