"""The output of `waystation doctor`, its secrets and its exit codes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.cli.doctor import examination
from waystation.cli.doctor.examination import Result
from waystation.cli.doctor.findings import Finding, error, ok, warning
from waystation.settings import SETTINGS, Settings

Patient = Callable[..., dict[str, str]]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Patient:
    """Return what decides the findings; it returns an environment full of secrets."""

    def decide(*findings: Finding) -> dict[str, str]:
        async def examine(settings: Settings) -> AsyncIterator[Result]:
            yield "settings", findings

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(examination, "examine", examine)
        monkeypatch.setattr("waystation.logs.configure", lambda level, style: None)
        return {
            "WAYSTATION_TOKEN": "user:1-hunter2",
            "WAYSTATION_SMTP_URL": "smtp://me:hunter2@127.0.0.1/?from=me@example.org",
            "WAYSTATION_PACING_S": "4",
        }

    return decide


def test_all_settings_are_shown_with_their_origin_and_no_secret(patient: Patient) -> None:
    ran = run("doctor", environment=patient(ok("fine")))
    assert "hunter2" not in ran.out + ran.err
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines() if "WAYST" in line}
    assert set(rows) == {setting.variable for setting in SETTINGS}
    assert rows["WAYSTATION_PACING_S"] == ["environment", "4.0"]
    assert rows["WAYSTATION_TOKEN"] == ["environment", "(set)"]
    assert rows["WAYSTATION_PORT"] == ["default", "8080"]
    assert rows["WAYSTATION_CONTACT"] == rows["WAYSTATION_KEY"] == ["default", "(not", "set)"]


def test_the_url_that_the_command_line_uses_is_shown(patient: Patient) -> None:
    elsewhere = patient(ok("fine")) | {"WAYSTATION_PORT": "8090"}
    ran = run("doctor", environment=elsewhere)
    (line,) = (line for line in ran.out.splitlines() if "WAYSTATION_URL" in line)
    assert line.split()[1:] == ["WAYSTATION_PORT", "http://127.0.0.1:8090"]


def test_json_shows_the_url_that_the_command_line_uses(patient: Patient) -> None:
    elsewhere = patient(ok("fine")) | {"WAYSTATION_PORT": "8090"}
    ran = run("doctor", "--json", environment=elsewhere)
    (row,) = (row for row in ran.json["settings"] if row["name"] == "WAYSTATION_URL")
    assert (row["from"], row["value"]) == ("WAYSTATION_PORT", "http://127.0.0.1:8090")


@pytest.mark.parametrize(
    ("findings", "code", "verdict"),
    [
        ((ok("fine"),), 0, "all is well"),
        ((ok("fine"), warning("odd", "look")), 0, "nothing to mend, 1 to know"),
        ((warning("odd", "look"), error("broken", "mend")), 1, "1 to mend, 1 to know"),
    ],
)
def test_only_errors_make_it_fail(
    patient: Patient, findings: tuple[Finding, ...], code: int, verdict: str
) -> None:
    ran = run("doctor", environment=patient(*findings))
    assert ran.exit_code == code
    assert ran.out.splitlines()[-1] == verdict


def test_json_holds_findings_and_settings_without_secrets(patient: Patient) -> None:
    ran = run("doctor", "--json", environment=patient(ok("fine"), error("broken", "mend")))
    assert ran.exit_code == 1 and ran.json["ok"] is False
    assert ran.json["findings"] == [
        {"check": "settings", "level": "ok", "what": "fine", "mend": None},
        {"check": "settings", "level": "error", "what": "broken", "mend": "mend"},
    ]
    assert {"name": "WAYSTATION_TOKEN", "value": "(set)", "from": "environment"} in ran.json[
        "settings"
    ]
    assert "hunter2" not in ran.out


def test_settings_that_cannot_be_read_are_wrong_usage(patient: Patient) -> None:
    environment = patient(ok("fine")) | {"WAYSTATION_PORT": "many"}
    assert run("doctor", environment=environment).exit_code == 2
