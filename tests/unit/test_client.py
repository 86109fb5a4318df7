"""The Python client, against a small server that answers as told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from waystation.client import Client, SyncClient
from waystation.errors import (
    Busy,
    Conflict,
    Halted,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    RemoteProtocolError,
    SubscriptionExpired,
    TooLarge,
    TransportError,
    Unauthorized,
    Unavailable,
    Unreachable,
    WaystationError,
)

TOKEN = "user:1-secret"
JOB = "job:20260101000000000-user:1-channel:2-bot:midjourney"


class Stub:
    """Answers each request with the next of `answers` (the last one again and again)."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], web.Response]] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""

    def say(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        if body is None:
            self.answers.append(lambda: web.Response(status=status, headers=headers))
        else:
            self.answers.append(lambda: web.json_response(body, status=status, headers=headers))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        seen: dict[str, Any] = {
            "method": request.method,
            "path": request.raw_path,
            "jobid": request.query.get("jobid"),
            "authorization": request.headers.get("Authorization"),
        }
        if request.content_type == "multipart/form-data":
            form = await request.post()
            seen["form"] = {
                name: (part.filename, part.file.read()) if isinstance(part, web.FileField) else part
                for name, part in form.items()
            }
        elif request.can_read_body:
            seen["json"] = await request.json()
        self.requests.append(seen)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer()


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    found = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def pauses() -> list[float]:
    return []


@pytest.fixture
async def client(stub: Stub, pauses: list[float]) -> AsyncIterator[Client]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with Client(stub.url, TOKEN, sleep=sleep) as made:
        yield made


async def test_every_request_carries_the_token(client: Client, stub: Stub) -> None:
    stub.say(200, [])
    assert await client.jobs() == []
    assert stub.requests[0]["authorization"] == f"Bearer {TOKEN}"
    assert (stub.requests[0]["method"], stub.requests[0]["path"]) == ("GET", "/v2/jobs")


async def test_the_address_may_end_with_v2_as_clients_of_the_api_write_it(stub: Stub) -> None:
    stub.say(200, [])
    async with Client(f"{stub.url}/v2/", TOKEN) as client:
        await client.jobs()
    assert stub.requests[0]["path"] == "/v2/jobs"


async def test_info_sends_only_what_is_given(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "completed", "code": 200})
    job = await client.info(channel="2")
    assert job["status"] == "completed"
    assert stub.requests[0]["path"] == "/v2/jobs/info"
    assert stub.requests[0]["json"] == {"channel": "2"}


async def test_describe_of_a_url_is_json_in_the_words_of_v2(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.describe(
        "https://example.org/a.png", max_jobs=2, reply_url="https://example.org/", reply_ref="r"
    )
    assert stub.requests[0]["json"] == {
        "describeUrl": "https://example.org/a.png",
        "maxJobs": 2,
        "replyUrl": "https://example.org/",
        "replyRef": "r",
    }


async def test_describe_of_a_path_sends_the_file_itself(
    client: Client, stub: Stub, tmp_path: Path
) -> None:
    picture = tmp_path / "fox.png"
    picture.write_bytes(b"\x89PNG")
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.describe(picture, channel="2", max_jobs=3)
    assert stub.requests[0]["form"] == {
        "channel": "2",
        "maxJobs": "3",
        "describeFile": ("fox.png", b"\x89PNG"),
    }


async def test_a_file_that_is_not_there_is_told_before_anything_is_sent(
    client: Client, stub: Stub, tmp_path: Path
) -> None:
    with pytest.raises(PreconditionFailed, match="cannot be read"):
        await client.describe(tmp_path / "absent.png")
    assert stub.requests == []


async def test_bytes_can_be_sent_as_a_file(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.submit("describe", files={"describeFile": b"GIF89a"})
    assert stub.requests[0]["form"] == {"describeFile": ("describeFile", b"GIF89a")}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"error": "Invalid link", "jobid": JOB, "status": "moderated", "code": 422}),
        (504, {"error": "Job queued", "jobid": JOB, "status": "failed", "code": 504}),
        (502, {"error": "no answer", "jobid": JOB, "status": "failed", "code": 502}),
        (596, {"error": "Pending mod message", "jobid": JOB, "status": "failed", "code": 596}),
        (400, {"error": "Invalid parameter", "jobid": JOB, "status": "failed", "code": 400}),
    ],
)
async def test_an_answer_that_names_a_job_is_a_job(
    client: Client, stub: Stub, status: int, body: dict[str, object]
) -> None:
    stub.say(status, body)
    assert await client.info() == body


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequest),
        (401, Unauthorized),
        (402, SubscriptionExpired),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (412, PreconditionFailed),
        (413, TooLarge),
        (429, Busy),
        (502, TransportError),
        (503, Unavailable),
        (596, Halted),
        (500, WaystationError),
        (418, WaystationError),
    ],
)
async def test_every_refusal_has_its_class(
    client: Client, stub: Stub, status: int, kind: type[WaystationError]
) -> None:
    stub.say(status, {"error": "so it is", "errorDetails": "because", "code": status})
    with pytest.raises(kind) as caught:
        await client.info()
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.details) == ("so it is", "because")


