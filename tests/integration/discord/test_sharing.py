"""One breaker for two processes on one database (R35)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.build import replace
from tests.fakes import START, FakeClock, FakeIds
from tests.harness.desk import until
from tests.harness.postgresql import Cluster, needs_postgresql, put_away
from tests.limits import BREAKER, GHOST_AGE
from waystation.discord.sharing import SHARE_S, BreakerSharing
from waystation.discord.site import Site
from waystation.errors import StoreError
from waystation.ports import Counted, Tallies, TallySlice
from waystation.store.postgresql.store import PostgresStore
from waystation.store.sqlite.store import SqliteStore

LIMIT = 6
SMALL = replace(BREAKER, limit=LIMIT)


def site_at(clock: FakeClock) -> Site:
    return Site("http://127.0.0.1:1", cast(Any, None), clock, FakeIds(), SMALL)


@pytest.fixture(params=[pytest.param("postgresql", marks=needs_postgresql)])
async def stores(postgresql: Cluster) -> AsyncIterator[Sequence[PostgresStore]]:
    """Two processes on one database, whose clocks are five minutes apart."""
    with put_away(postgresql) as name:
        url = postgresql.url(name)
        made = [
            await PostgresStore.open(
                url, FakeClock(START + timedelta(minutes=minutes)), ghost_age=GHOST_AGE
            )
            for minutes in (0, 5)
        ]
        yield made
        for store in made:
            await store.close()


async def test_invalid_answers_of_one_node_stop_the_sends_of_another(
    stores: Sequence[PostgresStore],
) -> None:
    """R35."""
    sites = [site_at(FakeClock()), site_at(FakeClock())]
    one, two = (
        BreakerSharing(site, store.tallies) for site, store in zip(sites, stores, strict=True)
    )
    for _number in range(LIMIT // 2):
        sites[0].count_invalid()
        sites[1].count_invalid()
    assert [site.stopped_s > 0 for site in sites] == [False, False]
    await one.share()
    await two.share()
    assert [site.stopped_s > 0 for site in sites] == [False, True]
    await one.share()
    assert [site.stopped_s > 0 for site in sites] == [True, True]
    assert 500 < sites[0].stopped_s <= 670


async def test_a_restart_closes_no_breaker(tmp_path: Path) -> None:
    """R35."""
    clock = FakeClock()
    store = await SqliteStore.open(tmp_path / "w.db", clock, ghost_age=GHOST_AGE)
    site = site_at(clock)
    for _ in range(LIMIT):
        site.count_invalid()
    await BreakerSharing(site, store.tallies).share()
    again = site_at(clock)
    await BreakerSharing(again, store.tallies).share()
    assert again.stopped_s > 500
    clock.advance(700)
    await BreakerSharing(again, store.tallies).share()
    assert again.stopped_s == 0
    await store.close()


class Fake:
    """Tallies whose database may be away."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.fails = False

    async def slices(self, counted: Counted, key: str, added: int = 0) -> Sequence[TallySlice]:
        if self.fails:
            raise StoreError("The database is away.")
        self.told.append(added)
        return [TallySlice(0.0, sum(self.told))]


async def test_without_the_database_answers_are_counted_here_and_told_later() -> None:
    tallies, clock = Fake(), FakeClock()
    site = site_at(clock)
    sharing = BreakerSharing(site, cast(Tallies, tallies))
    tallies.fails = True
    for _ in range(LIMIT):
        site.count_invalid()
    await sharing.share()
    assert site.stopped_s > 0
    tallies.fails = False
    await sharing.share()
    assert tallies.told == [LIMIT]
    assert site.stopped_s > 0


async def test_answers_are_shared_every_few_seconds() -> None:
    tallies, clock = Fake(), FakeClock()
    site = site_at(clock)
    running = asyncio.create_task(BreakerSharing(site, cast(Tallies, tallies)).run())
    await clock.sleeping()
    site.count_invalid()
    clock.advance(SHARE_S)
    await until(lambda: tallies.told == [1])
    await clock.sleeping()
    clock.advance(SHARE_S)
    await until(lambda: tallies.told == [1, 0])
    running.cancel()
