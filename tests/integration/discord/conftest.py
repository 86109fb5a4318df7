"""A Discord of a few lines on loopback: scripted answers, and gateway sockets held by the test."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
import pytest
import stamina
from aiohttp import web
from backports import zstd

from tests.fakes import FakeClock, FakeIds
from tests.limits import BREAKER
from waystation.discord.site import Site

PATIENCE_S = 5


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Reply:
    """One scripted answer. `status` 0 cuts the connection instead; `hold` waits for that event."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None


class Talk:
    """One gateway socket, seen from Discord's side."""

    def __init__(self, socket: web.WebSocketResponse, query: Mapping[str, str]) -> None:
        self.socket = socket
        self.query = query
        self.ended = asyncio.Event()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._zlib = zlib.compressobj()
        self._zstd = zstd.ZstdCompressor()

    async def send(
        self, op: int, d: object = None, s: int | None = None, t: str | None = None
    ) -> None:
        """Send a frame, compressed as the URL asked."""
        data = msgspec.json.encode({"op": op, "d": d, "s": s, "t": t})
        match self.query.get("compress"):
            case "zstd-stream":
                packed = self._zstd.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)
                await self.socket.send_bytes(packed)
            case "zlib-stream":
                packed = self._zlib.compress(data) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(packed)
            case _:
                await self.socket.send_str(data.decode())

    async def hello(self, interval_ms: int = 40_000) -> dict[str, Any]:
        """Greet and return what the client answers."""
        await self.send(10, {"heartbeat_interval": interval_ms})
        return await self.said()

    async def ready(self, resume_url: str, **more: object) -> None:
        """Greet, take the IDENTIFY and answer READY as number 1."""
        assert (await self.hello())["op"] == 2
        user = {"id": "1111", "username": "tester"}
        payload = {"session_id": "s-1", "user": user, "resume_gateway_url": resume_url}
        await self.send(0, payload | more, 1, "READY")

    async def said(self) -> dict[str, Any]:
        """Return the client's next frame."""
        return await asyncio.wait_for(self._said.get(), PATIENCE_S)

    async def drop(self) -> None:
        """Cut the connection without a close frame."""
        transport = self.socket._req.transport if self.socket._req else None
        assert transport is not None
        transport.abort()
        await asyncio.wait_for(self.ended.wait(), PATIENCE_S)

    async def listen(self) -> None:
        """Take frames until the client is gone."""
        async for received in self.socket:
            self._said.put_nowait(msgspec.json.decode(received.data))
        self.ended.set()


class StandIn:
    """The server: `replies` by "METHOD /path below the version", the last one again and again."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply]] = {}
        self.seen: list[Seen] = []
        self.talks: asyncio.Queue[Talk] = asyncio.Queue()
        self.refuse_upgrades: list[int] = []
        self.url = ""

    @property
    def gateway(self) -> str:
        return self.url.replace("http", "ws") + "/gateway-socket"

    def on(self, route: str, *replies: Reply) -> None:
        """Script a route."""
        self.replies[route] = list(replies)

    def asked(self, route: str) -> list[Seen]:
        """Return the requests of a route."""
        return [one for one in self.seen if f"{one.method} {one.path}" == route]

    async def talk(self) -> Talk:
        """Wait for the next gateway socket."""
        return await asyncio.wait_for(self.talks.get(), PATIENCE_S)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v9")
        seen = Seen(request.method, path, request.query, request.headers, await request.read())
        self.seen.append(seen)
        script = self.replies.get(f"{seen.method} {seen.path}", [Reply(404, {"code": 0})])
        reply = script.pop(0) if len(script) > 1 else script[0]
        if reply.hold is not None:
            await asyncio.wait_for(reply.hold.wait(), PATIENCE_S)
        if reply.status == 0:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        body = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
        return web.Response(status=reply.status, body=body, headers=reply.headers)

    async def upgrade(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_upgrades:
            return web.Response(status=self.refuse_upgrades.pop(0))
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        talk = Talk(socket, request.query)
        self.talks.put_nowait(talk)
        await talk.listen()
        return socket


@pytest.fixture(autouse=True)
def impatient_retries() -> Iterator[None]:
    """Retry as often as always, without the pauses."""
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


@pytest.fixture
async def discord() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_get("/gateway-socket", stand_in.upgrade)
    app.router.add_route("*", "/{tail:.*}", stand_in.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    stand_in.url = f"http://127.0.0.1:{port}"
    stand_in.on("GET /gateway", Reply(body={"url": stand_in.gateway}))
    yield stand_in
    await runner.cleanup()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def site(discord: StandIn, http: aiohttp.ClientSession, clock: FakeClock) -> Site:
    return Site(discord.url, http, clock, FakeIds(0.5), BREAKER, application_id="900")
