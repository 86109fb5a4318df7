"""How a node hears of others, by the settings; a real server, and PgBouncer before it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.harness.desk import until
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.app.news import wakes_of
from waystation.app.state import open_state
from waystation.clock import SystemIds
from waystation.errors import ConfigurationError
from waystation.ports.wakes import Alone
from waystation.settings import load
from waystation.vault import make_keys


@needs_postgresql[0]
@needs_postgresql[1]
@pytest.mark.parametrize(
    ("pooled", "listens_at", "listens"),
    [
        (False, "", True),
        (False, "none", False),
        (True, "", False),
        (True, "none", False),
        (True, "the server", True),
    ],
)
async def test_news_are_heard_where_the_setting_says(
    postgresql: Cluster,
    postgresql_database: str,
    tmp_path: Path,
    pooled: bool,
    listens_at: str,
    listens: bool,
) -> None:
    direct = postgresql.url(postgresql_database)
    url = postgresql.pooled_url(postgresql_database) if pooled else direct
    environment = {
        "WAYSTATION_DATA_DIR": str(tmp_path / "data"),
        "WAYSTATION_DATABASE_URL": url,
        "WAYSTATION_LISTEN_URL": direct if listens_at == "the server" else listens_at,
    }
    make_keys(tmp_path / "data")
    settings, ids = load(environ=environment), SystemIds()
    notes: list[Collection[str] | None] = []

    def heard(ids: Collection[str] | None) -> None:
        notes.append(ids)

    async with open_state(settings) as state:
        one, other = (wakes_of(settings, state.store, state.clock, ids) for _ in range(2))
        assert one.listens is listens
        running = [asyncio.create_task(each.run(heard)) for each in (one, other)]
        try:
            if listens:
                await until(lambda: one.silent_since is None and other.silent_since is None)
                notes.clear()
                one.tell("account:1")
                await until(lambda: notes == [["account:1"]])
            else:
                assert one.silent_since is not None
            await one.flush()
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def test_the_one_process_of_a_file_hears_and_tells_nothing(tmp_path: Path) -> None:
    settings = load(environ={"WAYSTATION_DATA_DIR": str(tmp_path)})
    async with open_state(settings) as state:
        wakes = wakes_of(settings, state.store, state.clock, SystemIds())
        assert isinstance(wakes, Alone) and not wakes.listens
        wakes.tell("anything")
        await wakes.run(lambda ids: None)
        await wakes.flush()


def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="WAYSTATION_LISTEN_URL"):
        load(environ={"WAYSTATION_LISTEN_URL": "redis://127.0.0.1"})