async def test_busy_names_the_running_jobs_and_the_wait(client: Client, stub: Stub) -> None:
    stub.say(429, {"error": "full", "executingJobs": [JOB], "code": 429}, {"Retry-After": "7"})
    with pytest.raises(Busy) as caught:
        await client.info()
    assert caught.value.executing_jobs == (JOB,)
    assert caught.value.retry_after_s == 7


async def test_a_rate_limit_of_discord_names_no_jobs(client: Client, stub: Stub) -> None:
    stub.say(429, {"error": "Discord /interactions failed with HTTP status 429", "code": 429})
    with pytest.raises(Busy) as caught:
        await client.info()
    assert caught.value.executing_jobs is None
    assert caught.value.retry_after_s == 10


async def test_something_else_on_that_port_is_recognised(client: Client, stub: Stub) -> None:
    stub.answers.append(lambda: web.Response(text="<html>hello</html>", content_type="text/html"))
    with pytest.raises(RemoteProtocolError) as caught:
        await client.jobs()
    assert caught.value.details == "HTTP status 200, text/html"


async def test_a_refusal_without_words_names_its_status(client: Client, stub: Stub) -> None:
    stub.say(400, [])
    with pytest.raises(InvalidRequest, match="HTTP status 400"):
        await client.jobs()


async def test_redirects_are_not_followed_with_the_token(client: Client, stub: Stub) -> None:
    stub.say(302, {"error": "elsewhere"}, {"Location": "/other"})
    with pytest.raises(WaystationError, match="elsewhere"):
        await client.jobs()
    assert len(stub.requests) == 1


async def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with Client(f"http://127.0.0.1:{unused.getsockname()[1]}", TOKEN) as client:
            with pytest.raises(Unreachable, match="cannot be reached"):
                await client.jobs()


async def test_an_address_that_is_none_is_unreachable() -> None:
    async with Client("not a url", TOKEN) as client:
        with pytest.raises(Unreachable):
            await client.jobs()


async def test_a_server_that_stays_silent_is_unreachable() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Client(f"http://127.0.0.1:{port}", TOKEN, timeout_s=0.05) as client:
        with pytest.raises(Unreachable, match="in time"):
            await client.jobs()
    await gone.wait()
    server.close()
    await server.wait_closed()


async def test_wait_returns_the_final_job_and_shows_each_change_once(
    client: Client, stub: Stub, pauses: list[float]
) -> None:
    for status in ("created", "started", "started", "progress", "completed"):
        stub.say(200, {"jobid": JOB, "status": status})
    seen: list[str] = []
    job = await client.wait(JOB, on_progress=lambda job: seen.append(job["status"]))
    assert job["status"] == "completed"
    assert seen == ["created", "started", "progress", "completed"]
    assert {request["jobid"] for request in stub.requests} == {JOB}
    assert pauses == sorted(pauses) and len(pauses) == 4


async def test_wait_asks_less_and_less_often_up_to_a_limit(
    client: Client, stub: Stub, pauses: list[float]
) -> None:
    for _ in range(30):
        stub.say(200, {"jobid": JOB, "status": "progress"})
    stub.say(200, {"jobid": JOB, "status": "failed"})
    await client.wait(JOB)
    assert pauses[0] == 0.25
    assert max(pauses) == pauses[-1] == 5.0


