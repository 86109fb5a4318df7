from __future__ import annotations

import asyncio
import gc
import json
import socket
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn

from tests.build import replace
from tests.harness.face import BEARER, JOB, FakeService, face
from tests.limits import BODY, BOUNDS
from waystation.api.body import Limits
from waystation.api.protocol import UNASKED_BYTES, Bounds, bounded_protocol
from waystation.engine.feed import Watch
from waystation.jobs import Job, JobEvent, JobId, Progressed, Shown
from waystation.ports import User

PATIENT_S = 30.0
HURRIED_S = 0.05
AUTHORIZATION = f"Authorization: {BEARER['authorization']}\r\n".encode()
GET = b"GET /v2/jobs HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION + b"\r\n"


@dataclass
class SlowService(FakeService):
    """Lists jobs once it is told to."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def running_jobs(self, user: User) -> Sequence[JobId]:
        await self.go.wait()
        return await super().running_jobs(user)


@dataclass
class Watched:
    """A server's port, and its side of the connections."""

    port: int
    server: uvicorn.Server

    @property
    def connections(self) -> list[Any]:
        return list(self.server.server_state.connections)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT_S):
        while not true():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def watched(
    bounds: Bounds, limits: Limits = BODY, service: FakeService | None = None
) -> AsyncIterator[Watched]:
    """Serve the face on a free port, as the application does."""
    server = uvicorn.Server(
        uvicorn.Config(
            face(service or FakeService(), limits=limits),
            host="127.0.0.1",
            port=0,
            http=bounded_protocol(bounds),
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=60,
        )
    )
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield Watched(listener.getsockname()[1], server)
    finally:
        server.should_exit = True
        await serving
        listener.close()


@asynccontextmanager
async def served(
    head_s: float = PATIENT_S, head_bytes: int = 4096, limits: Limits = BODY
) -> AsyncIterator[int]:
    async with watched(replace(BOUNDS, head_s=head_s, head_bytes=head_bytes), limits) as here:
        yield here.port


