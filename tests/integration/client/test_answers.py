"""Answers of the service, as values and as errors."""

from __future__ import annotations

import pytest
from aiohttp import web

from tests.integration.client.conftest import JOB, TOKEN, Stub
from waystation.client import Client
from waystation.errors import (
    Busy,
    ButtonRepeated,
    Conflict,
    Halted,
    InvalidRequest,
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
        (403, Unauthorized),
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


async def test_a_repeated_button_names_the_earlier_job(client: Client, stub: Stub) -> None:
    stub.say(409, {"error": "already", "button": "U2", "jobid": JOB, "code": 409})
    with pytest.raises(ButtonRepeated, match="already") as caught:
        await client.button("job:1", "U2")
    assert (caught.value.button, caught.value.jobid) == ("U2", JOB)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("ask", "answers"),
    [
        ("info", ([], 5, "text", {}, {"jobid": 5})),
        ("jobs", ({}, None, [5], "text")),
        ("account", ([], 5)),
        ("discord_accounts", ([], {"2": 5}, {"2": {}}, {"2": {"channel": "2"}})),
    ],
)
async def test_an_answer_of_another_form_is_told_as_such(
    client: Client, stub: Stub, ask: str, answers: tuple[object, ...]
) -> None:
    for answer in answers:
        stub.answers = [lambda answer=answer: web.json_response(answer)]  # type: ignore[misc]
        with pytest.raises(RemoteProtocolError, match="does not answer like Waystation"):
            await getattr(client, ask)()


@pytest.mark.parametrize("text", [DEEP, "{", "\ufeff"])
async def test_an_answer_that_cannot_be_read_is_told_as_such(
    client: Client, stub: Stub, text: str
) -> None:
    stub.answers = [lambda: web.Response(text=text, content_type="application/json")]
    with pytest.raises(RemoteProtocolError, match="does not answer like Waystation"):
        await client.jobs()


@pytest.mark.parametrize("header", ["9" * 5_000, "²", "soon", "-1"])
async def test_an_odd_retry_after_is_ten_seconds(client: Client, stub: Stub, header: str) -> None:
    stub.say(429, {"error": "busy", "code": 429}, {"Retry-After": header})
    with pytest.raises(Busy) as caught:
        await client.jobs()
    assert caught.value.retry_after_s == 10


async def test_a_removal_can_be_forced(client: Client, stub: Stub) -> None:
    stub.say(204)
    await client.remove_discord_account("2")
    await client.remove_discord_account("2", force=True)
    assert [seen["path"].partition("?")[2] for seen in stub.requests] == ["", "force=true"]


async def test_an_https_url_of_a_plain_service_is_told_as_no_tls(stub: Stub) -> None:
    url = stub.url.replace("http://", "https://")
    async with Client(url, TOKEN) as client:
        with pytest.raises(Unreachable, match="no TLS connection could be made"):
            await client.info()
