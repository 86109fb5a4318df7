from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator.discord_client import Client
from waystation.simulator.server import Simulator

Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a simulator with any options and return a client of its first account.

    V7 is the last model that has every button.
    """
    async with AsyncExitStack() as stack:

        async def begin(**options: Any) -> Client:
            plain: dict[str, Any] = {"speed": 1000.0, "picture_size": 64, "model": "7"}
            sim = await stack.enter_async_context(Simulator(**plain | options))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(sim, http)

        yield begin


@pytest.fixture
async def client(start: Start) -> Client:
    """Return a client of a plain simulator, not yet connected to its gateway."""
    return await start()


@pytest.fixture
async def ready(client: Client) -> Client:
    """Return a client whose gateway session is ready."""
    await client.identify()
    return client
