"""Answers that the client never gets: it asks again under the same key, and there is one job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.e2e.conftest import Install, Installation
from waystation.client import Client


@contextlib.asynccontextmanager
async def cutting(here: Installation, lost: int) -> AsyncIterator[str]:
    """Stand before the service; hand requests on, and lose the answers to the first POSTs."""
    host, _, port = here.url.removeprefix("http://").partition(":")
    left = lost

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        service_reader, service = await asyncio.open_connection(host, int(port))
        head = await reader.readuntil(b"\r\n\r\n")
        cut = head.startswith(b"POST") and left > 0
        left -= cut
        service.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        handing = asyncio.create_task(_hand_on(reader, service))
        answered = await service_reader.read(-1)
        assert answered.startswith(b"HTTP/1.1 ")
        if not cut:
            writer.write(answered)
            await writer.drain()
        handing.cancel()
        service.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


async def test_a_job_whose_answer_was_lost_is_made_once(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        async with cutting(here, lost=1) as url, Client(url, ada.token) as client:
            job = await client.submit("info")
            assert (await ada.final(job["jobid"]))["status"] == "completed"
        with here.records() as records:
            assert [row["jobid"] for row in records.jobs()] == [job["jobid"]]
