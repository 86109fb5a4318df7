"""Renewals and takes that meet; tests/conformance/test_nodes.py has what each does alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg
import pytest

from tests import build
from tests.fakes import START, FakeClock
from tests.harness.meeting import meeting
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE
from waystation.errors import LeaseLost
from waystation.store.columns import micros
from waystation.store.postgresql.store import PostgresStore
from waystation.store.transactions import accounts, nodes
from waystation.store.transactions.database import Database

LONG = timedelta(hours=1)
OVER = timedelta(0)
ACCOUNT = "account-1"

_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
_RENEW = "update nodes set lease_until = 9000000000000000 where node_id = 'old'"
_END = "update nodes set lease_until = 1 where node_id = 'old'"


def _raise_epochs(database: Database) -> None:
    accounts.raise_epochs(database, START)


class Two(NamedTuple):
    """Two stores on one database, with the nodes `one` and `two`; `old` has account 1."""

    url: str
    one: PostgresStore
    two: PostgresStore


@pytest.fixture
async def both(postgresql: Cluster, postgresql_database: str) -> AsyncIterator[Two]:
    url = postgresql.url(postgresql_database)
    one, two = [await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE) for _ in range(2)]
    await one.add_user("owner@example.org", b"hash", START)
    await one.put_account(build.setup())
    for node_id in ("one", "two", "old"):
        await one.nodes.begin(node_id, "host", LONG)
    await one.nodes.take(ACCOUNT, "old")
    yield Two(url, one, two)
    await one.close()
    await two.close()


async def outcome(url: str, first: str, then: Any) -> Any:
    """Let a call wait for the row of `old` until a statement that changed it is committed."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(first)
    call = asyncio.ensure_future(then)
    watching = await asyncpg.connect(url)
    while not await watching.fetchval(_WAITING):
        assert not call.done(), "it has not waited"
    await transaction.commit()
    for one in (connection, watching):
        await one.close()
    return (await asyncio.gather(call, return_exceptions=True))[0]


@pytest.mark.usefixtures("postgresql")
class TestMeetings:
    pytestmark = needs_postgresql

    async def test_two_nodes_that_take_a_dead_nodes_account_share_nothing(self, both: Two) -> None:
        await both.one.nodes.renew("old", OVER)
        async with meeting(both.url, both.one, both.two) as place:
            outcomes = await place.of(
                both.one.nodes.take(ACCOUNT, "one"), both.two.nodes.take(ACCOUNT, "two")
            )
        assert {type(one) for one in outcomes} == {int, LeaseLost}
        assert 2 in outcomes

    async def test_a_renewal_on_its_way_is_waited_for(self, both: Two) -> None:
        await both.one.nodes.renew("old", OVER)
        assert isinstance(
            await outcome(both.url, _RENEW, both.one.nodes.take(ACCOUNT, "one")), LeaseLost
        )
        assert (await both.one.nodes.ownership()).owners == {ACCOUNT: "old"}

    async def test_a_renewal_that_waited_looks_at_the_clock_again(self, both: Two) -> None:
        assert await outcome(both.url, _END, both.one.nodes.renew("old", LONG)) is False

    async def test_a_take_that_waited_finds_its_own_lease_ended(self, both: Two) -> None:
        await both.two.put_account(build.setup(build.account(2)))
        assert isinstance(
            await outcome(both.url, _END, both.one.nodes.take("account-2", "old")), LeaseLost
        )

    async def test_clocks_of_nodes_that_differ_by_five_minutes_decide_nothing(
        self, both: Two
    ) -> None:
        fast = await PostgresStore.open(
            both.url, FakeClock(START + timedelta(minutes=5)), ghost_age=GHOST_AGE
        )
        await both.one.nodes.renew("old", timedelta(minutes=1))
        with pytest.raises(LeaseLost):
            await fast.nodes.take(ACCOUNT, "one")
        assert await fast.nodes.renew("old", LONG)
        await fast.close()


@pytest.mark.parametrize("end", [accounts.void_leases, _raise_epochs])
def test_the_end_of_every_lease_ends_every_node(
    database: Database, end: Callable[[Database], None]
) -> None:
    at = micros(START)
    epoch = nodes.take(database, ACCOUNT, "me", at)
    end(database)
    assert nodes.ownership(database, at).owners == {ACCOUNT: None}
    assert not nodes.renew(database, "me", LONG, at)
    nodes.begin(database, "b", "host", LONG, at)
    assert nodes.take(database, ACCOUNT, "b", at) > epoch


def test_a_length_is_told_in_whole_microseconds() -> None:
    assert nodes.span_of(timedelta(seconds=1, microseconds=2)) == 1_000_002
