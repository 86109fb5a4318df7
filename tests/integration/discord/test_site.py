"""Where tokens and pictures may go, and how we present ourselves."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.fakes import FakeClock, FakeIds
from tests.limits import BREAKER
from waystation.discord.site import Site, discord_session


def site_at(base_url: str, http: aiohttp.ClientSession, contact: str = "") -> Site:
    return Site(
        base_url, http, FakeClock(), FakeIds(), BREAKER, ("uploads.example",), contact=contact
    )


def test_the_user_agent_is_waystation_and_names_a_contact_when_there_is_one(
    http: aiohttp.ClientSession,
) -> None:
    plain = site_at("http://127.0.0.1:1", http).user_agent
    assert plain.startswith("Waystation/") and "Mozilla" not in plain
    told = site_at("http://127.0.0.1:1", http, contact="https://operator.example")
    assert told.user_agent == f"{plain} (+https://operator.example)"
    assert told.properties.browser == told.properties.device == "Waystation"


def test_rest_urls_hang_below_the_base_url(http: aiohttp.ClientSession) -> None:
    site = site_at("http://127.0.0.1:1/proxy/", http)
    assert str(site.api("/users/@me")) == "http://127.0.0.1:1/proxy/api/v9/users/@me"


@pytest.mark.parametrize(
    ("base_url", "gateway", "allowed"),
    [
        ("http://127.0.0.1:1", "ws://127.0.0.1:1", True),
        ("http://127.0.0.1:1", "wss://gateway.example", True),
        ("https://discord.example", "wss://gateway.example", True),
        ("https://discord.example", "ws://gateway.example", False),
        ("https://discord.example", "http://gateway.example", False),
    ],
)
def test_an_encrypted_base_url_never_leads_to_an_open_gateway(
    base_url: str, gateway: str, allowed: bool, http: aiohttp.ClientSession
) -> None:
    assert site_at(base_url, http).may_connect(URL(gateway)) is allowed


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("https://discord.example/put?sig=1", True),
        ("https://discord.example:444/put", False),
        ("http://discord.example/put", False),
        ("https://uploads.example/put", True),
        ("https://a.uploads.example/put", True),
        ("http://uploads.example/put", False),
        ("https://evil-uploads.example/put", False),
        ("https://uploads.example.evil/put", False),
        ("file:///etc/passwd", False),
        ("/put", False),
        ("", False),
    ],
)
def test_pictures_go_to_our_origin_and_discords_hosts_only(
    target: str, allowed: bool, http: aiohttp.ClientSession
) -> None:
    assert site_at("https://discord.example", http).may_upload(URL(target)) is allowed


async def test_a_session_for_discord_follows_no_redirect_of_a_handshake() -> None:
    reached: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, discord_session() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.ws_connect(server.make_url("/gateway"))
    assert reached == ["/gateway"]