async def test_wait_survives_a_restart_of_the_service(client: Client, stub: Stub) -> None:
    for _ in range(9):
        stub.say(503, {"error": "stopping", "code": 503})
    stub.say(200, {"jobid": JOB, "status": "completed"})
    assert (await client.wait(JOB))["status"] == "completed"


async def test_wait_gives_up_on_a_service_that_stays_away(client: Client, stub: Stub) -> None:
    stub.say(503, {"error": "stopping", "code": 503})
    with pytest.raises(Unavailable, match="stopping"):
        await client.wait(JOB)
    assert len(stub.requests) == 10


async def test_wait_does_not_wait_for_a_job_that_is_not_there(client: Client, stub: Stub) -> None:
    stub.say(404, {"error": f"Unable to locate job {JOB}", "code": 404})
    with pytest.raises(NotFound):
        await client.wait(JOB)
    assert len(stub.requests) == 1


async def test_wait_ends_at_its_time_limit_while_the_job_goes_on(stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "progress"})
    async with Client(stub.url, TOKEN) as client:
        with pytest.raises(Unavailable, match="is not final after"):
            await client.wait(JOB, timeout_s=0.05)


async def test_cancel_is_a_get_of_v2(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "cancelled", "code": 200})
    assert (await client.cancel(JOB))["status"] == "cancelled"
    assert stub.requests[0]["method"] == "GET"
    assert stub.requests[0]["path"].startswith("/v2/jobs/cancel/?jobid=")
    assert stub.requests[0]["jobid"] == JOB


async def test_the_callers_own_record_is_read_and_changed(client: Client, stub: Stub) -> None:
    stub.say(200, {"id": 1, "email": "a@example.org"})
    stub.say(204)
    assert (await client.account())["id"] == 1
    await client.update_account(reply_url="https://example.org/")
    assert stub.requests[1]["json"] == {"replyUrl": "https://example.org/"}


async def test_discord_accounts_are_managed_by_channel(client: Client, stub: Stub) -> None:
    account = {"channel": "2", "discord": "ABC…secured…xyz", "maxJobs": 3}
    stub.say(201, account)
    stub.say(200, {"2": account})
    stub.say(200, account)
    stub.say(204)
    assert await client.add_discord_account("token", max_jobs=3) == account
    assert await client.discord_accounts() == {"2": account}
    assert await client.discord_account("2") == account
    await client.put_discord_account("2", server="9", discord="token", max_jobs=3)
    await client.reset_discord_account("2")
    await client.remove_discord_account("2")
    assert [(seen["method"], seen["path"]) for seen in stub.requests] == [
        ("POST", "/v2/account/midjourney"),
        ("GET", "/v2/account/midjourney"),
        ("GET", "/v2/account/midjourney/2"),
        ("POST", "/v2/account/midjourney/2"),
        ("POST", "/v2/account/midjourney/2/reset"),
        ("DELETE", "/v2/account/midjourney/2"),
    ]
    assert stub.requests[0]["json"] == {"discord": "token", "maxJobs": 3}


async def test_no_configuration_is_an_empty_answer(client: Client, stub: Stub) -> None:
    stub.say(404, {"error": "Configuration not found", "code": 404})
    assert await client.discord_accounts() == {}


async def test_a_channel_cannot_leave_its_path(client: Client, stub: Stub) -> None:
    stub.say(204)
    await client.remove_discord_account("2/../../jobs?x")
    assert stub.requests[0]["path"] == "/v2/account/midjourney/2%2F..%2F..%2Fjobs%3Fx"


async def test_the_blocking_client_does_the_same(stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    stub.say(200, {"jobid": JOB, "status": "completed"})

    def use() -> tuple[str, str]:
        with SyncClient(stub.url, TOKEN) as client:
            job = client.describe("https://example.org/a.png")
            return job["status"], client.wait(job["jobid"])["status"]

    assert await asyncio.to_thread(use) == ("started", "completed")


def test_the_blocking_client_has_every_call_of_the_other() -> None:
    def calls(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert calls(SyncClient) == calls(Client)
