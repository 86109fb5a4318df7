"""Servers on loopback that behave well, badly or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from waystation.outbound.connector import guarded_session

LOOPBACK = (ip_network("127.0.0.0/8"),)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Handler], Awaitable[str]]
ServeRaw = Callable[[Talk], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start HTTP servers; each answers every path with its handler and is named by its URL."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> str:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            server = TestServer(app)
            await stack.enter_async_context(server)
            return str(server.make_url("/")).rstrip("/")

        yield start


@pytest.fixture
async def serve_raw() -> AsyncIterator[ServeRaw]:
    """Start TCP servers that say what they like."""
    servers: list[asyncio.Server] = []
    talks: set[asyncio.Task[None]] = set()

    async def start(talk: Talk) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            try:
                await talk(reader, writer)
            except ConnectionError:
                pass
            finally:
                talks.discard(task)
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
    for task in tuple(talks):
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    await asyncio.sleep(0)  # a closed writer lets go of its socket one turn later


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A guarded session that may reach 127.0.0.0/8."""
    async with guarded_session(LOOPBACK) as opened:
        yield opened


@pytest.fixture
async def strict_session() -> AsyncIterator[aiohttp.ClientSession]:
    """A guarded session without exceptions."""
    async with guarded_session() as opened:
        yield opened
