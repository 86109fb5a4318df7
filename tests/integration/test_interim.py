from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler

from tests.integration.outbound.conftest import LOOPBACK
from waystation.discord.site import discord_session
from waystation.interim import MAX_INTERIM
from waystation.outbound.connector import guarded_session

SESSIONS = [
    lambda: guarded_session(LOOPBACK),
    lambda: guarded_session(LOOPBACK, keeps=True),
    discord_session,
]
FINAL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENT_S = 10.0


@asynccontextmanager
async def answering(head: bytes) -> AsyncIterator[str]:
    """Serve one fixed answer to each request of a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head + FINAL)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints"])
@pytest.mark.parametrize("count", [MAX_INTERIM + 1, 2000])
async def test_a_host_that_sends_more_interim_answers_is_cut(
    session: Callable[[], aiohttp.ClientSession], status: bytes, count: int
) -> None:
    head = b"HTTP/1.1 %s\r\n\r\n" % status * count
    async with answering(head) as url, session() as http, asyncio.timeout(PATIENT_S):
        with pytest.raises(aiohttp.ClientError):
            await http.get(url)


@pytest.mark.parametrize("session", SESSIONS)
async def test_interim_answers_that_come_together_are_not_all_parsed(
    session: Callable[[], aiohttp.ClientSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would cost some forty times its bytes; a read of 256 KiB holds ten thousand."""
    parsed = 0
    real = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        nonlocal parsed
        parsed += data.count(b"HTTP/1.1")
        real(self, data)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    head = b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000
    async with answering(head) as url, session() as http, asyncio.timeout(PATIENT_S):
        with pytest.raises(aiohttp.ClientError):
            await http.get(url)
    assert MAX_INTERIM < parsed <= 3 * MAX_INTERIM


@pytest.mark.parametrize("session", SESSIONS)
async def test_a_few_interim_answers_are_read_before_each_answer(
    session: Callable[[], aiohttp.ClientSession],
) -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_INTERIM
    async with answering(head) as url, session() as http, asyncio.timeout(PATIENT_S):
        for _ in range(2):
            async with http.get(url) as response:
                assert await response.text() == "ok"
