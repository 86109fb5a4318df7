from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from tests.build import replace
from tests.limits import BODY
from waystation.api.body import Body, Limits
from waystation.api.call import Call
from waystation.errors import InvalidRequest, Throttled
from waystation.shares import Shares

HURRIED = replace(BODY, discard_s=0.01)


def call(
    *,
    query: bytes = b"",
    headers: dict[str, str] | None = None,
    chunks: tuple[bytes, ...] = (),
    stalls: bool = False,
    client: tuple[str, int] | None = ("127.0.0.1", 9),
    path: str = "/v2/jobs",
    shares: Shares | None = None,
    limits: Limits = HURRIED,
) -> Call:
    left = list(chunks)

    async def receive() -> Message:
        if not left and stalls:
            await asyncio.Event().wait()
        chunk = left.pop(0) if left else b""
        return {"type": "http.request", "body": chunk, "more_body": bool(left) or stalls}

    scope = {
        "type": "http",
        "path": path,
        "query_string": query,
        "headers": [(key.encode(), value.encode()) for key, value in (headers or {}).items()],
        "path_params": {"channel": "7"},
        "client": client,
    }
    return Call(scope, receive, limits, shares or Shares(1 << 20, 1 << 20))


@pytest.mark.parametrize(
    ("query", "jobid"),
    [
        (b"jobid=job:1-user:2", "job:1-user:2"),
        (b"jobid=job%3A1", "job:1"),
        (b"a=b&jobid=1&jobid=2", "1"),
        (b"jobid=a+b", "a b"),
        (b"jobid=%ED%A0%80", "\ufffd\ufffd\ufffd"),
        (b"jobid=%zz", "%zz"),
        (b"jobid=", ""),
        (b"jobid", ""),
        (b"", None),
        (b"xjobid=1", None),
    ],
)
def test_a_query_parameter_is_decoded(query: bytes, jobid: str | None) -> None:
    assert call(query=query).query(b"jobid") == jobid


@pytest.mark.parametrize("query", [b"jobid=%00", b"a=%00&jobid=1%002"])
def test_a_query_parameter_with_a_nul_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidRequest, match="The query contains a NUL character"):
        call(query=query).query(b"jobid")
    assert call(query=query).query(b"b") is None


def test_headers_path_and_peer_are_told() -> None:
    asked = call(headers={"x-a": "1"})
    assert (asked.header(b"x-a"), asked.header(b"x-b")) == ("1", None)
    assert asked.path("channel") == "7"
    assert asked.peer == "127.0.0.1"
    assert call(client=None).peer == ""


async def test_a_body_that_was_read_leaves_nothing_to_discard() -> None:
    asked = call(headers={"content-length": "13"}, chunks=(b'{"maxJobs":', b"1}"))
    assert await asked.body(1) == Body(fields={"maxJobs": 1})
    assert await asked.discard_body()


async def test_a_short_rest_is_discarded_and_the_connection_stays() -> None:
    assert await call(headers={"content-length": "4"}, chunks=(b"ab", b"cd")).discard_body()


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}])
async def test_a_request_without_body_has_nothing_to_discard(headers: dict[str, str]) -> None:
    assert await call(headers=headers, stalls=True).discard_body()


async def test_a_rest_that_never_ends_is_left_behind() -> None:
    assert not await call(headers={"transfer-encoding": "chunked"}, stalls=True).discard_body()


async def test_a_body_that_waits_to_be_asked_for_is_not_asked_for() -> None:
    headers = {"content-length": "9", "expect": "100-continue"}
    assert not await call(headers=headers, chunks=(b"x",)).discard_body()


@pytest.mark.parametrize("path", ["/metrics\n", "/\0", "/a\x7fb", "/\x85", "/\r\n"])
def test_a_path_with_a_control_character_is_no_text(path: str) -> None:
    assert not call(path=path).path_is_text


@pytest.mark.parametrize("path", ["/metrics", "/ü/é", "/a b", "/\u200b"])
def test_other_paths_are_text(path: str) -> None:
    assert call(path=path).path_is_text


FORM = {"content-type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(
    ("headers", "held"),
    [
        ({"content-length": "65536"}, 0),
        ({"content-length": "65537"}, 65537),
        ({"content-length": "9000000", **FORM}, 9_000_000),
        ({"transfer-encoding": "chunked"}, 1 << 20),
        ({"transfer-encoding": "chunked", **FORM}, 11 << 20),
        ({}, 0),
    ],
)
async def test_a_body_held_open_takes_its_size_of_the_users_share(
    headers: dict[str, str], held: int
) -> None:
    shares = Shares(44 << 20, 176 << 20)
    asked = call(headers=headers, stalls=True, shares=shares)
    reading = asyncio.ensure_future(asked.body(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert shares.held == held
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asked.let_go()
    assert shares.held == 0


async def test_a_body_beyond_the_users_share_is_not_read_and_told_so() -> None:
    shares = Shares(100_000, 400_000)
    limits = replace(BODY, body_s=0.01)
    headers = {"content-length": "90000"}
    async with shares.hold(1, 90_000, 0):
        with pytest.raises(Throttled, match="Too many large requests at once; try again"):
            await call(headers=headers, chunks=(b"{}",), shares=shares, limits=limits).body(1)
        other = call(headers=headers, chunks=(b"{}",), shares=shares, limits=limits)
        assert await other.body(2) == Body()
