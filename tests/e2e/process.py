"""An installation whose service is a process of its own, so that it can be killed at any moment.

How it works: simulator, caller's server and mail server run in the test; the service is `waystation
serve`. `Doors` stand where Discord's side begins: a request that arrives, an answer that has left,
a gateway event that is about to leave. Something can be done exactly there, before it happens, and
gateway events can be held back, so that a test needs no luck and no waiting to be in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import aiohttp
from standardwebhooks import Webhook

from tests.e2e.conftest import Answered, Outside, Person, eventually, outside
from tests.e2e.databases import open_records, placed
from tests.e2e.invariants import check_invariants
from tests.e2e.records import Records
from tests.pictures import proof
from waystation.app import open_state
from waystation.clock import SystemClock, SystemIds
from waystation.settings import Settings, load
from waystation.simulator.payload import Payload
from waystation.simulator.server import Simulator
from waystation.vault import make_keys

__all__ = ["Child", "Doors", "Ground", "another_person", "ground"]

START_S = 30.0
"""A child on a busy machine takes its time to import everything."""

_FINAL = ("completed", "failed", "moderated", "cancelled")


class Child:
    """One `waystation` process."""

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        program: Sequence[str] = ("-m", "waystation"),
    ) -> None:
        """Args: program: what Python runs instead."""
        self._environment = dict(environment)
        self._log = log
        self._program = tuple(program)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was started"
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """Everything that it has said on standard error."""
        return self._log.read_text("utf-8", "replace")

    async def start(self, *arguments: str) -> None:
        """Run `waystation` with these arguments."""
        with self._log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._program,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=self._environment,
                start_new_session=True,
            )

    async def line(self) -> str:
        """Return the next line that it prints; empty at its end."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            return (await self.process.stdout.readline()).decode()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal at once."""
        os.kill(self.pid, number)

    async def ended(self, within_s: float = START_S) -> int:
        """Wait for its end and return its exit code."""
        assert self.process.stdout is not None
        async with asyncio.timeout(within_s):
            await self.process.stdout.read()
            return await self.process.wait()

    async def end(self) -> None:
        """Make sure that nothing is left of it."""
        if self._process is not None and self._process.returncode is None:
            self.signal(signal.SIGKILL)
            await self.ended()


