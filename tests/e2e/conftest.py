"""A whole installation on loopback: the simulator, the service, a receiver of callbacks, mail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack, cast

import aiohttp
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from standardwebhooks import Webhook, WebhookVerificationError

from tests.e2e.databases import laid_out_on, open_records, placed
from tests.e2e.invariants import check_invariants, no_task_is_left
from tests.e2e.records import Records
from tests.pictures import proof
from waystation.app import open_state, run
from waystation.clock import SystemClock, SystemIds
from waystation.ports import UserChanges
from waystation.settings import Settings, load
from waystation.simulator.discord.world import Account
from waystation.simulator.payload import Payload
from waystation.simulator.server import Simulator
from waystation.vault import make_keys
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

WAIT_S = 20.0
"""Far longer than anything takes; a wait that reaches it has failed."""

LOOK_AGAIN_S = 0.02
"""Pause between two looks at a condition that nobody announces."""


@dataclass(frozen=True)
class Answered:
    """One answer of the service, as its caller saw it."""

    method: str
    path: str
    status: int
    body: Any
    raw: bytes


def of_v2(account: dict[str, Any]) -> dict[str, Any]:
    """Return an account without the additions that depend on the moment."""
    return {name: value for name, value in account.items() if name not in ("connection", "slots")}


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], within_s: float = WAIT_S
) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(within_s):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(LOOK_AGAIN_S)


@dataclass(eq=False)
class Person:
    """A user of the installation with an API token, and an HTTP client that uses it."""

    user_id: int
    token: str
    url: str
    http: aiohttp.ClientSession
    answers: list[Answered] = field(default_factory=list)
    """All answers of the installation, in order."""

    async def call(
        self, method: str, path: str, body: object = None, **extra: Any
    ) -> tuple[int, Any, Any]:
        """Return status, decoded body (None when empty) and headers."""
        headers = {"Authorization": f"Bearer {self.token}", **extra.pop("headers", {})}
        if body is not None:
            extra["json"] = body
        async with self.http.request(method, self.url + path, headers=headers, **extra) as answer:
            raw = await answer.read()
            is_json = raw and answer.content_type == "application/json"
            decoded = await answer.json() if is_json else None
            self.answers.append(Answered(method, path, answer.status, decoded, raw))
            return answer.status, decoded, answer.headers

    async def set_up(self, account: Account, **extra: Any) -> None:
        """Set up a simulated account in its guild's channel."""
        body = {
            "discord": account.token,
            "server": account.guild_id,
            "channel": account.channel_id,
            "maxJobs": 3,
            **extra,
        }
        path = f"/v2/account/midjourney/{account.channel_id}"
        status, answer, _ = await self.call("POST", path, body)
        assert status == 204, answer

    async def job(self, jobid: str) -> dict[str, Any]:
        status, body, _ = await self.call("GET", f"/v2/jobs/?jobid={jobid}")
        assert status == 200, body
        return cast(dict[str, Any], body)

    async def final(self, jobid: str) -> dict[str, Any]:
        """Poll until the job is final."""
        async with asyncio.timeout(WAIT_S):
            while True:
                job = await self.job(jobid)
                if job["status"] in ("completed", "failed", "moderated", "cancelled"):
                    return job
                await asyncio.sleep(LOOK_AGAIN_S)

    async def ask(self, verb: str, **body: Any) -> dict[str, Any]:
        """Ask for a verb that is accepted, and return what the POST answers."""
        status, job, _ = await self.call("POST", f"/v2/jobs/{verb}", body)
        assert status == 200, (verb, body, job)
        return cast(dict[str, Any], job)

    async def run(self, verb: str, **body: Any) -> dict[str, Any]:
        """Ask for a verb that is accepted, and return the job's final form."""
        return await self.final((await self.ask(verb, **body))["jobid"])

    async def describe(self, picture_url: str, **body: Any) -> tuple[int, Any, Any]:
        """Ask for a description."""
        return await self.call("POST", "/v2/jobs/describe", {"describeUrl": picture_url, **body})

    async def account(self, channel: str) -> dict[str, Any]:
        """Return an account of this person as the API shows it."""
        status, body, _ = await self.call("GET", f"/v2/account/midjourney/{channel}")
        assert status == 200, body
        return cast(dict[str, Any], body)


