from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.fakes import FakeClock, FakeIds
from tests.harness.due_store import DueStore, callback
from tests.integration.outbound.conftest import Serve, ServeRaw
from tests.limits import PATIENCE
from waystation.callbacks import Attempt, Callback
from waystation.engine.outbox.callbacks import Callbacks
from waystation.outbound.callbacks import CallbackSender
from waystation.outbound.connector import USER_AGENT

HEADERS = {"webhook-id": "callback-1"}


@pytest.fixture
def sender(session: aiohttp.ClientSession) -> CallbackSender:
    return CallbackSender(session, FakeClock(), timeout_s=5)


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.Event().wait()


async def test_the_body_is_posted_as_it_is_with_the_headers_of_the_attempt(
    sender: CallbackSender, serve: Serve
) -> None:
    seen: list[tuple[str, str, bytes, dict[str, str]]] = []

    async def note(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append((request.method, request.raw_path, await request.read(), headers))
        return web.Response(text="ok")

    one = callback(url=await serve(note) + "/hook?key=%2f")
    attempt = await sender.send(one, HEADERS)
    assert (attempt.status, attempt.reason, attempt.delivered) == (200, None, True)
    ((method, path, body, headers),) = seen
    assert (method, path, body) == ("POST", "/hook?key=%2f", one.body)
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "callback-1"
    assert headers["user-agent"] == USER_AGENT
    assert headers["content-length"] == str(len(one.body))


@pytest.mark.parametrize(
    ("status", "delivered"),
    [(200, True), (201, True), (204, True), (304, False), (400, False), (410, False), (503, False)],
)
async def test_any_2xx_is_success_and_nothing_else(
    sender: CallbackSender, serve: Serve, status: int, delivered: bool
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status)

    attempt = await sender.send(callback(url=await serve(answer)), HEADERS)
    assert (attempt.status, attempt.delivered) == (status, delivered)


async def redirected(
    sender: CallbackSender, serve: Serve, status: int, location: str | None, path: str = "/hook?k=1"
) -> Attempt:
    """Send to a receiver that answers with a redirect; `{here}` is its own address."""
    asked: list[str] = []
    here = ""

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        told = {} if location is None else {"Location": location.replace("{here}", here)}
        return web.Response(status=status, headers=told)

    here = (await serve(redirect)).removeprefix("http://")
    attempt = await sender.send(callback(url=f"http://{here}{path}"), HEADERS)
    assert asked == [path]
    return attempt


@pytest.mark.parametrize("status", [302, 303])
@pytest.mark.parametrize(
    "location",
    [
        "/elsewhere",
        "/hook?k=2",
        "https://elsewhere.example/hook?k=1",
        "/hook?k=1",
        None,
        "http://[",
    ],
)
async def test_a_receiver_that_redirects_after_it_ran_has_taken_it(
    sender: CallbackSender, serve: Serve, status: int, location: str | None
) -> None:
    """R41."""
    attempt = await redirected(sender, serve, status, location)
    assert (attempt.status, attempt.delivered) == (status, True)
    assert attempt.reason == "taken, not followed"


@pytest.mark.parametrize("status", [302, 303])
@pytest.mark.parametrize(
    ("location", "path", "shown"),
    [
        ("https://{here}/hook?k=1", "/hook?k=1", "https://127.0.0.1"),
        ("http://www.{here}/hook", "/hook", "http://www.127.0.0.1"),
        ("/hook/?k=1", "/hook?k=1", "/hook/"),
        ("/hook", "/hook/", "/hook"),
        ("https://www.{here}/hook/", "/hook", "https://www.127.0.0.1"),
    ],
)
async def test_a_redirect_to_the_same_place_is_a_failure_that_names_it(
    sender: CallbackSender, serve: Serve, status: int, location: str, path: str, shown: str
) -> None:
    attempt = await redirected(sender, serve, status, location, path)
    assert (attempt.status, attempt.delivered) == (status, False)
    assert attempt.reason is not None
    assert attempt.reason.startswith("a redirect; set replyUrl to ")
    assert shown in attempt.reason
    assert "k=1" not in attempt.reason


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_that_asks_to_post_again_is_a_failure_that_names_the_url(
    sender: CallbackSender, serve: Serve, status: int
) -> None:
    attempt = await redirected(sender, serve, status, "https://new.example/hook?key=secret")
    assert (attempt.status, attempt.delivered) == (status, False)
    assert attempt.reason == "a redirect; set replyUrl to https://new.example/hook"


@pytest.mark.parametrize("location", ["http://xn--/", "https://xn--0.example/", "http://h:99999/"])
async def test_a_redirect_after_it_ran_counts_wherever_it_leads(
    sender: CallbackSender, serve: Serve, location: str
) -> None:
    attempt = await redirected(sender, serve, 302, location)
    assert (attempt.status, attempt.delivered) == (302, True)


@pytest.mark.parametrize("location", [None, "http://[", "http://xn--/"])
async def test_a_redirect_to_nowhere_is_a_failure(
    sender: CallbackSender, serve: Serve, location: str | None
) -> None:
    attempt = await redirected(sender, serve, 301, location)
    assert (attempt.status, attempt.delivered) == (301, False)
    assert attempt.reason == "a redirect to no readable URL"


async def test_an_endless_answer_is_cut_off_and_counts(
    sender: CallbackSender, serve: Serve
) -> None:
    cut = asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(4096))
        finally:
            cut.set()

    assert (await sender.send(callback(url=await serve(pour)), HEADERS)).delivered
    await asyncio.wait_for(cut.wait(), 30)


