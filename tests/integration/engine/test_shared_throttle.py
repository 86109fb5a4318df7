"""Limits of an installation, with two nodes on one PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import NamedTuple, cast

import pytest
from structlog.testing import capture_logs

from tests.fakes import START, FakeClock, FakeSealer
from tests.harness.desk import until
from tests.harness.postgresql import Cluster, needs_postgresql, put_away
from tests.limits import GHOST_AGE
from waystation.engine.logins import FAILURES, Logins
from waystation.engine.shared_throttle import SHARE_S, SharedThrottle
from waystation.errors import StoreError, Throttled, Unauthorized
from waystation.ports import Counted, Tallies, Tally
from waystation.secret import Secret
from waystation.store.postgresql.store import PostgresStore

MINUTE = Counted("things", timedelta(minutes=1))
TOKEN = Secret("MTIzNDU2.abcdef.new-token")


class Node(NamedTuple):
    """A process on the database."""

    store: PostgresStore
    clock: FakeClock
    logins: Logins


@pytest.fixture(params=[pytest.param("postgresql", marks=needs_postgresql)])
async def nodes(postgresql: Cluster) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes whose clocks are five minutes apart."""
    with put_away(postgresql) as name:
        made = []
        for minutes in (0, 5):
            clock = FakeClock(START + timedelta(minutes=minutes))
            store = await PostgresStore.open(postgresql.url(name), clock, ghost_age=GHOST_AGE)
            logins = Logins(store, store.tallies, FakeSealer(), clock)
            made.append(Node(store, clock, logins))
        yield made[0], made[1]
        for node in made:
            await node.store.close()


async def _fail(node: Node, peer: str) -> None:
    with pytest.raises(Unauthorized):
        await node.logins.authenticate("Bearer user:1-no", peer)


async def test_failed_logins_of_one_node_throttle_their_address_on_another(
    nodes: tuple[Node, Node],
) -> None:
    """R44."""
    one, two = nodes
    for _number in range(FAILURES - 1):
        await _fail(one, "192.0.2.7")
        one.clock.advance(SHARE_S)
    await _fail(two, "192.0.2.7")
    for node in nodes:
        with pytest.raises(Throttled) as caught:
            await node.logins.authenticate("Bearer user:1-no", "192.0.2.7")
        assert caught.value.quota is not None
        assert caught.value.quota.policy == "failed-logins"
    await _fail(two, "192.0.2.8")


# ── the throttle alone ──


class Fake:
    """Tallies of an installation in which other nodes count, too."""

    def __init__(self) -> None:
        self.others = 0
        self.shared: list[dict[str, int]] = []
        self.looks = 0
        self.fails = False

    async def share(self, counted: Counted, added: Mapping[str, int]) -> Mapping[str, Tally]:
        if self.fails:
            raise StoreError("The database is away.")
        self.shared.append(dict(added))
        return {key: Tally(number + self.others, 60.0) for key, number in added.items()}

    async def look(self, counted: Counted, key: str) -> Tally:
        self.looks += 1
        return Tally(self.others, 60.0)


def _throttle(tallies: Fake, clock: FakeClock, limit: int = 3) -> SharedThrottle:
    return SharedThrottle(cast(Tallies, tallies), clock, MINUTE, limit)


async def test_a_flood_is_shared_twice_a_second_and_not_at_all_once_its_key_is_full() -> None:
    tallies, clock = Fake(), FakeClock()
    throttle = _throttle(tallies, clock)
    refused = [await throttle.count("a") for _ in range(100)]
    assert [one is None for one in refused] == [True] * 3 + [False] * 97
    for number in range(50):
        await throttle.count(f"key {number}")
    assert tallies.shared == [{"a": 1}]
    await until(lambda: clock.sleepers > 0)
    clock.advance(SHARE_S)
    await until(lambda: len(tallies.shared) == 2)
    assert tallies.shared[1]["a"] == 2
    assert len(tallies.shared[1]) == 51


async def test_a_key_that_others_have_filled_is_full_here_until_it_resets() -> None:
    tallies, clock = Fake(), FakeClock()
    throttle = _throttle(tallies, clock)
    tallies.others = 3
    quota = await throttle.count("a")
    assert quota is not None
    assert (quota.limit, quota.left, quota.window_s, quota.resets_s) == (3, 0, 60, 60)
    assert await throttle.count("a") is not None
    assert tallies.shared == [{"a": 1}]
    clock.advance(61)
    tallies.others = 0
    assert await throttle.count("a") is None


async def test_the_event_that_reaches_the_limit_passes_and_the_next_does_not() -> None:
    tallies = Fake()
    throttle = _throttle(tallies, FakeClock())
    tallies.others = 2
    assert await throttle.count("a") is None
    assert await throttle.count("a") is not None


async def test_a_look_asks_the_database_now_and_then() -> None:
    tallies, clock = Fake(), FakeClock()
    throttle = _throttle(tallies, clock)
    for _ in range(5):
        assert await throttle.look("a") is None
    assert tallies.looks == 1
    tallies.others = 3
    clock.advance(10)
    assert await throttle.look("a") is not None
    assert await throttle.look("a") is not None
    assert tallies.looks == 2


async def test_without_the_database_a_node_counts_alone() -> None:
    tallies = Fake()
    throttle = _throttle(tallies, FakeClock())
    tallies.fails = True
    assert [await throttle.count("a") is None for _ in range(4)] == [True, True, True, False]


async def test_keys_that_are_remembered_are_bounded() -> None:
    tallies, clock = Fake(), FakeClock()
    throttle = _throttle(tallies, clock)
    tallies.others = 3
    for number in range(10_050):
        await throttle.look(f"{number}" + "x" * 1000)
    for kept in (throttle._full_until, throttle._looked_until):
        assert len(kept) == 10_000
        assert all(len(key) == 64 for key in kept)
    tallies.others = 0
    for number in range(10_050):
        await throttle.count(f"other {number}")
    assert len(throttle._unshared) == 10_000


async def test_events_that_could_not_be_shared_are_shared_later_while_they_count() -> None:
    tallies, clock = Fake(), FakeClock()
    throttle = _throttle(tallies, clock)
    tallies.fails = True
    with capture_logs():
        for key in ("a", "a", "b"):
            await throttle.count(key)
            clock.advance(SHARE_S)
        await until(lambda: clock.sleepers > 0)
        tallies.fails = False
        await clock.elapse(10)
    assert tallies.shared == [{"a": 2, "b": 1}]
    tallies.fails = True
    with capture_logs():
        await throttle.count("c")
        await clock.elapse(61)
        tallies.fails = False
        await clock.elapse(61)
    assert len(tallies.shared) == 1, "they are too old"


async def test_a_flush_shares_what_is_left_once() -> None:
    tallies, clock = Fake(), FakeClock()
    throttle = _throttle(tallies, clock)
    await throttle.flush()
    for key in ("a", "a", "b"):
        await throttle.count(key)
    await throttle.flush()
    assert tallies.shared == [{"a": 1}, {"a": 1, "b": 1}]
    tallies.fails = True
    await throttle.count("c")
    with capture_logs():
        await throttle.flush()
    assert throttle._later is not None
    await asyncio.gather(throttle._later, return_exceptions=True)
    assert len(tallies.shared) == 2
