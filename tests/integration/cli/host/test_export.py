"""waystation export."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import build
from tests.fakes import START
from tests.harness.command_line import run
from waystation.app import open_state
from waystation.cli.host import export
from waystation.jobs import Job
from waystation.settings import load


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYSTATION_DATA_DIR", str(tmp_path / "data"))
    for name in ("a", "b"):
        assert run("users", "add", "--email", f"{name}@example.org").exit_code == 0
    asyncio.run(_fill())
    return {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}


async def _fill() -> None:
    async with open_state(load()) as state:
        await state.store.put_account(build.setup())
        for _ in range(5):
            job = await state.store.add_job(build.draft(max_jobs=9), START)
            assert isinstance(job, Job)
        await state.store.put_account(build.setup(build.account(2, user_id=2)))


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_all_users_accounts_and_jobs_are_written_a_line_each(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PAGE", 2)
    ran = run("export", "all.jsonl", "--json", environment=environment)
    assert ran.json == {"file": "all.jsonl", "user": 2, "account": 2, "job": 5}
    file = tmp_path / "all.jsonl"
    found = rows(file.read_text("utf-8"))
    assert [one["kind"] for one in found] == ["user"] * 2 + ["account"] * 2 + ["job"] * 5
    jobs = [one["jobid"] for one in found if one["kind"] == "job"]
    assert jobs == sorted(set(jobs)) and found[-1]["verb"] == "describe"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_one_user_gets_what_is_theirs(environment: dict[str, str]) -> None:
    ran = run("export", "-", "--user", "b@example.org", environment=environment)
    found = rows(ran.out)
    assert [(one["kind"], one.get("email")) for one in found] == [
        ("user", "b@example.org"),
        ("account", None),
    ]


def test_no_token_is_among_it(environment: dict[str, str]) -> None:
    account = rows(run("export", "-", environment=environment).out)[2]
    assert set(account) == {
        *("kind", "user", "channel", "server", "discordUser", "maxJobs", "created", "removed")
    }


def test_a_file_that_exists_is_not_written_over(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    ran = run("export", "mine", environment=environment)
    assert ran.exit_code == 1 and "exists" in ran.err
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_that_cannot_be_written_is_named(environment: dict[str, str]) -> None:
    ran = run("export", "/proc/waystation/all.jsonl", environment=environment)
    assert ran.exit_code == 2 and "/proc/waystation/all.jsonl" in ran.err


def test_a_full_disk_behind_standard_output_is_told(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "waystation", "export", "-"],
            env=os.environ | environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("✗ Standard output cannot be written: No space left")
    assert "Traceback" not in ended.stderr and "Exception" not in ended.stderr


def test_a_user_who_is_not_there_leaves_no_file(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ran = run("export", "mine", "--user", "nobody@example.org", environment=environment)
    assert ran.exit_code == 8 and "nobody@example.org" in ran.err
    assert not (tmp_path / "mine").exists()
