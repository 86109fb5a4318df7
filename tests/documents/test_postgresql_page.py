"""docs/postgresql.md is true: dumps are put back, and the next start ends the jobs of before."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import build
from tests.documents.readme import block
from tests.harness.postgresql import TOOLS, Cluster, needs_postgresql
from waystation.app import open_state
from waystation.settings import Settings, load
from waystation.vault import make_keys

pytestmark = needs_postgresql

PAGE = "docs/postgresql.md"


@pytest.fixture
def cluster(postgresql: Cluster) -> Iterator[Cluster]:
    """A server with the user and the database of the page."""
    postgresql.say("create role waystation login")
    postgresql.say("create database waystation owner waystation template template0")
    try:
        yield postgresql
    finally:
        postgresql.drop("waystation")
        postgresql.drop("waystation_new")
        postgresql.say("drop role waystation")


def environment_of(cluster: Cluster, name: str, tmp_path: Path) -> dict[str, str]:
    url = cluster.url(name).replace("postgres@", "waystation@")
    return {"WAYSTATION_DATABASE_URL": url, "WAYSTATION_DATA_DIR": str(tmp_path / "data")}


def settings_of(cluster: Cluster, name: str, tmp_path: Path) -> Settings:
    return load(flags={}, environ=environment_of(cluster, name, tmp_path))


def do(cluster: Cluster, mark: str, tmp_path: Path) -> None:
    """Run a block of the page as the server's administrator; its tools must have no complaint."""
    environment = {
        "PATH": f"{TOOLS}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGHOST": str(cluster.folder),
        "PGUSER": "postgres",
        **environment_of(cluster, "waystation", tmp_path),
    }
    done = subprocess.run(
        ["bash", "-euc", block(mark, PAGE)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def look(cluster: Cluster, name: str, tmp_path: Path) -> tuple[bool, list[str]]:
    """Open a database as a start does: whether it is a restored copy, and its users."""

    async def looked() -> tuple[bool, list[str]]:
        async with open_state(settings_of(cluster, name, tmp_path)) as state:
            users = [one.email for one in await state.store.list_users()]
            return state.store.restored, users

    return asyncio.run(looked())


def begin(cluster: Cluster, tmp_path: Path) -> None:
    async def began() -> None:
        async with open_state(settings_of(cluster, "waystation", tmp_path)) as state:
            await state.store.add_user("ada@example.org", b"hash", build.START)

    make_keys(tmp_path / "data")
    asyncio.run(began())


def test_a_dump_is_put_back_into_a_new_database_and_noticed(
    cluster: Cluster, tmp_path: Path
) -> None:
    begin(cluster, tmp_path)
    do(cluster, "dump", tmp_path)
    do(cluster, "put back", tmp_path)
    assert look(cluster, "waystation_new", tmp_path) == (True, ["ada@example.org"])
    assert look(cluster, "waystation", tmp_path) == (False, ["ada@example.org"])


def test_rows_that_are_put_back_alone_are_told_by_hand(cluster: Cluster, tmp_path: Path) -> None:
    begin(cluster, tmp_path)
    do(cluster, "dump", tmp_path)
    era = cluster.say("select value from meta where name = 'feed_era'", "waystation")
    cluster.say("delete from users", "waystation")
    do(cluster, "rows alone", tmp_path)
    assert look(cluster, "waystation", tmp_path) == (True, ["ada@example.org"])
    assert era != cluster.say("select value from meta where name = 'feed_era'", "waystation")


def test_rows_that_are_put_back_alone_would_not_be_noticed(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason of the last line of that block."""
    begin(cluster, tmp_path)
    do(cluster, "dump", tmp_path)
    kept = block("rows alone", PAGE).replace("waystation restored --yes\n", "")
    monkeypatch.setattr(f"{__name__}.block", lambda *_: kept)
    do(cluster, "rows alone", tmp_path)
    assert look(cluster, "waystation", tmp_path) == (False, ["ada@example.org"])
