"""Logs: one line an event, with every live secret taken out."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from waystation import logs
from waystation.logs import MAX_LINES, configure
from waystation.secret import Secret

SECRET = "q7-only-in-this-test"


def test_a_line_of_ours_is_one_json_object_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = Secret(SECRET)
    configure("info", "json")
    structlog.get_logger().info("job.submitted", jobid="job:1", text=f"with {secret.reveal()}")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "job.submitted"
    assert line["level"] == "info"
    assert line["jobid"] == "job:1"
    assert line["text"] == "with [redacted]"
    assert line["timestamp"].endswith("Z")


def test_a_line_for_eyes_has_no_secrets_either(capsys: pytest.CaptureFixture[str]) -> None:
    secret = Secret(SECRET)
    configure("debug", "console")
    structlog.get_logger().debug("gateway.frame", text=secret.reveal())
    shown = capsys.readouterr().err
    assert "gateway.frame" in shown
    assert SECRET not in shown


def test_a_line_in_a_file_reads_like_one_on_a_terminal_without_colours() -> None:
    line = {
        "event": "job.failed",
        "level": "info",
        "timestamp": "2026-01-02T03:04:05Z",
        "jobid": "job:1",
        "error": "The bot did not reply",
        "events": ["Lost"],
        "code": 502,
        "none": None,
    }
    plain = structlog.dev.ConsoleRenderer(colors=False)
    assert logs._plainly(None, "info", dict(line)) == plain(None, "info", dict(line))
    traced = line | {"exception": "Traceback\nValueError"}
    assert logs._plainly(None, "info", traced).endswith("none=None\nTraceback\nValueError")


def test_a_failure_is_logged_with_its_trace_and_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = Secret(SECRET)
    configure("info", "json")
    try:
        raise ValueError(secret.reveal())
    except ValueError:
        structlog.get_logger().exception("failed")
    line = json.loads(capsys.readouterr().err)
    assert "ValueError: [redacted]" in line["exception"]


def test_lines_below_the_level_are_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("warning", "json")
    structlog.get_logger().info("job.started")
    logging.getLogger("library").info("chatter")
    assert capsys.readouterr().err == ""


def test_a_librarys_warning_has_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    secret = Secret(SECRET)
    configure("info", "json")
    logging.getLogger("library").warning("odd: %s", secret.reveal())
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "odd: [redacted]"
    assert line["logger"] == "library"
    assert line["level"] == "warning"


def test_the_request_a_line_belongs_to_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("job.submitted")
    assert json.loads(capsys.readouterr().err)["request_id"] == "r-1"


def test_a_logger_that_is_configured_for_good_is_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    class Counted(logs._StandardError):
        def __init__(self) -> None:
            made.append(self)

    monkeypatch.setattr(logs, "_StandardError", Counted)
    configure("info", "json", for_good=True)
    log = structlog.get_logger()
    for _ in range(3):
        log.info("job.started")
    assert len(made) == 1


def test_log_lines_that_one_users_requests_cause_are_few_a_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("info", "json")
    log, minute = structlog.get_logger(), 4

    def stamp(_: object, __: str, line: dict[str, object]) -> dict[str, object]:
        return line | {"timestamp": f"2026-01-02T03:{minute:02}:05Z"}

    processors = structlog.get_config()["processors"]
    at = next(i for i, one in enumerate(processors) if type(one).__name__ == "TimeStamper")
    processors[at] = stamp

    def said(count: int, event: str = "fetch.failed", **bound: object) -> list[dict[str, object]]:
        with structlog.contextvars.bound_contextvars(**bound):
            for _ in range(count):
                log.info(event, reason="x" * 10)
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    lines = said(500, request_id="r1", user=1)
    assert len(lines) == MAX_LINES
    assert "more" in lines[-1] and "more" not in lines[-2]
    assert said(1, request_id="r2", user=1) == []
    assert len(said(1, request_id="r3", user=2)) == 1
    assert len(said(500, request_id="r4")) == MAX_LINES, "strangers count together"
    assert len(said(500)) == 500, "what the service does by itself"
    accepted = said(500, "job.accepted", request_id="r6", user=1)
    assert len(accepted) == 500, "a job can be followed from its POST on"
    minute += 1
    assert len(said(1, request_id="r5", user=1)) == 1