@asynccontextmanager
async def connected(
    port: int, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.close()


def port_of(writer: asyncio.StreamWriter) -> int:
    port: int = writer.get_extra_info("sockname")[1]
    return port


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


LONG_HEADERS = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"y" * 20 + b"\r\n"
LONG_HEADERS += (b"X-Long: " + b"y" * 40 + b"\r\n") * 60
LONG_HEADER = b"GET / HTTP/1.1\r\nX-Long: " + b"y" * 2000
LONG_URL = b"GET /" + b"y" * 2000


@pytest.mark.parametrize("more", [0, 60_000, 900_000])
@pytest.mark.parametrize(
    ("head", "line"),
    [
        (LONG_HEADERS, "431 Request Header Fields Too Large"),
        (LONG_HEADER, "431 Request Header Fields Too Large"),
        (LONG_URL, "414 URI Too Long"),
        (GET + LONG_HEADERS, "431 Request Header Fields Too Large"),
    ],
    ids=["headers", "one header", "URL", "behind an answered request"],
)
async def test_a_head_that_never_stops_growing_is_refused_and_cut(
    head: bytes, line: str, more: int
) -> None:
    """A caller that has more to send finds its answer all the same."""
    async with served(head_bytes=2000) as port, connected(port) as (reader, writer):
        if head.startswith(GET):
            writer.write(GET)
            assert await status_of(reader) == 200
            head = head.removeprefix(GET)
        writer.write(head + b"y" * more)
        await asyncio.wait_for(writer.drain(), PATIENT_S)
        answer = await asyncio.wait_for(reader.read(), PATIENT_S)
        first, _, body = answer.partition(b"\r\n\r\n")
        assert first.decode().splitlines()[0] == f"HTTP/1.1 {line}"
        told = {"error": "The head has more than 2000 bytes", "code": int(line[:3])}
        assert json.loads(body) == told


async def test_a_large_head_behind_an_unanswered_request_is_cut_without_an_answer() -> None:
    """An answer would be taken for that of the request before."""
    service = SlowService()
    async with (
        watched(replace(BOUNDS, head_bytes=2000), service=service) as here,
        connected(here.port) as (reader, writer),
    ):
        writer.write(GET)
        await until(lambda: bool(here.connections) and here.connections[0].cycle is not None)
        writer.write(LONG_HEADERS)
        assert await asyncio.wait_for(reader.read(), PATIENT_S) == b""
        service.go.set()


async def test_a_caller_that_sends_on_and_on_after_its_head_was_refused_is_cut() -> None:
    async with (
        watched(replace(BOUNDS, head_bytes=2000)) as here,
        connected(here.port) as (_, writer),
    ):
        with pytest.raises(ConnectionError):
            while True:
                writer.write(LONG_HEADERS)
                await asyncio.wait_for(writer.drain(), PATIENT_S)
                await asyncio.sleep(0)
        await until(lambda: not here.connections)


async def test_a_caller_that_keeps_the_connection_of_a_refused_head_loses_it() -> None:
    async with (
        watched(replace(BOUNDS, head_bytes=2000, head_s=HURRIED_S)) as here,
        connected(here.port) as (reader, writer),
    ):
        writer.write(LONG_HEADERS)
        assert b"431" in await asyncio.wait_for(reader.read(), PATIENT_S)
        await until(lambda: not here.connections)


@pytest.mark.parametrize("data", [b"BLAH\r\n\r\n", b"GET /v2/jobs\xff HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_bytes_that_are_no_http_are_refused_in_the_one_shape(data: bytes) -> None:
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
    """R43."""
    limits = replace(BODY, body_s=HURRIED_S)
    async with served(limits=limits) as port, connected(port) as (reader, writer):
        writer.write(
            b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\n"
            + AUTHORIZATION
            + b"Content-Length: 100\r\n\r\n{"
        )
        assert await status_of(reader) == 408
        assert await asyncio.wait_for(reader.read(), PATIENT_S) == b""


async def test_an_oversized_upload_still_sees_its_refusal() -> None:
    limits = replace(BODY, json_bytes=1000)
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


async def test_pipelined_requests_wait_unread_and_all_are_answered_in_order() -> None:
    service = SlowService()
    many = 3_000
    async with (
        watched(BOUNDS, service=service) as here,
        connected(here.port) as (reader, writer),
    ):
        writer.write(GET * many)
        await until(lambda: bool(here.connections) and len(here.connections[0]._held) > 0)
        [connection] = here.connections
        for _ in range(50):  # whatever comes in meanwhile stays outside
            await asyncio.sleep(0)
            assert len(connection.pipeline) <= 16
            assert len(connection._held) <= 1 << 19
        service.go.set()
        for _ in range(many):
            assert await asyncio.wait_for(status_of(reader), PATIENT_S) == 200
            assert len(connection.pipeline) <= 16
        await until(lambda: len(connection._held) == 0)


async def test_a_body_that_waits_for_its_share_stays_with_the_caller() -> None:
    size = 900_000
    head = b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION
    head += b"Content-Length: %d\r\n\r\n" % size
    async with (
        watched(BOUNDS, replace(BODY, share_bytes=size)) as here,
        connected(here.port) as (_, first),
        connected(here.port) as (_, second),
    ):
        first.write(head)
        await until(lambda: sum(one.cycle is not None for one in here.connections) == 1)
        second.write(head)
        await until(lambda: sum(one.cycle is not None for one in here.connections) == 2)
        second.write(b" " * (size - 1))
        [waits] = [one for one in here.connections if one.client[1] == port_of(second)]
        await until(lambda: not waits.transport.is_reading())
        assert len(waits.cycle.body) + len(waits._held) <= UNASKED_BYTES


async def test_a_body_and_what_is_pipelined_behind_it_are_told_apart() -> None:
    body = b'{"replyRef":"' + b"HTTP/1.1 " * 80 + b'"}'
    post = b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION
    plain = post + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    async with served() as port, connected(port) as (reader, writer):
        writer.write((GET + plain + chunked) * 40)
        for _ in range(120):
            assert await asyncio.wait_for(status_of(reader), PATIENT_S) == 200


@pytest.mark.parametrize(
    "endless", [b"X-More: y\r\n" * 100, b"y" * 1000], ids=["trailers", "one trailer"]
)
@pytest.mark.parametrize("token", [AUTHORIZATION, b""], ids=["with token", "without"])
async def test_trailers_that_never_end_are_cut_and_kept_nowhere(
    endless: bytes, token: bytes
) -> None:
    service = SlowService()
    async with (
        watched(replace(BOUNDS, head_bytes=4096), service=service) as here,
        connected(here.port) as (_, writer),
    ):
        head = b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        writer.write(head + token + b"\r\n2\r\n{}\r\n0\r\nX-Long: ")
        await until(lambda: bool(here.connections) and here.connections[0].cycle is not None)
        [connection] = here.connections
        headers = connection.cycle.scope["headers"]
        kept = len(headers)
        with pytest.raises(ConnectionError):
            while True:
                writer.write(endless)
                await asyncio.wait_for(writer.drain(), PATIENT_S)
                await asyncio.sleep(0)
        assert len(headers) == kept


async def test_trailers_are_dropped() -> None:
    """R43."""
    async with served() as port, connected(port) as (reader, writer):
        writer.write(
            b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            + AUTHORIZATION
            + b"\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer user:2-x\r\nX-A: b\r\n\r\n"
            + GET
        )
        assert await status_of(reader) == 200
        assert await status_of(reader) == 200


@pytest.mark.parametrize("ends", [b"", b"Connection: close\r\n"])
async def test_a_caller_that_does_not_read_its_answers_is_cut(ends: bytes) -> None:
    service = FakeService(job=replace(JOB, jobid=JobId("job:" + "x" * 100_000)))
    many = 500
    async with watched(replace(BOUNDS, unread_s=HURRIED_S), service=service) as here:
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(caller, ("127.0.0.1", here.port))
        with caller:
            asked = GET.replace(b"Host: x\r\n", b"Host: x\r\n" + ends)
            await loop.sock_sendall(caller, GET * many + asked)
            await until(lambda: bool(here.connections))
            await until(lambda: not here.connections)


async def test_a_caller_that_reads_slowly_but_does_read_is_not_cut() -> None:
    async with (
        watched(replace(BOUNDS, unread_s=HURRIED_S)) as here,
        connected(here.port) as (reader, writer),
    ):
        for _ in range(5):
            writer.write(GET)
            assert await status_of(reader) == 200
            await asyncio.sleep(HURRIED_S)
        assert here.connections


class _Talking(FakeService):
    """A job of which there is always more to tell."""

    @contextmanager
    def watching(self, jobid: str) -> Iterator[Watch]:
        watch = Watch(released=False)
        watch.wait = _at_once  # type: ignore[method-assign]
        yield watch

    async def get_job(self, user: object, jobid: str) -> Job:
        return self.job

    async def events_after(
        self, user: object, jobid: str, number: int
    ) -> Sequence[tuple[int, JobEvent]]:
        return [(number + 1, Progressed(Shown("800", content="x" * 50_000)))]


async def _at_once() -> None:
    await asyncio.sleep(0)


_STREAM = GET.replace(b"/v2/jobs", f"/v2/jobs/{JOB.jobid}/events".encode(), 1)


@pytest.mark.parametrize("reads", [True, False])
async def test_a_stream_goes_on_as_long_as_it_is_read(reads: bool) -> None:
    hurried = replace(BOUNDS, unread_s=HURRIED_S)
    async with watched(hurried, service=_Talking()) as here:
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(caller, ("127.0.0.1", here.port))
        with caller:
            await loop.sock_sendall(caller, _STREAM)
            assert (await loop.sock_recv(caller, 12)).endswith(b"200")
            if reads:
                end = loop.time() + 5 * HURRIED_S
                while loop.time() < end:
                    assert await loop.sock_recv(caller, 1 << 16)
                assert here.connections
            else:
                await until(lambda: not here.connections)


async def test_a_long_answer_goes_on_as_long_as_some_of_it_is_read() -> None:
    """Its reader never catches up, so that something is unread at each look."""
    patient_s = 20 * HURRIED_S
    async with watched(replace(BOUNDS, unread_s=patient_s), service=_Talking()) as here:
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(caller, ("127.0.0.1", here.port))
        with caller:
            await loop.sock_sendall(caller, _STREAM)
            end = loop.time() + 3 * patient_s
            while loop.time() < end:
                assert await loop.sock_recv(caller, 1 << 16)
                await asyncio.sleep(0.001)
            assert here.connections


async def test_connections_in_all_are_bounded() -> None:
    bounds = replace(BOUNDS, connections=3)
    async with (
        watched(bounds) as here,
        connected(here.port) as (first, asks),
        connected(here.port),
        connected(here.port),
    ):
        await until(lambda: len(here.connections) == 3)
        async with connected(here.port) as (refused, _):
            assert await asyncio.wait_for(refused.read(), PATIENT_S) == b""
        asks.write(GET)
        assert await status_of(first) == 200


async def test_one_address_cannot_take_all_connections() -> None:
    bounds = replace(BOUNDS, connections_of_address=2, proxies=())
    async with watched(bounds) as here, connected(here.port), connected(here.port):
        await until(lambda: len(here.connections) == 2)
        async with connected(here.port) as (refused, _):
            assert await asyncio.wait_for(refused.read(), PATIENT_S) == b""
        async with connected(here.port, "127.0.0.2") as (other, asks):
            asks.write(GET)
            assert await status_of(other) == 200
        await until(lambda: len(here.connections) == 2)
        [*_, places] = [one.places for one in here.connections]
        assert places == {"127.0.0.1": 2}, "an address without connections is forgotten"
    assert not places


async def test_a_reverse_proxy_brings_as_many_connections_as_there_are_callers() -> None:
    bounds = replace(BOUNDS, connections_of_address=1, proxies=(ip_network("127.0.0.0/8"),))
    async with (
        watched(bounds) as here,
        connected(here.port),
        connected(here.port) as (reader, writer),
    ):
        writer.write(GET)
        assert await status_of(reader) == 200


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\na: b\r\n", GET, GET * 40])
async def test_a_connection_that_has_gone_leaves_nothing_for_the_garbage_collector(
    said: bytes,
) -> None:
    """The collector comes late to what lives long: hundreds of connections would stay."""
    gc.collect()
    gc.disable()
    try:
        async with watched(BOUNDS) as here:
            async with connected(here.port) as (reader, writer):
                writer.write(said)
                if said.startswith(GET):
                    assert await status_of(reader) == 200
                await until(lambda: bool(here.connections))
                kept = [weakref.ref(one) for one in here.connections]
            await until(lambda: not here.connections)
            await until(lambda: [one() for one in kept] == [None])
    finally:
        gc.enable()


async def test_a_head_of_many_headers_is_refused_before_it_ends() -> None:
    async with (
        watched(replace(BOUNDS, headers=5)) as here,
        connected(here.port) as (reader, writer),
    ):
        # a header is told when the next one begins
        writer.write(b"GET /v2/jobs HTTP/1.1\r\n" + b"a:\r\n" * 7)
        head, _, body = (await asyncio.wait_for(reader.read(), PATIENT_S)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert json.loads(body) == {"error": "The request has more than 5 headers", "code": 431}


async def test_a_head_of_usual_many_headers_is_answered() -> None:
    async with watched(BOUNDS) as here, connected(here.port) as (reader, writer):
        writer.write(GET[:-2] + b"a: b\r\n" * 100 + b"\r\n")
        assert await status_of(reader) == 200


@pytest.mark.parametrize(
    "data", [b"BLAH\r\n\r\n", GET.replace(b"Host", b"Upgrade: h2c\r\nConnection: upgrade\r\nHost")]
)
async def test_no_caller_can_fill_the_log(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with served() as port, connected(port) as (reader, writer):
        writer.write(data)
        await status_of(reader)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


async def test_a_caller_who_goes_before_the_answer_leaves_no_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = SlowService()
    async with (
        watched(BOUNDS, service=service) as here,
        connected(here.port) as (_, writer),
    ):
        writer.write(GET * 40)
        await until(lambda: bool(here.connections) and bool(here.connections[0].pipeline))
        [connection] = here.connections
        service.go.set()
        connection.transport.abort()
        connection.logger.error("Exception in ASGI application")
        await until(lambda: not here.connections)
    assert not caplog.records
