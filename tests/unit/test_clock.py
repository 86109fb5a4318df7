from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.fakes import FakeClock, FakeIds
from waystation.clock import SystemClock, SystemIds
from waystation.ports import Clock, IdSource
from waystation.wire.snowflake import is_snowflake, snowflake_time

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def test_the_clock_knows_its_zone_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


async def test_sleeping_for_nothing_returns() -> None:
    await SystemClock().sleep(0)
    await SystemClock().sleep(-1)


def test_a_nonce_looks_like_a_snowflake_of_its_instant() -> None:
    nonce = SystemIds().nonce(NOW)
    assert is_snowflake(nonce)
    assert snowflake_time(nonce) == NOW


def test_nonces_only_grow_even_when_the_clock_is_set_back() -> None:
    ids = SystemIds()
    made = [int(ids.nonce(NOW - timedelta(seconds=number))) for number in range(1000)]
    assert made == sorted(set(made))


def test_two_processes_do_not_make_the_same_nonces() -> None:
    assert SystemIds().nonce(NOW) != SystemIds().nonce(NOW)


def test_tokens_are_long_and_differ() -> None:
    ids: IdSource = SystemIds()
    first, second = ids.token(), ids.token()
    assert first != second
    assert len(first) == 43
    assert len(ids.token(6)) == 8


def test_shuffling_keeps_every_item_and_every_order_happens() -> None:
    ids = SystemIds()
    seen = {tuple(ids.shuffled(["a", "b"])) for _ in range(200)}
    assert seen == {("a", "b"), ("b", "a")}


def test_fractions_are_below_one() -> None:
    assert all(0 <= SystemIds().fraction() < 1 for _ in range(100))


async def test_the_fake_clock_wakes_who_is_due_in_order() -> None:
    import asyncio

    clock, woken = FakeClock(), []

    async def nap(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.ensure_future(nap(seconds)) for seconds in (3.0, 1.0, 9.0)]
    await clock.sleeping(3)
    await clock.elapse(5)
    assert woken == [(1.0, 1.0), (3.0, 3.0)]
    assert (clock.sleepers, clock.now() - NOW.replace(microsecond=0)) == (1, timedelta(seconds=5))
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.sleepers == 0


def test_the_fake_ids_count() -> None:
    ids = FakeIds()
    assert int(ids.nonce(NOW)) < int(ids.nonce(NOW))
    assert (ids.token(), ids.shuffled("ab"), ids.fraction()) == ("token-3", ["a", "b"], 0.0)
