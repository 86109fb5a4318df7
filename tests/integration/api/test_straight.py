from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.build import replace
from tests.harness.face import BEARER, JOB, FakeService, whole_face
from tests.limits import BOUNDS
from waystation.api.protocol import bounded_protocol
from waystation.contract import job_json
from waystation.jobs import Child, JobId

TARGET = f"/v2/jobs/?jobid={JOB.jobid}".encode()
KNOWN = (b"authorization", BEARER["authorization"].encode())
PLAIN = ((b"host", b"x"), KNOWN, (b"accept", b"*/*"))


def straight(service: FakeService, target: bytes = TARGET, headers: object = PLAIN) -> bytes | None:
    """Return what the straight way answers."""
    assert isinstance(headers, Sequence)
    return whole_face(service).straight.answer(target, headers)


@pytest.mark.parametrize("target", [TARGET, TARGET.replace(b"/?", b"?")])
def test_a_plain_read_is_answered_with_the_jobs_form(target: bytes) -> None:
    service = FakeService(born=[Child("U1", JobId("job:2"), "77")])
    answered = straight(service, target)
    assert answered is not None
    head, _, body = answered.partition(b"\r\n\r\n")
    assert body == job_json(JOB, service.born)
    assert head.split(b"\r\n") == [
        b"x-request-id: request-1",
        b"content-type: application/json",
        b"content-length: %d" % len(body),
    ]


@pytest.mark.parametrize(
    "target",
    [
        b"/v2/jobs/",
        b"/v2/jobs/?jobid=",
        TARGET + b"&x=1",
        TARGET.replace(b":", b"%3A"),
        TARGET + b"+",
        TARGET + b"#part",
        TARGET + b"\xc3\xa9",
        b"/v2/jobs/cancel/?jobid=1",
        b"/v2/jobs/?jobid=job:another",
    ],
)
def test_another_target_goes_the_usual_way(target: bytes) -> None:
    assert straight(FakeService(), target) is None


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Bearer user:1-wrong")],
        # of equal names the first counts
        [(b"authorization", b"Bearer user:1-wrong"), KNOWN],
        *(
            [KNOWN, (name, b"1")]
            for name in (
                b"content-length",
                b"transfer-encoding",
                b"expect",
                b"upgrade",
                b"origin",
                b"prefer",
                b"x-request-id",
                b"connection",
            )
        ),
    ],
)
def test_headers_that_ask_for_more_go_the_usual_way(headers: list[tuple[bytes, bytes]]) -> None:
    assert straight(FakeService(), headers=headers) is None
    assert straight(FakeService(), headers=[KNOWN, (b"connection", b"Keep-Alive")]) is not None


def test_a_job_with_an_ended_link_goes_the_usual_way() -> None:
    assert straight(FakeService(links={job_json(JOB): b"renewed"})) is None


@asynccontextmanager
async def served(service: FakeService, *, is_straight: bool = True) -> AsyncIterator[int]:
    """Serve the face on a free port, as the application does."""
    face = whole_face(service)
    server = uvicorn.Server(
        uvicorn.Config(
            face.app,
            host="127.0.0.1",
            port=0,
            http=bounded_protocol(BOUNDS, face.straight if is_straight else None),
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
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


async def said(port: int, request: bytes, answers: int) -> list[tuple[list[bytes], bytes]]:
    """Send bytes on one connection and return header lines and body of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    found = []
    for _ in range(answers):
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        length = next(int(one[16:]) for one in head if one.startswith(b"content-length: "))
        found.append((head, await reader.readexactly(length)))
    writer.close()
    return found


def request(target: bytes = TARGET, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    head = b"%b %b HTTP/%b\r\nHost: x\r\nAuthorization: %b\r\n\r\n"
    return head % (method, target, version, KNOWN[1])


async def test_both_ways_answer_alike() -> None:
    both = []
    for is_straight in (True, False):
        async with served(FakeService(), is_straight=is_straight) as port:
            ((head, body),) = await said(port, request(), 1)
            both.append((sorted(one for one in head if not one.startswith(b"date: ")), body))
    assert both[0] == both[1]


async def test_the_straight_way_makes_no_call_of_the_usual_one() -> None:
    service = FakeService()
    async with served(service) as port:
        await said(port, request(), 1)
        assert service.calls == []
        await said(port, request(version=b"1.0"), 1)
        assert [name for name, *_ in service.calls] == ["family"]


async def test_one_connection_mixes_both_ways_in_order() -> None:
    service = FakeService()
    async with served(service) as port:
        targets = [TARGET, b"/v2/jobs", TARGET, b"/v2/jobs/?jobid=job:1", b"/v2/jobs", TARGET]
        found = await said(port, b"".join(map(request, targets)), len(targets))
        form, running = job_json(JOB), b'["%b"]' % JOB.jobid.encode()
        bodies = [body for _, body in found]
        assert bodies[:3] == [form, running, form]
        assert b"Unable to locate job" in bodies[3]
        assert bodies[4:] == [running, form]


async def test_a_changed_job_is_seen_by_the_next_read_of_a_connection() -> None:
    service = FakeService()
    async with served(service) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for version in (0, 1):
            service.job = replace(JOB, version=version, content=f"({version}%)")
            writer.write(request())
            answer = await reader.readuntil(b'"code":200}')
            assert answer.endswith(job_json(service.job))
        writer.close()


async def test_many_reads_sent_together_are_each_answered_once() -> None:
    service = FakeService()
    async with served(service) as port:
        targets = [TARGET, TARGET, b"/v2/jobs", TARGET] * 100
        found = await said(port, b"".join(map(request, targets)), len(targets))
        form, running = job_json(JOB), b'["%b"]' % JOB.jobid.encode()
        assert [body for _, body in found] == [form, form, running, form] * 100
