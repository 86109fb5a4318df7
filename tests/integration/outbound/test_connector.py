from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from tests.integration.outbound.conftest import LOOPBACK, Serve
from waystation.engine.outbox.callbacks import IN_FLIGHT
from waystation.outbound import connector
from waystation.outbound.connector import (
    MAX_LOOKUPS,
    USER_AGENT,
    BlockedAddress,
    GuardedResponse,
    TooManyLookups,
    guarded_session,
    reason_of,
    system_lookup,
)
from waystation.settings import Settings

DUAL = (*LOOPBACK, ip_network("::1/128"))


class Names:
    """Answers lookups from a list, one answer after the other, and counts them."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"X-Agent": request.headers["User-Agent"]})


async def forbidden(request: web.Request) -> web.Response:
    raise AssertionError("a connection was made")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost", "127.1"],
)
async def test_loopback_is_out_of_reach_in_every_spelling(
    strict_session: aiohttp.ClientSession, serve: Serve, host: str
) -> None:
    port = URL(await serve(forbidden)).port
    with pytest.raises(aiohttp.ClientError):
        await strict_session.get(f"http://{host}:{port}/")


@pytest.mark.parametrize("host", ["0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001"])
async def test_old_number_forms_of_loopback_are_out_of_reach(
    strict_session: aiohttp.ClientSession, serve: Serve, host: str
) -> None:
    port = URL(await serve(forbidden)).port
    with pytest.raises(aiohttp.ClientError):
        await strict_session.get(f"http://{host}:{port}/")


async def test_a_literal_address_is_checked_though_no_resolver_is_asked(serve: Serve) -> None:
    url = await serve(forbidden)
    names = Names()
    async with guarded_session(lookup=names) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught, capture_logs() as logs:
            await session.get(url)
    assert isinstance(caught.value.os_error, BlockedAddress)
    assert names.asked == []
    assert logs[0]["event"] == "outbound.blocked"


async def test_an_exception_lets_a_literal_address_through(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    async with session.get(await serve(hello)) as response:
        assert await response.text() == "hello"
        assert response.headers["X-Agent"] == USER_AGENT


async def test_a_name_that_changes_its_address_is_resolved_once_per_connection(
    serve: Serve,
) -> None:
    """R42."""
    port = URL(await serve(hello)).port
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    async with guarded_session(LOOPBACK, names) as session:
        async with session.get(f"http://rebind.test:{port}/") as response:
            assert isinstance(response, GuardedResponse)
            assert response.peer == ip_address("127.0.0.1")
        assert names.asked == ["rebind.test"]
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await session.get(f"http://rebind.test:{port}/")


async def test_of_a_names_addresses_only_the_allowed_ones_are_tried(serve: Serve) -> None:
    port = URL(await serve(hello)).port
    names = Names(["10.0.0.1", "::1", "169.254.169.254", "127.0.0.1"])
    async with (
        guarded_session(LOOPBACK, names) as session,
        session.get(f"http://mixed.test:{port}/") as response,
    ):
        assert isinstance(response, GuardedResponse)
        assert response.peer == ip_address("127.0.0.1")


async def test_a_second_address_is_tried_when_the_first_refuses(serve: Serve) -> None:
    port = URL(await serve(hello)).port
    names = Names(["::1", "127.0.0.1"])
    async with (
        guarded_session(DUAL, names) as session,
        session.get(f"http://both.test:{port}/") as response,
    ):
        assert response.status == 200


async def test_a_name_with_blocked_addresses_only_is_not_connected_to(serve: Serve) -> None:
    port = URL(await serve(forbidden)).port
    async with guarded_session(lookup=Names(["127.0.0.1"])) as session:
        with pytest.raises(aiohttp.ClientConnectorDNSError) as caught, capture_logs() as logs:
            await session.get(f"http://inside.test:{port}/")
    assert reason_of(caught.value) == "no connection to the host"
    assert logs == [
        {
            "event": "outbound.blocked",
            "log_level": "warning",
            "host": "inside.test",
            "port": port,
            "addresses": 1,
            "allow_with": "WAYSTATION_ALLOW_NETWORKS",
        }
    ]


async def test_proxy_settings_of_the_environment_are_ignored(
    session: aiohttp.ClientSession, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", await serve(forbidden))
    async with session.get(await serve(hello)) as response:
        assert await response.text() == "hello"


async def test_connections_are_not_kept_and_cookies_forgotten(serve: Serve) -> None:
    seen: list[tuple[object, str | None]] = []

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        peer = request.transport.get_extra_info("peername")
        seen.append((peer, request.headers.get("Cookie")))
        return web.Response(headers={"Set-Cookie": "a=b"})

    url = await serve(note)
    async with guarded_session(LOOPBACK) as session:
        for _ in range(2):
            async with session.get(url):
                pass
    assert seen[0][0] != seen[1][0]
    assert [cookie for _, cookie in seen] == [None, None]


async def test_refused_blocked_and_unknown_hosts_read_the_same(
    session: aiohttp.ClientSession, strict_session: aiohttp.ClientSession
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    async def unknown(host: str) -> Sequence[str]:
        raise socket.gaierror("no such name")

    reasons = set()
    async with guarded_session(LOOPBACK, unknown) as nameless:
        for opened, url in (
            (session, f"http://127.0.0.1:{port}/"),
            (strict_session, f"http://127.0.0.1:{port}/"),
            (nameless, "http://nowhere.test/"),
        ):
            with pytest.raises(aiohttp.ClientError) as caught:
                await opened.get(url)
            reasons.add(reason_of(caught.value))
    assert reasons == {"no connection to the host"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "a time-out"),
        (aiohttp.ServerTimeoutError(), "a time-out"),
        (aiohttp.ServerDisconnectedError(), "a broken connection"),
        (aiohttp.ClientPayloadError(), "an answer that cannot be read"),
        (ConnectionResetError(), "a broken connection"),
        (BlockedAddress(), "no connection to the host"),
        (ssl.SSLError(), "a TLS error"),
        (aiohttp.InvalidURL("x"), "a URL that cannot be read"),
        (aiohttp.ClientError(), "an answer that cannot be read"),
        (ValueError(), "an answer that cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_error_has_words_for_strangers(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


async def test_a_tls_server_nobody_vouches_for_is_a_tls_error(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    plain = await serve(hello)
    with pytest.raises(aiohttp.ClientError) as caught:
        await session.get(plain.replace("http:", "https:"))
    assert reason_of(caught.value) == "a TLS error"


async def test_the_system_knows_localhost() -> None:
    assert "127.0.0.1" in await system_lookup("localhost")


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "a..b"])
async def test_a_name_that_cannot_exist_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError):
        await system_lookup(host)


async def test_a_hanging_lookup_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    release, real = threading.Event(), socket.getaddrinfo

    def slow(host: str, *rest: Any, **named: Any) -> object:
        if host == "slow.test":
            release.wait(10)
            raise socket.gaierror("gone")
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    hanging = [asyncio.ensure_future(system_lookup("slow.test")) for _ in range(100)]
    async with asyncio.timeout(30):
        assert await system_lookup("127.0.0.1") == ("127.0.0.1",)
    hanging.pop().cancel()
    release.set()
    failures = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(failure, OSError) for failure in failures)


async def test_lookups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_running_lookups", threading.Semaphore(0))
    with pytest.raises(TooManyLookups):
        await system_lookup("localhost")
    async with guarded_session(LOOPBACK) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get("http://localhost:1/")
    assert reason_of(caught.value) == "no free place to look up its name; try again later"


def test_each_callback_and_each_picture_that_can_be_under_way_finds_a_lookup() -> None:
    assert 2 * (IN_FLIGHT + Settings().fetches) <= MAX_LOOKUPS
