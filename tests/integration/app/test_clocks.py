"""Nodes on machines whose clocks are five minutes apart, on one PostgreSQL database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.app import State, open_state
from waystation.callbacks import Callback
from waystation.clock import SystemClock
from waystation.ports import User, UserChanges
from waystation.settings import load
from waystation.vault import make_keys

pytestmark = needs_postgresql

FIVE_MINUTES = timedelta(minutes=5)
CLAIM = timedelta(seconds=45)


class Nodes(NamedTuple):
    """A node whose machine is five minutes behind, and one whose machine is as much ahead."""

    behind: State
    ahead: State


@pytest.fixture(params=["direct", "pooled"])
async def nodes(
    request: pytest.FixtureRequest,
    postgresql: Cluster,
    postgresql_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Nodes]:
    way = postgresql.url if request.param == "direct" else postgresql.pooled_url
    make_keys(tmp_path)
    settings = load(
        environ={
            "WAYSTATION_DATA_DIR": str(tmp_path),
            "WAYSTATION_DATABASE_URL": way(postgresql_database),
        }
    )
    states = []
    async with AsyncExitStack() as stack:
        for off in (-FIVE_MINUTES, FIVE_MINUTES):

            def clock(off: timedelta = off) -> SystemClock:
                return SystemClock(lambda: datetime.now(UTC) + off)

            monkeypatch.setattr("waystation.app.state.SystemClock", clock)
            states.append(await stack.enter_async_context(open_state(settings)))
        yield Nodes(*states)


def ping(user: User, now: datetime) -> Callback:
    """Return a callback that is due now."""
    url = "https://example.org/"
    return Callback("ping-1", None, user.user_id, url, b"{}", now, now, is_final=False)


async def test_both_go_by_the_clock_of_the_database(nodes: Nodes) -> None:
    """R28: the days of quotas, subscriptions and signed links are the same on both, too."""
    for now in ("now", "wall"):
        behind, ahead = (getattr(state.clock, now)() for state in nodes)
        assert abs(ahead - behind) < timedelta(seconds=1)
        assert abs(ahead - datetime.now(UTC)) < timedelta(seconds=1)


async def test_a_callback_that_one_has_claimed_is_not_claimed_by_the_other(nodes: Nodes) -> None:
    """R41."""
    behind, ahead = nodes
    store = behind.store
    user = await store.add_user("ada@example.org", b"hash", behind.clock.now())
    now = behind.clock.now()
    await store.deliveries.add_ping(ping(user, now))
    assert len(await store.claim_callbacks(behind.clock.now(), behind.clock.now() + CLAIM, 9)) == 1
    now = ahead.clock.now()
    assert not await ahead.store.claim_callbacks(now, now + CLAIM, 9)


async def test_a_callback_that_one_owes_is_due_on_the_other(nodes: Nodes) -> None:
    behind, ahead = nodes
    user = await ahead.store.add_user("ada@example.org", b"hash", ahead.clock.now())
    now = ahead.clock.now()
    await ahead.store.deliveries.add_ping(ping(user, now))
    # a second: they have read the database's clock one after the other
    now = behind.clock.now() + timedelta(seconds=1)
    assert len(await behind.store.claim_callbacks(now, now + CLAIM, 9)) == 1


async def test_a_subscription_ends_on_both_at_once(nodes: Nodes) -> None:
    ahead = nodes.ahead
    user = await ahead.store.add_user("ada@example.org", b"hash", ahead.clock.now())
    changes: UserChanges = {"expires_at": datetime.now(UTC) + timedelta(minutes=2)}
    await ahead.store.change_user(user.user_id, changes)
    for state in nodes:
        found = await state.store.get_user(user.user_id)
        assert found is not None and found.expires_at is not None
        assert found.expires_at > state.clock.wall()


async def test_the_keys_of_repeated_requests_and_a_day_of_identifies_are_the_same_on_both(
    nodes: Nodes,
) -> None:
    behind, ahead = nodes
    day = timedelta(days=1)
    sent = ahead.clock.now()
    assert await ahead.store.identifies.add("1111", sent, sent - day, None)
    # neither in the future of the other, nor over for it
    now = behind.clock.now() + timedelta(seconds=1)
    assert await behind.store.identifies.after("1111", now - timedelta(seconds=5)) == [sent]
    assert sent <= now
