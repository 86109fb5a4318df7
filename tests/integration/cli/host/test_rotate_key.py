"""waystation rotate-key."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness.command_line import run


def test_a_new_key_seals_and_the_old_ones_stay(tmp_path: Path) -> None:
    environment = {"WAYSTATION_DATA_DIR": str(tmp_path)}
    added = run("users", "add", "--email", "a@example.org", "--json", environment=environment)
    assert added.exit_code == 0
    path = tmp_path / "keys.json"
    before = json.loads(path.read_text())
    ran = run("rotate-key", "--json", environment=environment)
    assert (ran.exit_code, ran.json) == (0, {"key_file": str(path)})
    after = json.loads(path.read_text())
    assert after["tokens"] == before["tokens"]
    assert after["sealing"][1:] == before["sealing"]
    assert after["sealing"][0] not in before["sealing"]
    assert run("users", "list", environment=environment).exit_code == 0


def test_without_a_key_file_it_says_so(tmp_path: Path) -> None:
    ran = run("rotate-key", "--json", environment={"WAYSTATION_DATA_DIR": str(tmp_path)})
    assert ran.exit_code == 2
    assert "no key file" in ran.json["error"]