@dataclass
class Outside:
    """The caller's own server: pictures to fetch and a place for callbacks."""

    url: str
    pictures: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    callbacks: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    raw_callbacks: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Callable[[], int] = lambda: 200
    retry_after: str | None = None
    verifier: Webhook | None = None
    """Judges each attempt as it comes, once there is a signing secret."""
    unverified: list[str] = field(default_factory=list)
    """A sentence for each attempt that it does not take."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Judge signature and time of an attempt as a receiver does."""
        if self.verifier is None:
            return
        try:
            self.verifier.verify(body, dict(headers))
        except WebhookVerificationError as error:
            self.unverified.append(f"{headers.get('webhook-id')} does not verify: {error}")

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
        place.raw_callbacks.append(await request.read())
        place.verify(request.headers, place.raw_callbacks[-1])
        place.callbacks.append((dict(request.headers), await request.json()))
        place.arrived.set()
        headers = {} if place.retry_after is None else {"Retry-After": place.retry_after}
        return web.Response(status=place.answer(), headers=headers)

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


class PostOffice:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str]] = []
        self.url = ""

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        content = envelope.content or b""
        text = content.decode() if isinstance(content, bytes) else content
        self.mails.append((envelope.rcpt_tos, text))
        return "250 OK"


@contextlib.asynccontextmanager
async def post_office() -> AsyncIterator[PostOffice]:
    """Serve SMTP on loopback."""
    office = PostOffice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(office, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    office.url = f"smtp://127.0.0.1:{port}/?from=waystation@example.org&starttls=false"
    try:
        yield office
    finally:
        server.close()
        await server.wait_closed()


class Installation:
    """Simulator, service and caller's server, started and stopped at will."""

    def __init__(self, sim: Simulator, place: Outside, settings: Settings) -> None:
        self.sim = sim
        self.outside = place
        self.settings = settings
        self.url = ""
        self.http = aiohttp.ClientSession()
        self.answers: list[Answered] = []
        self.tokens: list[str] = []
        """API tokens that were given out."""
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._stop = asyncio.Event()
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(run(self.settings, self._stop, ready=ready.set_result))
        both: set[asyncio.Future[Any]] = {self._running, ready}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
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
        token = f"user:{user.user_id}-{secret}"
        self.tokens.append(secret)
        return Person(user.user_id, token, self.url, self.http, self.answers)

    async def change(self, person: Person, **changes: Unpack[UserChanges]) -> None:
        """Change a user's row as `waystation users` does, beside the running service."""
        async with open_state(self.settings) as state:
            await state.store.change_user(person.user_id, changes)

    async def share(self, channel: str, person: Person, *, end: bool = False) -> None:
        """Share an account as `waystation users share` does, beside the running service.

        Args: end: as `waystation users unshare`
        """
        async with open_state(self.settings) as state:
            account = await state.store.sharing.account_in(channel)
            assert account is not None
            change = state.store.sharing.unshare if end else state.store.sharing.share
            await change(account.account_id, person.user_id)

    def records(self) -> Records:
        """Open the database beside the service."""
        return open_records(self.settings)

    async def equip(self, person: Person, count: int = 1, **extra: Any) -> list[str]:
        """Set up simulated accounts for a person and return their channels."""
        channels = []
        for account in self.sim.accounts[:count]:
            await person.set_up(account, **extra)
            channels.append(account.channel_id)
        return channels

    async def ready(self) -> Person:
        """Add a person with one account, connected."""
        person = await self.person()
        await self.equip(person)
        await self.connected()
        return person

    async def connected(self, count: int = 1) -> None:
        """Wait until that many accounts are connected and caught up."""

        async def are_connected() -> bool:
            return await self._sessions() >= count

        await eventually(are_connected)

    async def cut_off(self) -> None:
        """Wait until no account is connected."""

        async def is_cut_off() -> bool:
            return await self._sessions() == 0

        await eventually(is_cut_off)

    async def _sessions(self) -> int:
        async with self.http.get(f"{self.url}/readyz") as answer:
            return int((await answer.json())["sessions"].get("connected", 0))

    async def quiet(self, account: Account | None = None) -> None:
        """Wait until the bot has no work and the service has applied all it was told.

        A message that nobody can understand goes through the gateway after everything else; once it
        is kept as unrecognised, all before it was applied.
        """
        await self.sim.settled()
        account = account or self.sim.accounts[0]
        with self.records() as records:
            before = set(records.unrecognised())
            async with asyncio.timeout(WAIT_S):
                while not any(
                    records.is_marker(one) for one in set(records.unrecognised()) - before
                ):
                    # again and again: a session that is just being lost hears nothing
                    marker = self.said_by_the_bot(account, content=Records.MARKER)
                    self.sim.sessions.publish((account.user_id,), "MESSAGE_CREATE", marker)
                    await asyncio.sleep(2 * LOOK_AGAIN_S)

    def said_by_the_bot(self, account: Account, **words: Any) -> Payload:
        """Return a message of the bot to an account's user that answers nothing of ours."""
        message = {
            "id": self.sim.ids.snowflake(),
            "channel_id": account.channel_id,
            "guild_id": account.guild_id,
            "type": 20,
            "content": "",
            "timestamp": "2026-01-01T00:00:00.000000+00:00",
            "author": self.sim.world.midjourney.payload(),
            "application_id": MIDJOURNEY_APPLICATION_ID,
            "interaction": {"id": "1", "type": 2, "name": "marker", "user": account.user.payload()},
            "attachments": [],
            "embeds": [],
            "components": [],
        }
        return message | words

    def photo(self, name: str = "tall.png") -> str:
        """Return the URL of a picture on the caller's server."""
        picture = proof(name)
        return self.outside.picture(picture.filename, picture.build(), picture.content_type)


Install = Callable[..., contextlib.AbstractAsyncContextManager[Installation]]


class SteadyIds(SystemIds):
    """Chance without bad luck: waits that are drawn are near their least."""

    def fraction(self) -> float:
        return 0.1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each database that the nearest mark names."""
    mark = metafunc.definition.get_closest_marker("databases")
    if mark is not None and mark.args:
        metafunc.parametrize("database", mark.args, indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database of all that a test lays out; SQLite unless a mark says otherwise."""
    kind = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield kind
        return
    with laid_out_on(kind, request.getfixturevalue("postgresql")):
        yield kind


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what starts an installation: `async with install(accounts=2, first_answer_s=1)`."""
    monkeypatch.setattr("waystation.app.running.SystemIds", SteadyIds)

    @contextlib.asynccontextmanager
    async def make(
        *,
        accounts: int = 1,
        speed: float = 200.0,
        seed: int = 1,
        sim_options: dict[str, Any] | None = None,
        **values: Any,
    ) -> AsyncIterator[Installation]:
        tasks_before = asyncio.all_tasks()
        sim = Simulator(accounts=accounts, seed=seed, speed=speed, **(sim_options or {}))
        await sim.start()
        async with outside() as place:
            flags = {
                "data_dir": str(tmp_path / "data"),
                "port": 0,
                "discord_url": sim.url,
                "activity_url": sim.url,
                "midjourney_cdn_url": sim.url,
                "allow_networks": ["127.0.0.0/8"],
                "pacing_s": 0.0,
                **placed(values),
            }
            settings = load(flags=flags, environ={})
            if settings.postgresql_url is not None:
                make_keys(settings.data_dir)
            installation = Installation(sim, place, settings)
            try:
                await installation.start()
                yield installation
                await installation.close()
                await check_invariants(installation)
            finally:
                await installation.close()
                await sim.stop()
        await no_task_is_left(tasks_before)

    return make