@pytest.mark.parametrize(
    "rest", [b"Content-Length: 9\r\n\r\nab", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"]
)
async def test_an_answer_that_breaks_off_after_its_status_counts(
    sender: CallbackSender, serve_raw: ServeRaw, rest: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + rest)
        await writer.drain()

    assert (await sender.send(callback(url=await serve_raw(talk)), HEADERS)).status == 200


async def test_an_answer_whose_body_hangs_is_not_waited_for(
    sender: CallbackSender, serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.outbound.callbacks.ANSWER_WAIT_S", 0.05)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\n")
        await hang(reader, writer)

    assert (await sender.send(callback(url=await serve_raw(talk)), HEADERS)).status == 202


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"", "a broken connection"), (b"nonsense\r\n\r\n", "an answer that cannot be read")],
)
async def test_a_receiver_that_talks_nonsense_is_a_reason(
    sender: CallbackSender, serve_raw: ServeRaw, said: bytes, reason: str
) -> None:
    asked = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    attempt = await sender.send(callback(url=await serve_raw(talk)), HEADERS)
    assert (attempt.status, attempt.reason) == (None, reason)
    assert asked == 1


async def test_a_receiver_that_hangs_is_a_time_out(
    session: aiohttp.ClientSession, serve_raw: ServeRaw
) -> None:
    sender = CallbackSender(session, FakeClock(), timeout_s=0.05)
    attempt = await sender.send(callback(url=await serve_raw(hang)), HEADERS)
    assert (attempt.status, attempt.reason) == (None, "a time-out")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/", "no connection to the host"),
        ("http://169.254.169.254/", "no connection to the host"),
        ("http://127.1:9/", "a URL that cannot be read"),
        ("ftp://a.test/", "a URL that is neither http nor https"),
        ("nonsense", "a URL that is neither http nor https"),
    ],
)
async def test_the_guard_applies(
    strict_session: aiohttp.ClientSession, url: str, reason: str
) -> None:
    attempt = await CallbackSender(strict_session, FakeClock(), timeout_s=5).send(
        callback(url=url), HEADERS
    )
    assert (attempt.status, attempt.reason) == (None, reason)


async def test_no_url_is_logged(strict_session: aiohttp.ClientSession) -> None:
    with capture_logs() as logs:
        url = "http://user:pw@127.0.0.1:9/secret-path?token=abc"
        await CallbackSender(strict_session, FakeClock(), timeout_s=5).send(
            callback(url=url), HEADERS
        )
    assert logs
    for secret in ("pw", "secret-path", "abc"):
        assert secret not in repr(logs)


async def test_the_duration_is_told(session: aiohttp.ClientSession, serve: Serve) -> None:
    clock = FakeClock()

    async def slow(request: web.Request) -> web.Response:
        clock.advance(1.5)
        return web.Response()

    sender = CallbackSender(session, clock, timeout_s=5)
    attempt = await sender.send(callback(url=await serve(slow)), HEADERS)
    assert attempt.duration_s == pytest.approx(1.5)


async def as_it_is(callback: Callback) -> Callback:
    return callback


async def no_headers(callback: Callback) -> Mapping[str, str]:
    return {}


async def test_fifty_hung_receivers_delay_nobody_elses_first_attempt(
    session: aiohttp.ClientSession, serve: Serve, serve_raw: ServeRaw
) -> None:
    """R41, over sockets: each hung receiver has more due than it may take up at once.

    Nothing moves the clock: another's attempt can wait neither for a round nor for a time-out.
    """
    arrived = asyncio.Event()

    async def note(request: web.Request) -> web.Response:
        arrived.set()
        return web.Response()

    store, number = DueStore(), 0
    for _ in range(50):
        url = await serve_raw(hang)
        for _ in range(6):
            number += 1
            store.add(callback(number, url))
    clock = FakeClock()
    sender = CallbackSender(session, clock, timeout_s=300)
    callbacks = Callbacks(
        store.port,
        sender,
        clock,
        FakeIds(),
        as_it_is,
        no_headers,
        mail_owed=lambda: None,
        patience=PATIENCE,
        send_timeout_s=300,
        drain_s=5,
    )
    running = asyncio.ensure_future(callbacks.loop.run())
    await store.until(lambda: sum(store.claims) == 300)
    store.add(callback(999, await serve(note)))
    callbacks.loop.nudge()
    await asyncio.wait_for(arrived.wait(), 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60.0),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0.0),
        ("9" * 40, 999_999_999.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
async def test_the_wait_that_a_receiver_asks_for_is_told(
    sender: CallbackSender, serve: Serve, header: str | None, seconds: float | None
) -> None:
    async def busy(request: web.Request) -> web.Response:
        told = {} if header is None else {"Retry-After": header}
        return web.Response(status=503, headers={"Date": "Fri, 02 Jan 2026 03:04:05 GMT", **told})

    attempt = await sender.send(callback(url=await serve(busy)), HEADERS)
    assert (attempt.status, attempt.retry_after_s) == (503, seconds)


@pytest.mark.parametrize(
    ("date", "until"),
    [
        ("Fri, 02 Jan 2026 04:04:05 GMT", "Fri, 02 Jan 2026 04:05:05 GMT"),
        ("Fri, 02 Jan 2026 02:04:05 GMT", "Fri, 02 Jan 2026 02:05:05 GMT"),
        ("yesterday", "Fri, 02 Jan 2026 03:05:05 GMT"),
    ],
    ids=["an hour ahead", "an hour behind", "a date that cannot be read"],
)
async def test_a_receivers_date_is_read_by_its_own_clock(
    sender: CallbackSender, serve: Serve, date: str, until: str
) -> None:
    """C, R28: else a clock that is an hour off delays the next attempt by an hour."""

    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Date": date, "Retry-After": until})

    attempt = await sender.send(callback(url=await serve(busy)), HEADERS)
    assert attempt.retry_after_s == 60.0
