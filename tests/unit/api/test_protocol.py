from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.unit.api.face import BEARER, FakeService, face
from waystation.api.body import Limits
from waystation.api.protocol import bounded_protocol

PATIENT_S = 30.0
HURRIED_S = 0.05
AUTHORIZATION = f"Authorization: {BEARER['authorization']}\r\n".encode()
GET = b"GET /v2/jobs HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION + b"\r\n"


@asynccontextmanager
async def served(
    head_s: float = PATIENT_S, head_bytes: int = 4096, limits: Limits | None = None
) -> AsyncIterator[int]:
    """Serve the face on a free port, as the application does."""
    server = uvicorn.Server(
        uvicorn.Config(
            face(FakeService(), limits=limits),
            host="127.0.0.1",
            port=0,
            http=bounded_protocol(head_s, head_bytes),
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=60,
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listener.close()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def status_of(reader: asyncio.StreamReader) -> int:
    """Read one answer with a content-length and return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    await reader.readexactly(length)
    return int(head.split()[1])


async def test_one_connection_serves_several_requests() -> None:
    async with served() as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            assert await status_of(reader) == 200


@pytest.mark.parametrize("head", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"\r\n"])
async def test_a_head_that_does_not_come_to_its_end_is_cut(head: bytes) -> None:
    async with served(HURRIED_S) as port, connected(port) as (reader, writer):
        writer.write(head)
        assert await asyncio.wait_for(reader.read(), PATIENT_S) == b""


@pytest.mark.parametrize("head", [b"G", b"\r\n"])
async def test_a_later_slow_head_on_the_same_connection_is_cut_too(head: bytes) -> None:
    async with served(HURRIED_S) as port, connected(port) as (reader, writer):
        writer.write(GET)
        assert await status_of(reader) == 200
        writer.write(head)
        assert await asyncio.wait_for(reader.read(), PATIENT_S) == b""


async def test_a_head_that_never_stops_growing_is_cut() -> None:
    async with served(head_bytes=2000) as port, connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: y\r\n" * 200)
        assert await asyncio.wait_for(reader.read(), PATIENT_S) == b""


@pytest.mark.parametrize("data", [b"BLAH\r\n\r\n", b"GET /v2/jobs\xff HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_what_is_no_http_is_refused_in_the_one_shape(data: bytes) -> None:
    async with served() as port, connected(port) as (reader, writer):
        writer.write(data)
        head, _, body = (await asyncio.wait_for(reader.read(), PATIENT_S)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert json.loads(body) == {"error": "Invalid HTTP request received.", "code": 400}


async def test_a_body_is_no_part_of_the_head() -> None:
    body = b'{"replyRef":"' + b"r" * 1000 + b'"}'
    async with served(head_bytes=500) as port, connected(port) as (reader, writer):
        writer.write(
            b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\n"
            + AUTHORIZATION
            + b"Content-Length: %d\r\n\r\n" % len(body)
            + body
        )
        assert await status_of(reader) == 200


async def test_a_slow_body_is_answered_and_cut() -> None:
    limits = Limits(body_s=HURRIED_S)
    async with served(limits=limits) as port, connected(port) as (reader, writer):
        writer.write(
            b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\n"
            + AUTHORIZATION
            + b"Content-Length: 100\r\n\r\n{"
        )
        assert await status_of(reader) == 408
        assert await asyncio.wait_for(reader.read(), PATIENT_S) == b""


async def test_an_oversized_upload_still_sees_its_refusal() -> None:
    limits = Limits(json_bytes=1000)
    async with served(limits=limits) as port, connected(port) as (reader, writer):
        size = 1 << 20
        writer.write(
            b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\n"
            + AUTHORIZATION
            + b"Content-Length: %d\r\n\r\n" % size
        )
        writer.write(b"x" * size)
        assert await status_of(reader) == 413
        writer.write(GET)
        assert await status_of(reader) == 200
