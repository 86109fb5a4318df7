"""A whole installation on loopback: the simulator, the service, a receiver of callbacks, mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller  # noqa: F401 - imported for its version check

from tests.pictures import proof
from waystation.app import open_state, run
from waystation.clock import SystemClock, SystemIds
from waystation.settings import Settings, load
from waystation.simulator.server import Simulator

WAIT_S = 20.0
"""Far longer than anything takes; a wait that reaches it has failed."""


@dataclass
class Person:
    """A user of the installation with an API token, and an HTTP client that uses it."""

    user_id: int
    token: str
    url: str
    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, body: object = None, **extra: Any
    ) -> tuple[int, Any, Any]:
        """Return status, decoded body (None when empty) and headers."""
        headers = {"Authorization": f"Bearer {self.token}", **extra.pop("headers", {})}
        if body is not None:
            extra["json"] = body
        async with self.http.request(method, self.url + path, headers=headers, **extra) as answer:
            text = await answer.text()
            decoded = await answer.json() if text else None
            return answer.status, decoded, answer.headers

    async def job(self, jobid: str) -> dict[str, Any]:
        status, body, _ = await self.call("GET", f"/v2/jobs/?jobid={jobid}")
        assert status == 200, body
        return body

    async def final(self, jobid: str) -> dict[str, Any]:
        """Poll until the job is final."""
        async with asyncio.timeout(WAIT_S):
            while True:
                job = await self.job(jobid)
                if job["status"] in ("completed", "failed", "moderated", "cancelled"):
                    return job
                await asyncio.sleep(0.02)


@dataclass
class Outside:
    """The caller's own server: pictures to fetch and a place for callbacks."""

    url: str
    pictures: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    callbacks: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Callable[[], int] = lambda: 200

    def picture(self, name: str, data: bytes, content_type: str = "image/png") -> str:
        self.pictures[name] = (200, content_type, data)
        return f"{self.url}/pictures/{name}"

    async def callback(self, count: int = 1) -> Any:
        """Wait for the n-th callback and return its body."""
        async with asyncio.timeout(WAIT_S):
            while len(self.callbacks) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.callbacks[count - 1][1]


@contextlib.asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    app = web.Application()
    runner = web.AppRunner(app)
    place = Outside("")

    async def show(request: web.Request) -> web.Response:
        status, content_type, data = place.pictures[request.match_info["name"]]
        return web.Response(status=status, content_type=content_type, body=data)

    async def take(request: web.Request) -> web.Response:
        place.callbacks.append((dict(request.headers), await request.json()))
        place.arrived.set()
        return web.Response(status=place.answer())

    app.router.add_get("/pictures/{name}", show)
    app.router.add_post("/callback", take)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    place.url = f"http://{host}:{port}"
    try:
        yield place
    finally:
        await runner.cleanup()


class Installation:
    """Simulator, service and caller's server, started and stopped at will."""

    def __init__(self, sim: Simulator, place: Outside, settings: Settings) -> None:
        self.sim = sim
        self.outside = place
        self.settings = settings
        self.url = ""
        self.http = aiohttp.ClientSession()
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._stop = asyncio.Event()
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(run(self.settings, self._stop, ready=ready.set_result))
        await asyncio.wait({self._running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            await self._running
        self.url = ready.result()

    async def stop(self) -> None:
        if self._running is not None:
            self._stop.set()
            await self._running
            self._running = None

    async def close(self) -> None:
        await self.stop()
        await self.http.close()

    async def person(self, email: str = "ada@example.org") -> Person:
        """Add a user as `waystation users add` does, beside the running service."""
        async with open_state(self.settings) as state:
            secret = SystemIds().token(32)
            user = await state.store.add_user(
                email, state.vault.hash_token(secret), SystemClock().now()
            )
        return Person(user.user_id, f"user:{user.user_id}-{secret}", self.url, self.http)

    async def equip(self, person: Person, count: int = 1, **extra: Any) -> list[str]:
        """Set up simulated accounts for a person and return their channels."""
        channels = []
        for account in self.sim.accounts[:count]:
            body = {
                "discord": account.token,
                "server": account.guild_id,
                "channel": account.channel_id,
                "maxJobs": 3,
                **extra,
            }
            path = f"/v2/account/midjourney/{account.channel_id}"
            status, answer, _ = await person.call("POST", path, body)
            assert status == 204, answer
            channels.append(account.channel_id)
        return channels

    def photo(self, name: str = "tall.png") -> str:
        """Return the URL of a picture on the caller's server."""
        picture = proof(name)
        return self.outside.picture(picture.filename, picture.build(), picture.content_type)


Install = Callable[..., contextlib.AbstractAsyncContextManager[Installation]]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Return what starts an installation: `async with install(accounts=2, first_answer_s=1)`."""

    @contextlib.asynccontextmanager
    async def make(
        *, accounts: int = 1, speed: float = 200.0, seed: int = 1, **values: Any
    ) -> AsyncIterator[Installation]:
        sim = Simulator(accounts=accounts, seed=seed, speed=speed)
        await sim.start()
        async with outside() as place:
            flags = {
                "data_dir": str(tmp_path / "data"),
                "port": 0,
                "discord_url": sim.url,
                "allow_networks": ["127.0.0.0/8"],
                "pacing_s": 0.0,
                **values,
            }
            settings = load(flags=flags, environ={})
            installation = Installation(sim, place, settings)
            try:
                await installation.start()
                yield installation
            finally:
                await installation.close()
                await sim.stop()

    return make
