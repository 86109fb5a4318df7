from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.client.conftest import JOB, TOKEN, Stub
from waystation.client import Client
from waystation.client.repeating import UNKNOWN
from waystation.errors import Busy, Unanswered, Unavailable, Unreachable

TAKEN = {"jobid": JOB, "status": "started"}


def document(*headers: str) -> dict[str, Any]:
    """Describe a service whose POSTs know these headers."""
    known = [{"name": name, "in": "header"} for name in ("Prefer", *headers)]
    post = {"post": {"parameters": known}}
    return {"paths": {"/v2/jobs/info": post, "/v2/jobs/describe": post}}


KNOWS = document("Idempotency-Key")


def keys(stub: Stub) -> list[str]:
    return [one["key"] for one in stub.requests if one["method"] == "POST"]


async def test_each_job_is_asked_for_under_a_key_of_its_own(client: Client, stub: Stub) -> None:
    stub.say(200, TAKEN)
    await client.info()
    await client.info()
    first, second = keys(stub)
    assert len(first) == 32 and first != second


async def test_a_broken_connection_is_followed_by_one_more_post_with_the_same_key(
    client: Client, stub: Stub
) -> None:
    stub.drop()
    stub.say(200, KNOWS)
    stub.say(200, TAKEN)
    assert (await client.info())["jobid"] == JOB
    first, second = keys(stub)
    assert first == second
    assert [one["path"] for one in stub.requests] == [
        "/v2/jobs/info",
        "/openapi.json",
        "/v2/jobs/info",
    ]


async def test_a_file_is_sent_again_whole(client: Client, stub: Stub, tmp_path: Path) -> None:
    picture = tmp_path / "fox.png"
    picture.write_bytes(b"picture")
    stub.drop()
    stub.say(200, KNOWS)
    stub.say(200, TAKEN)
    await client.describe(picture)
    first, _, second = stub.requests
    assert first["form"] == second["form"] == {"describeFile": ("fox.png", b"picture")}


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_an_answer_of_a_proxy_is_none(client: Client, stub: Stub, status: int) -> None:
    stub.say(status)
    stub.say(200, KNOWS)
    stub.say(200, TAKEN)
    assert (await client.info())["jobid"] == JOB
    assert len(set(keys(stub))) == 1


async def test_a_refusal_of_the_service_is_an_answer(client: Client, stub: Stub) -> None:
    stub.say(503, {"error": "The service is stopping", "code": 503})
    with pytest.raises(Unavailable):
        await client.info()
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    "described", [document(), {}, [], {"paths": {}}, {"paths": {"/v2/jobs/info": {"post": {}}}}]
)
async def test_a_service_that_does_not_know_keys_is_not_asked_twice(
    client: Client, stub: Stub, described: object
) -> None:
    stub.drop()
    stub.say(200, described)
    with pytest.raises(Unanswered, match="the job may have been accepted") as caught:
        await client.info()
    assert caught.value.details == UNKNOWN
    assert len(keys(stub)) == 1


async def test_a_service_that_is_gone_is_not_asked_twice(client: Client, stub: Stub) -> None:
    stub.drop()
    with pytest.raises(Unanswered, match="the job may have been accepted"):
        await client.info()
    assert len(keys(stub)) == 1


async def test_an_answer_that_is_lost_twice_is_unknown(client: Client, stub: Stub) -> None:
    stub.drop()
    stub.say(200, KNOWS)
    stub.drop()
    with pytest.raises(Unanswered, match="the job may have been accepted"):
        await client.info()
    assert len(keys(stub)) == 2


async def test_a_time_out_is_not_followed_by_another_post(stub: Stub) -> None:
    import asyncio

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with Client(url, TOKEN, timeout_s=0.05) as client:
        with pytest.raises(Unanswered, match="in time; the job may have been accepted"):
            await client.info()
    await gone.wait()
    server.close()
    await server.wait_closed()


async def test_a_post_that_did_not_leave_makes_no_job() -> None:
    async with Client("http://127.0.0.1:9", TOKEN) as client:
        with pytest.raises(Unreachable) as caught:
            await client.info()
    assert not isinstance(caught.value, Unanswered)


def in_progress(stub: Stub) -> None:
    stub.say(409, {"error": "wait", "code": 409}, {"Retry-After": "2"})


async def test_the_second_post_waits_for_the_first(stub: Stub) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    stub.drop()
    stub.say(200, KNOWS)
    in_progress(stub)
    in_progress(stub)
    stub.say(200, TAKEN)
    async with Client(stub.url, TOKEN, sleep=sleep, timeout_s=5) as client:
        assert (await client.info())["jobid"] == JOB
    assert slept == [2, 2]
    assert len(set(keys(stub))) == 1


async def test_the_second_post_waits_no_longer_than_for_an_answer(stub: Stub) -> None:
    async def sleep(seconds: float) -> None:
        pass

    stub.drop()
    stub.say(200, KNOWS)
    in_progress(stub)
    async with Client(stub.url, TOKEN, sleep=sleep, timeout_s=5) as client:
        with pytest.raises(Unanswered, match="the job may have been accepted"):
            await client.info()
    assert len(keys(stub)) == 4


async def test_the_second_post_can_be_refused(client: Client, stub: Stub) -> None:
    stub.drop()
    stub.say(200, KNOWS)
    stub.say(429, {"error": "full", "code": 429})
    with pytest.raises(Busy):
        await client.info()
