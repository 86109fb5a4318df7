"""waystation make-key and rotate-key."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness.command_line import run
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.app import State, open_state
from waystation.errors import VaultError
from waystation.settings import load

Environment = Mapping[str, str]


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


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    environment = {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}
    made = run("make-key", "--json", environment=environment)
    path = tmp_path / "data" / "keys.json"
    assert (made.exit_code, made.json) == (0, {"key_file": str(path)})
    text = path.read_text()
    again = run("make-key", environment=environment)
    assert again.exit_code == 2 and "already" in again.err
    assert path.read_text() == text


# ── several nodes on one database ──


@pytest.fixture(params=[pytest.param("postgresql", marks=needs_postgresql)])
def environment(postgresql: Cluster, postgresql_database: str, tmp_path: Path) -> Environment:
    made = {
        "WAYSTATION_DATA_DIR": str(tmp_path / "one"),
        "WAYSTATION_DATABASE_URL": postgresql.pooled_url(postgresql_database),
    }
    assert run("make-key", environment=made).exit_code == 0
    return made


@asynccontextmanager
async def node(environment: Environment, name: str) -> AsyncIterator[State]:
    """A node that serves with the key file that it finds."""
    async with open_state(load(environ=environment)) as state:
        await state.store.nodes.begin(f"id of {name}", name, timedelta(hours=1))
        yield state
        await state.store.nodes.leave(f"id of {name}")


async def commanded(*command: str, environment: Environment) -> tuple[int, str]:
    # a command has an event loop of its own
    ran = await asyncio.to_thread(run, *command, environment=dict(environment))
    return ran.exit_code, ran.out + ran.err


async def test_a_key_seals_only_once_each_node_knows_it(
    environment: Environment, tmp_path: Path
) -> None:
    """R45."""
    other = {**environment, "WAYSTATION_DATA_DIR": str(tmp_path / "two")}
    path, copy = tmp_path / "one" / "keys.json", tmp_path / "two" / "keys.json"
    copy.parent.mkdir()
    shutil.copy(path, copy)
    async with node(environment, "one"), node(other, "two"):
        code, said = await commanded("rotate-key", environment=environment)
        assert code == 2 and "2 nodes run" in said and "--prepare" in said
        code, said = await commanded("rotate-key", "--prepare", environment=environment)
        assert code == 0 and "copy it to each node" in said
        code, said = await commanded("rotate-key", environment=environment)
        assert code == 2 and "does not have the prepared key" in said
    shutil.copy(copy, tmp_path / "before.json")
    async with node(environment, "one"):
        async with node(other, "two"):
            code, said = await commanded("rotate-key", environment=environment)
            assert code == 2 and "The node two (id of two) does not have" in said
        shutil.copy(path, copy)
        async with node(other, "two") as late:
            assert (await commanded("rotate-key", environment=environment))[0] == 0
            async with open_state(load(environ=environment)) as fresh:
                sealed = fresh.vault.seal("accounts", "1", b"token")
            # it runs on with the file that it read, and opens what the new key has sealed
            assert late.vault.unseal("accounts", "1", sealed) == b"token"
    # a node that has never heard of the new key is refused at its start
    shutil.copy(tmp_path / "before.json", copy)
    with pytest.raises(VaultError, match="not the ones this database was sealed with"):
        async with open_state(load(environ=other)):
            raise AssertionError


async def test_the_only_node_needs_no_preparation(environment: Environment) -> None:
    async with node(environment, "one"):
        assert (await commanded("rotate-key", environment=environment))[0] == 0
