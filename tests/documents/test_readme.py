"""The README's session works as printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import Any

import pytest

from tests.documents.generated import CLI
from tests.documents.readme import ROOT, block, on_free_ports

_STOP = "trap 'kill $(jobs -p)' EXIT\n"
"""What the README says below the block, also when a line fails."""


@pytest.mark.slow
def test_the_readme_session_works_as_printed() -> None:
    script = on_free_ports(block("session"), 8765, 8080).replace("make install\n", "")
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
    ]
    assert out.count("\nsaved ") == 1 + 4 + 1
    assert fault["name"] == "banned_prompt"
    assert "✗ imagine moderated in " in out and out.endswith("exit code 7\n")
    assert f"U2  {single['jobid']}" in out and "V3  job:" in out


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
