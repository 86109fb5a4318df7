"""Installation: simulator and service as processes, a user, and accounts that are connected."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.children import WHERE_PROGRAMS_ARE, Child, child
from benchmarks.machine import CLIENT_CPU, SERVICE_CPU

__all__ = ["Installation", "add_user", "installation", "service_environment"]

_CONNECTED_WITHIN_S = 20.0
_LOOK_AGAIN_S = 0.02
_IDLE_S = 1.0


@dataclass(frozen=True)
class Installation:
    """A running installation, and how to call it."""

    simulator: Child
    service: Child
    http: aiohttp.ClientSession
    """Sends the user's API token."""
    token: str
    url: str
    accounts: Sequence[Mapping[str, str]]
    """As the simulator names them; the first `equipped` belong to the service."""
    environment: Mapping[str, str]
    """Of the service; one more process with it is one more node."""

    async def post(self, path: str, body: object) -> dict[str, Any]:
        """Call the API. Raises: RuntimeError: not 2xx."""
        async with self.http.post(self.url + path, json=body) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise RuntimeError(f"POST {path}: HTTP status {answer.status}: {text}")
            return json.loads(text) if text else {}

    async def job(self, jobid: str) -> dict[str, Any]:
        """Return one job."""
        async with self.http.get(f"{self.url}/v2/jobs/", params={"jobid": jobid}) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def book(self) -> Sequence[Any]:
        """Return the simulator's book: a page for each job that the bot took."""
        async with self.http.get(f"{self.simulator.ready['url']}/_sim/book") as answer:
            found: Sequence[Any] = await answer.json()
            return found

    async def final(self, jobid: str) -> dict[str, Any]:
        """Return a job once it is final."""
        async with asyncio.timeout(_CONNECTED_WITHIN_S):
            while True:
                job = await self.job(jobid)
                if job["status"] not in ("created", "started", "progress"):
                    return job
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def settled(self) -> None:
        """Return when none of the user's jobs is running."""
        async with asyncio.timeout(_CONNECTED_WITHIN_S):
            while True:
                async with self.http.get(f"{self.url}/v2/jobs") as answer:
                    if not await answer.json():
                        return
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def connected(self, count: int) -> None:
        """Return when so many accounts are connected and caught up."""
        async with asyncio.timeout(_CONNECTED_WITHIN_S + count):
            while True:
                async with self.http.get(f"{self.url}/readyz") as answer:
                    sessions = (await answer.json())["sessions"]
                if sessions.get("connected", 0) >= count:
                    return
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def fault(self, name: str, **facts: object) -> None:
        """Switch a fault of the simulator on."""
        url = f"{self.simulator.ready['url']}/_sim/faults"
        async with self.http.post(url, json={"name": name, **facts}) as answer:
            answer.raise_for_status()

    async def equip(self, accounts: Sequence[Mapping[str, str]], max_jobs: int = 3) -> None:
        """Give accounts of the simulator to the service."""
        for account in accounts:
            await self.post(
                f"/v2/account/midjourney/{account['channel_id']}",
                {
                    "discord": account["token"],
                    "server": account["guild_id"],
                    "channel": account["channel_id"],
                    "maxJobs": max_jobs,
                },
            )


def service_environment(folder: Path, discord_url: str) -> dict[str, str]:
    """Return settings for a service that may reach loopback and does not pace itself."""
    return {
        "WAYSTATION_DATA_DIR": str(folder / "data"),
        "WAYSTATION_DISCORD_URL": discord_url,
        "WAYSTATION_ALLOW_NETWORKS": "127.0.0.0/8",
        "WAYSTATION_PACING_S": "0",
        "WAYSTATION_PORT": "0",
    }


async def add_user(environment: Mapping[str, str], name: str = "bench") -> str:
    """Add a user on the host and return the API token."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "waystation", "users", "add"),
        *("--email", f"{name}@example.org", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env={**WHERE_PROGRAMS_ARE, **environment},
    )
    out, _ = await process.communicate()
    return str(json.loads(out)["token"])


@asynccontextmanager
async def installation(
    folder: Path,
    *,
    accounts: int,
    equipped: int,
    speed: float,
    max_jobs: int = 3,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Installation]:
    """Start it all. `equipped` of the simulated accounts are given to the service.

    Args: settings: more variables of the service's environment
    """
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(
            child(
                folder / "simulator.log",
                CLIENT_CPU,
                "waystation.simulator",
                *("--accounts", str(accounts), "--speed", str(speed), "--no-rate-limits"),
                *("--picture-size", "256"),
            )
        )
        environment = service_environment(folder, simulator.ready["url"]) | dict(settings or {})
        service = await stack.enter_async_context(
            child(
                folder / "service.log",
                SERVICE_CPU,
                *("waystation", "serve", "--json"),
                environment=environment,
            )
        )
        token = await add_user(environment)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {token}"},
                # the service closes what was idle for longer; nothing is written into that moment
                connector=aiohttp.TCPConnector(keepalive_timeout=_IDLE_S),
            )
        )
        running = Installation(
            *(simulator, service, http, token, service.ready["url"], simulator.ready["accounts"]),
            environment,
        )
        await running.equip(running.accounts[:equipped], max_jobs)
        await running.connected(equipped)
        yield running
