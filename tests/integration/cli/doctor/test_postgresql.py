from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.harness.command_line import run
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.app import open_state
from waystation.cli.doctor.postgresql import look_at_postgresql
from waystation.clock import SystemClock
from waystation.settings import Settings, load
from waystation.store.postgresql.probe import Facts
from waystation.vault import make_keys, prepare_key

pytestmark = needs_postgresql

Environment = dict[str, str]


@pytest.fixture
def environment(postgresql: Cluster, postgresql_database: str, tmp_path: Path) -> Environment:
    make_keys(tmp_path / "data")
    return {
        "WAYSTATION_DATA_DIR": str(tmp_path / "data"),
        "WAYSTATION_DATABASE_URL": postgresql.pooled_url(postgresql_database),
        "WAYSTATION_DISCORD_URL": "http://127.0.0.1:9",
    }


async def findings(
    settings: Settings, now: Callable[[], datetime] | None = None
) -> list[tuple[str, str]]:
    url = settings.postgresql_url
    assert url is not None
    found = [one async for one in look_at_postgresql(settings, url, now or SystemClock().wall)]
    return [(one.level, one.what) for one in found]


def test_users_are_added_listed_and_looked_at_on_a_server(environment: Environment) -> None:
    added = run("users", "add", "--email", "ada@example.org", environment=environment)
    assert added.exit_code == 0 and "user:1-" in added.out
    listed = run("users", "list", "--json", environment=environment).json
    assert [one["email"] for one in listed] == ["ada@example.org"]
    found = run("doctor", "--json", environment=environment).json["findings"]
    by_check = {one["check"]: one for one in reversed(found)}
    assert by_check["database"]["level"] == by_check["users"]["level"] == "ok"
    assert "behind a pooler in transaction mode" in by_check["database"]["what"]


async def test_a_running_node_without_the_newest_key_is_an_error(environment: Environment) -> None:
    """R45."""
    async with open_state(load(environ=environment)) as state:
        await state.store.nodes.begin("id-1", "host-1", timedelta(hours=1))
        looked = await asyncio.to_thread(run, "doctor", "--json", environment=environment)
        found = [one for one in looked.json["findings"] if one["check"] == "nodes"]
        assert [one["level"] for one in found] == ["ok"]
        prepare_key(Path(environment["WAYSTATION_DATA_DIR"]))
        looked = await asyncio.to_thread(run, "doctor", "--json", environment=environment)
        found = [one for one in looked.json["findings"] if one["check"] == "nodes"]
        assert [one["level"] for one in found] == ["ok", "error"]
        assert "host-1 (id-1) lacks the key" in found[1]["what"]


@pytest.mark.parametrize("command", [("backup",), ("restore", "x.db", "--yes")])
def test_copies_of_files_are_refused_with_the_tool_to_use(
    environment: Environment, command: tuple[str, ...]
) -> None:
    ran = run(*command, environment=environment)
    assert ran.exit_code == 2 and "pg_dump" in ran.err


def test_migrate_brings_a_database_to_this_schema(environment: Environment) -> None:
    found = run("migrate", "--json", environment=environment).json
    assert found["from"] == 0 and found["to"] > 0 and found["backup"] is None
    assert "@" not in found["database"]
    again = run("migrate", environment=environment)
    assert "nothing to do" in again.out


async def test_an_empty_database_is_a_warning(environment: Environment) -> None:
    found = await findings(load(environ=environment))
    assert [level for level, _ in found] == ["ok", "warning", "ok", "ok"]


@pytest.mark.parametrize("pooled", [False, True])
async def test_each_fact_of_a_server_is_a_line(
    environment: Environment, postgresql: Cluster, postgresql_database: str, pooled: bool
) -> None:
    if not pooled:
        environment["WAYSTATION_DATABASE_URL"] = postgresql.url(postgresql_database)
    settings = load(environ=environment)
    async with open_state(settings):
        pass
    found = await findings(settings)
    assert [level for level, _ in found] == ["ok", "ok", "ok"]
    place, clock, wakes = (what for _, what in found)
    assert "PostgreSQL 1" in place
    assert ("behind a pooler in transaction mode" in place) == pooled
    assert re.fullmatch(r"the server's clock is \d+ ms (ahead of|behind) this host's", clock)
    told = "look at the rows every second" if pooled else "ms after another's NOTIFY"
    assert told in wakes
    postgresql.say("insert into meta values ('restored', '0')", postgresql_database)
    found = await findings(settings)
    assert [what for level, what in found if level == "warning"] == [
        "the database is a copy of another one, or was declared one"
    ]


async def test_a_pooler_in_session_mode_and_a_server_without_notes_are_told(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(*_: object) -> Facts:
        return Facts("17.2", "session", 0.0, 1, None, False)

    monkeypatch.setattr("waystation.store.postgresql.probe.probe", asked)
    found = await findings(load(environ=environment))
    assert any("keeps a server connection" in what for _, what in found)

    async def deaf(*_: object) -> Facts:
        return Facts("17.2", "none", 0.0, 1, None, False)

    monkeypatch.setattr("waystation.store.postgresql.probe.probe", deaf)
    assert ("warning", "NOTIFY does not arrive: nodes look at the rows every second") in (
        await findings(load(environ=environment))
    )


async def test_clocks_that_differ_are_told(environment: Environment) -> None:
    found = await findings(
        load(environ=environment), lambda: SystemClock().wall() + timedelta(minutes=5)
    )
    [(level, what)] = [one for one in found if "clock" in one[1]]
    assert level == "warning" and "s behind this host's" in what


async def test_a_server_that_is_away_is_an_error(environment: Environment, tmp_path: Path) -> None:
    away = {**environment, "WAYSTATION_DATABASE_URL": f"postgresql:///x?host={tmp_path}"}
    [(level, what)] = await findings(load(environ=away))
    assert level == "error" and "cannot be reached" in what
