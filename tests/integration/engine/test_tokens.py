"""Tokens of a user, asked about by two nodes on one PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import pytest

from tests.fakes import START, FakeClock
from tests.harness.house import Probe
from tests.harness.postgresql import Cluster, needs_postgresql, put_away
from tests.limits import GHOST_AGE
from waystation.engine.tokens import REJECTED_TOKENS, TOKENS, Tokens
from waystation.errors import InvalidRequest, NotAuthorised, Throttled
from waystation.ports import User
from waystation.secret import Secret
from waystation.store.postgresql.store import PostgresStore

pytestmark = needs_postgresql

TOKEN = Secret("MTIzNDU2.abcdef.new-token")


class Node(NamedTuple):
    """A process on the database."""

    store: PostgresStore
    tokens: Tokens
    probe: Probe


@pytest.fixture
async def nodes(postgresql: Cluster) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes whose clocks are five minutes apart."""
    with put_away(postgresql) as name:
        made = []
        for minutes in (0, 5):
            clock, probe = FakeClock(START + timedelta(minutes=minutes)), Probe()
            store = await PostgresStore.open(postgresql.url(name), clock, ghost_age=GHOST_AGE)
            made.append(Node(store, Tokens(store.tallies, probe), probe))
        await made[0].store.add_user("ada@example.org", b"hash", START)
        yield made[0], made[1]
        for node in made:
            await node.store.close()


async def _user(node: Node) -> User:
    user = await node.store.get_user(1)
    assert user is not None
    return user


async def test_rejected_tokens_of_one_node_count_on_another(nodes: tuple[Node, Node]) -> None:
    """R35."""
    user = await _user(nodes[0])
    for node in nodes:
        node.probe.fails = NotAuthorised("401: Unauthorized")
    for number in range(REJECTED_TOKENS):
        with pytest.raises(InvalidRequest, match="Discord rejected the token"):
            await nodes[number % 2].tokens.identify(user, TOKEN)
    for node in nodes:
        with pytest.raises(Throttled, match="rejected"):
            await node.tokens.identify(user, TOKEN)


async def test_tokens_that_are_asked_about_at_once_are_rejected_no_more_often(
    nodes: tuple[Node, Node],
) -> None:
    """R35."""
    user = await _user(nodes[0])
    for node in nodes:
        node.probe.fails = NotAuthorised("401: Unauthorized")
    asked = [node.tokens.identify(user, TOKEN) for node in nodes for _ in range(6)]
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(end, InvalidRequest) for end in ends) == REJECTED_TOKENS
    assert sum(isinstance(end, Throttled) for end in ends) == 12 - REJECTED_TOKENS


async def test_good_tokens_leave_no_rejection_and_are_counted_together(
    nodes: tuple[Node, Node],
) -> None:
    user = await _user(nodes[0])
    for number in range(TOKENS):
        await nodes[number % 2].tokens.identify(user, TOKEN)
    for node in nodes:
        with pytest.raises(Throttled, match=f"Discord was asked about {TOKENS} tokens"):
            await node.tokens.identify(user, TOKEN)
