"""Connection: one websocket, from its opening to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from tests.integration.discord.conftest import StandIn, Talk
from waystation.discord.connection import Closed, Connection
from waystation.discord.inflate import COMPRESSIONS
from waystation.discord.session import RESUMABLE_CLOSE, GatewaySession, Step
from waystation.discord.site import Site
from waystation.secret import Secret

PATIENCE_S = 10


async def may() -> bool:
    return True


@asynccontextmanager
async def connected(
    site: Site, discord: StandIn, taken: list[Step]
) -> AsyncIterator[tuple[Talk, asyncio.Task[Closed]]]:
    async def take(step: Step) -> None:
        taken.append(step)

    machine = GatewaySession(Secret("a.b.c"), site.properties, None)
    connection = Connection(site, machine, COMPRESSIONS[""](), take, may)
    running = asyncio.create_task(connection.run(URL(discord.gateway)))
    yield await discord.talk(), running
    await asyncio.wait_for(asyncio.wait({running}), PATIENCE_S)


async def test_events_of_a_dispatch_are_taken_in_order(site: Site, discord: StandIn) -> None:
    taken: list[Step] = []
    async with connected(site, discord, taken) as (talk, _):
        await talk.ready(discord.gateway)
        await talk.send(0, {"id": "1"}, 2, "MESSAGE_DELETE")
        await talk.drop()
    dispatches = [step.dispatch for step in taken if step.dispatch is not None]
    assert [frame.t for frame in dispatches] == ["READY", "MESSAGE_DELETE"]


@pytest.mark.parametrize(
    "frame", [b"\x00 no frame", b'{"op":0,"d":' + b"[" * 100_000, b'{"op":0,"t":"\xff"}']
)
async def test_a_frame_that_cannot_be_read_ends_it_and_speaks_against_the_compression(
    site: Site, discord: StandIn, frame: bytes
) -> None:
    async with connected(site, discord, []) as (talk, running):
        await talk.socket.send_bytes(frame)
        closed = await asyncio.wait_for(running, PATIENCE_S)
    assert closed.unreadable
    assert closed.reason == "Discord sent an unreadable gateway frame"


async def test_it_leaves_with_a_code_that_keeps_the_session(site: Site, discord: StandIn) -> None:
    async with connected(site, discord, []) as (talk, running):
        await talk.hello()
        running.cancel()
        await asyncio.wait({running})
        await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
    assert talk.socket.close_code == RESUMABLE_CLOSE


async def test_a_gateway_that_is_not_there_is_an_end_with_a_reason(
    site: Site, discord: StandIn
) -> None:
    async def take(step: Step) -> None:
        raise AssertionError(step)

    machine = GatewaySession(Secret("a.b.c"), site.properties, None)
    connection = Connection(site, machine, COMPRESSIONS[""](), take, may)
    closed = await connection.run(URL("ws://127.0.0.1:1/"))
    assert closed.close_code is None
    assert closed.reason == "no connection: connection refused"
