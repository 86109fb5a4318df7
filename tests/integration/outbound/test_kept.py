from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from tests.integration.outbound.conftest import LOOPBACK, ServeRaw
from waystation.outbound import kept
from waystation.outbound.connector import guarded_session

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
PATIENT_S = 10.0


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with guarded_session(LOOPBACK, keeps=True) as opened:
        yield opened


class Host:
    """Answers each request of each connection; says more after an answer, or hangs up for it."""

    def __init__(self, unasked: bytes = b"", answers: int = 1_000) -> None:
        self.connections = 0
        self.open = 0
        self.cut = asyncio.Event()
        self._unasked = unasked
        self._answers = answers

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            for _ in range(self._answers):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
                await writer.drain()
                if self._unasked:
                    # nobody but this host knows when the client has let the connection go
                    while True:
                        await asyncio.sleep(0.01)
                        writer.write(self._unasked)
                        await writer.drain()
            await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            self.cut.set()


async def got(session: aiohttp.ClientSession, url: str) -> str:
    async with asyncio.timeout(PATIENT_S), session.get(url) as response:
        return await response.text()


async def test_two_pictures_of_one_host_come_over_one_connection(
    session: aiohttp.ClientSession, serve_raw: ServeRaw
) -> None:
    host = Host()
    url = await serve_raw(host.talk)
    assert [await got(session, url) for _ in range(3)] == ["mine"] * 3
    assert host.connections == 1


async def test_a_host_that_speaks_unasked_is_cut_and_answers_no_other_request(
    session: aiohttp.ClientSession, serve_raw: ServeRaw
) -> None:
    host = Host(unasked=OTHER)
    url = await serve_raw(host.talk)
    for number in (1, 2):
        host.cut.clear()
        assert await got(session, url) == "mine"
        async with asyncio.timeout(PATIENT_S):
            await host.cut.wait()
        assert host.connections == number


async def test_a_kept_connection_that_is_found_dead_is_made_anew(
    session: aiohttp.ClientSession, serve_raw: ServeRaw
) -> None:
    host = Host(answers=1)
    url = await serve_raw(host.talk)
    assert [await got(session, url) for _ in range(3)] == ["mine"] * 3
    assert host.connections == 3


async def test_few_connections_are_kept(
    serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT", 2)
    hosts = [Host() for _ in range(4)]
    urls = [await serve_raw(host.talk) for host in hosts]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(guarded_session(LOOPBACK, keeps=True))
        for url in urls:
            assert await got(session, url) == "mine"
        async with asyncio.timeout(PATIENT_S):
            for host in hosts[2:]:
                await host.cut.wait()
        assert [host.open for host in hosts] == [1, 1, 0, 0]


async def test_a_kept_connection_that_is_idle_too_long_is_closed(
    serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "KEPT_S", 0.05)
    host = Host()
    url = await serve_raw(host.talk)
    async with guarded_session(LOOPBACK, keeps=True) as session:
        assert await got(session, url) == "mine"
        async with asyncio.timeout(PATIENT_S):
            await host.cut.wait()
        assert host.open == 0