class Doors:
    """Where everything between the service and a simulator passes.

    Moments: the name of a REST route as it arrives (`attachments`, `upload`, `index`,
    `interactions`, `messages.read`), `answered` when the answer to an interaction has left, and the
    name of a gateway event as it is about to leave.
    """

    def __init__(self, sim: Simulator) -> None:
        self.passed: list[str] = []
        """Moments so far, in order."""
        self._acts: dict[str, Callable[[], object]] = {}
        self._hold_from: str | None = None
        self._alone = False
        self._held: list[Callable[[], object]] | None = None
        self._watch(sim.board, "take_http", lambda route, *_: route)
        self._watch(sim.bot, "start", lambda *_: "answered")
        self._watch_events(sim, "publish")
        self._watch_events(sim, "publish_message")

    def at(self, moment: str, act: Callable[[], object]) -> None:
        """Do something the next time that a moment comes, just before it happens."""
        self._acts[moment] = act

    def hold(self, moment: str, *, alone: bool = False) -> None:
        """Keep back this gateway event and all that follow, until `release`.

        Args: alone: let other kinds of events pass
        """
        self._hold_from, self._alone = moment, alone

    def forget(self) -> None:
        """Do nothing any more that a moment was to bring."""
        self._acts.clear()

    def release(self) -> None:
        """Let what was held leave, in order."""
        held, self._held, self._hold_from = self._held or [], None, None
        for leave in held:
            leave()

    def _pass(self, moment: str) -> None:
        self.passed.append(moment)
        act = self._acts.pop(moment, None)
        if act is not None:
            act()

    def _watch(self, place: Any, name: str, moment: Callable[..., str]) -> None:
        real = getattr(place, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._pass(moment(*args))
            return real(*args, **kwargs)

        setattr(place, name, watched)

    def _watch_events(self, sim: Simulator, name: str) -> None:
        real = getattr(sim.sessions, name)

        def watched(user_ids: Any, event: str, data: Payload, **kwargs: Any) -> None:
            self._pass(event)
            if event == self._hold_from and self._held is None:
                self._held = []
            if self._held is None or (self._alone and event != self._hold_from):
                real(user_ids, event, data, **kwargs)
            else:
                # as it is now: the simulator goes on writing into its messages
                copy = json.loads(json.dumps(data))
                self._held.append(lambda: real(user_ids, event, copy, **kwargs))

        setattr(sim.sessions, name, watched)


class Ground:
    """Simulator, caller's server, and a service that can be killed and started again."""

    def __init__(
        self, sim: Simulator, place: Outside, environment: Mapping[str, str], directory: Path
    ) -> None:
        self.sim = sim
        self.doors = Doors(sim)
        self.outside = place
        self.environment = dict(environment)
        self.program: Sequence[str] = ("-m", "waystation")
        """The program that Python runs as the service."""
        self.directory = directory
        self.settings: Settings = load(flags={}, environ=environment)
        self.http = aiohttp.ClientSession()
        self.answers: list[Answered] = []
        self.tokens: list[str] = []
        self.child: Callable[..., Child] = Child
        """Makes the process of the service."""
        self.needless_at_most = 0
        """Jobs that may end as not told apart although the book names no twin (`invariants`)."""
        self.url = ""
        self.service = Child(environment, directory / "service.log")
        self.ada = Person(0, "", "", self.http)

    # ── the service ──

    async def start(self) -> None:
        """Start the service and wait until it listens."""
        self.service = self.child(self.environment, self.directory / "service.log", self.program)
        await self.service.start("serve", "--port", "0", "--json")
        line = await self.service.line()
        assert line, self.service.log
        self.url = self.ada.url = json.loads(line)["url"]

    def kill(self) -> None:
        """Kill the service this instant, from anywhere."""
        self.service.signal(signal.SIGKILL)

    async def restart(self) -> None:
        """Wait for a killed service to be gone, and start another on the same database."""
        await self.service.ended()
        await self.start()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the service to stop and return its exit code."""
        self.service.signal(number)
        return await self.service.ended()

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run another `waystation` command on the same host: exit code, output, complaints."""
        log = self.directory / f"{arguments[0]}.log"
        log.unlink(missing_ok=True)
        child = Child(self.environment, log)
        await child.start(*arguments)
        assert child.process.stdout is not None
        async with asyncio.timeout(START_S):
            printed = (await child.process.stdout.read()).decode()
            return await child.process.wait(), printed, child.log

    # ── people and what they ask ──

    async def settle_in(self, accounts: int = 1, **extra: Any) -> Person:
        """Add a user, start the service and set the first accounts up; then wait until all live."""
        async with open_state(self.settings) as state:
            secret = SystemIds().token(32)
            now = SystemClock().now()
            user = await state.store.add_user(
                "ada@example.org", state.vault.hash_token(secret), now
            )
        token = f"user:{user.user_id}-{secret}"
        self.tokens.append(secret)
        self.ada = Person(user.user_id, token, "", self.http, self.answers)
        await self.start()
        for account in self.sim.accounts[:accounts]:
            await self.ada.set_up(account, **{"maxJobs": 5, **extra})
        await self.connected(accounts)
        status, made, _ = await self.ada.call("POST", "/v2/deliveries/secret")
        assert status == 201, made
        self.outside.verifier = Webhook(made["secret"])
        return self.ada

    async def connected(self, accounts: int = 1) -> None:
        """Wait until so many accounts hear Discord."""

        async def live() -> bool:
            async with self.http.get(self.url + "/readyz") as answer:
                sessions = (await answer.json())["sessions"]
            return bool(sessions.get("connected", 0) >= accounts)

        await eventually(live)

    def photo(self, name: str = "tall.png") -> str:
        """Return the URL of a picture on the caller's server."""
        picture = proof(name)
        return self.outside.picture(picture.filename, picture.build(), picture.content_type)

    def ask(self, verb: str = "describe", **extra: Any) -> asyncio.Task[tuple[int, Any, Any]]:
        """Begin to POST a job with a callback; its answer may never come."""
        body = {"replyUrl": f"{self.outside.url}/callback", **extra}
        if verb == "describe":
            body.setdefault("describeUrl", self.photo())
        return asyncio.ensure_future(self.ada.call("POST", f"/v2/jobs/{verb}", body))

    # ── what is on disk ──

    def records(self) -> Records:
        """Open the database beside the service."""
        return open_records(self.settings)

    async def recorded(self, kind: str, count: int = 1) -> None:
        """Wait until so many job events of a kind are on disk."""
        with self.records() as records:
            await eventually(
                lambda: sum(event["kind"] == kind for event in records.events()) >= count
            )

    async def final(self) -> list[dict[str, Any]]:
        """Wait until every job is final, and return all rows."""
        with self.records() as records:
            await eventually(lambda: all(job["status"] in _FINAL for job in records.jobs()))
            return records.jobs()

    async def only_job(self) -> dict[str, Any]:
        """Wait until the one job is final, and return its GET form."""
        (row,) = await self.final()
        return await self.ada.job(row["jobid"])

    # ── what Discord saw ──

    @property
    def interactions(self) -> list[str]:
        """The nonces of all interactions that reached Discord, executed or not."""
        return [
            entry["body"]["nonce"]
            for entry in self.sim.log
            if entry["kind"] == "request" and entry.get("route") == "interactions"
        ]

    def page(self, nonce: str) -> Payload:
        """Return the book's page of one interaction."""
        return next(page for page in self.sim.book if page["nonce"] == nonce)

    async def close(self) -> None:
        await self.service.end()
        await self.http.close()


async def another_person(here: Ground, number: int) -> Person:
    """Add a user beside the running service and set up the simulator's account of that number."""
    account = here.sim.accounts[number]
    async with open_state(here.settings) as state:
        secret = SystemIds().token(32)
        token_hash = state.vault.hash_token(secret)
        email = f"person{number}@example.org"
        user = await state.store.add_user(email, token_hash, SystemClock().now())
    here.tokens.append(secret)
    token = f"user:{user.user_id}-{secret}"
    person = Person(user.user_id, token, here.url, here.http, here.answers)
    await person.set_up(account, maxJobs=15)
    await here.connected(1 + number)
    return person


@contextlib.asynccontextmanager
async def ground(
    directory: Path,
    *,
    accounts: int = 1,
    speed: float = 200.0,
    options: Mapping[str, Any] | None = None,
    **values: Any,
) -> AsyncIterator[Ground]:
    """Lay out everything but the service; `settle_in` starts it. The invariants are checked after.

    Args: options: of the simulator; values: settings of the service
    """
    sim = Simulator(accounts=accounts, speed=speed, **(options or {}))
    await sim.start()
    async with outside() as place:
        settings = {
            "data_dir": directory / "data",
            "discord_url": sim.url,
            "allow_networks": "127.0.0.0/8",
            "pacing_s": 0,
            **placed(values),
        }
        environment = {f"WAYSTATION_{name.upper()}": str(value) for name, value in settings.items()}
        if "database_url" in settings:
            make_keys(directory / "data")
        here = Ground(sim, place, environment, directory)
        try:
            yield here
            await here.service.end()
            await check_invariants(cast(Any, here))
        finally:
            await here.close()
            await sim.stop()
