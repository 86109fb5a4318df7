"""The README's session works as printed."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.documents.generated import CLI
from tests.documents.readme import ROOT, block, on_free_ports

_STOP = "trap 'kill $(jobs -p)' EXIT\n"
"""The README's stop below the block, also when a line fails."""


@pytest.mark.slow
def test_the_readme_session_works_as_printed() -> None:
    script = on_free_ports(block("session"), 8765, 8080, 9000).replace("make install\n", "")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
    }
    running = subprocess.Popen(
        ["bash", "-e", "-c", _STOP + script],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = running.communicate(timeout=120)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 0, out + err
    ready, account, info, job, grid, single, fault = _objects(out)
    assert ready["ready"] is True
    assert set(account) == {"discord", "channel", "maxJobs"}
    assert info["status"] == "completed" and info["verb"] == "info"
    assert job["status"] == "completed" and job["replyRef"] == "my-first"
    assert "1️⃣" in job["embeds"][0]["description"]
    assert grid["status"] == "completed" and grid["replyRef"] == "my-fox"
    assert "U2" in grid["buttons"]
    assert (single["button"], single["parentJobId"]) == ("U2", grid["jobid"])
    assert [said.split()[1] for said in _headlines(out)] == [
        "describe",
        "imagine",
        "button",
        "imagine",
        "describe",
        "imagine",
    ]
    assert re.search(r"\nreceived job:\S+ completed\n", out)
    read = re.search(r"^in another terminal: \. '(.+)'$", out, re.MULTILINE)
    assert read is not None
    file = Path(read[1])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = _told(read[0].partition(": ")[2], environment)
    assert told["WAYSTATION_DATA_DIR"] == str(file.parent)
    assert told["WAYSTATION_TOKEN"].startswith("user:1-") and "/.venv/bin:" in told["PATH"]
    assert out.count("\nsaved ") == 1 + 4 + 1
    assert fault["name"] == "banned_prompt"
    assert "✗ imagine moderated in " in out and out.endswith("exit code 7\n")
    assert f"U2  {single['jobid']}" in out and "V3  job:" in out


def _told(command: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment that another terminal's programs have behind the command."""
    show = 'python3 -c "import json, os; print(json.dumps(dict(os.environ)))"'
    shell = ["bash", "-e", "-c", f"{command}\n{show}"]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, str] = json.loads(done.stdout)
    return told


def test_a_shell_that_takes_no_comments_is_not_led_astray() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [
        line
        for each in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in each.split("\n")
    ]
    comments = [line for line in lines if line.startswith("#")]
    assert comments
    assert [line for line in comments if not re.fullmatch(r"# [A-Za-z0-9_ .,:-]+", line)] == []
    assert [line for line in lines if re.search(r"\S\s+# ", line)] == []


def _headlines(text: str) -> list[str]:
    """Return the first lines of what the commands showed."""
    return [line for line in text.splitlines() if line.startswith("✓ ")]


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects in curl's output, which ends them without line breaks."""
    found, place, decoder = [], 0, json.JSONDecoder()
    while (place := text.find("{", place)) >= 0:
        value, place = decoder.raw_decode(text, place)
        found.append(value)
    return found


@pytest.mark.parametrize("page", ["README.md", "docs/deployment.md"])
def test_every_command_for_users_is_named(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    commands = CLI.commands["users"].commands  # type: ignore[attr-defined]
    assert [name for name in commands if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("page", ["README.md", "docs/deployment.md", "docs/api.md"])
def test_admins_are_told_of(page: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert "admin" in text and "private address" in text
