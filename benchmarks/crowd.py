"""Crowd: 1,000 accounts and 12,000 running jobs in one process, against 100 accounts and 1,200.

How it works: a database has accounts whose jobs were submitted before, and 100,000 finished jobs. A
fresh service is started on it; the gateway answers each IDENTIFY with a READY of 20 servers, about
400 kB. The start is over when the service says that it is ready, and each account is
connected some time after. Then nothing happens for a while, but for heartbeats.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import aiohttp
from msgspec.structs import replace

from benchmarks.children import Child, child
from benchmarks.figures import Result, ratio_of
from benchmarks.haste import HASTE
from benchmarks.installation import service_environment
from benchmarks.machine import CLIENT_CPU, SERVICE_CPU
from benchmarks.submitted import submitted_jobs
from waystation.clock import SystemClock
from waystation.jobs import Job, JobStatus
from waystation.ports import JobDraft
from waystation.store.rows import JOBS
from waystation.store.sqlite.database import Database, connect
from waystation.store.transactions import slots

__all__ = ["AIM_S", "measure"]

AIM_S = 2.0
"""From the start of the process to `ready`."""

_FEW, _MANY = 100, 1_000
_MANY_VARIABLE = "BENCH_ACCOUNTS"
"""Name of the variable with another number than 1,000, for a small run."""

_JOBS = 12
_GUILDS = 20
_FINISHED_PER_ACCOUNT = 100
_DRAFT = JobDraft(1, "info", {}, ["account-0"], takes_slot=False, max_jobs=None, lane=10**6)

_IDLE_S = 10.0 / HASTE
_CONNECTED_WITHIN_S = 300.0
_LOOK_AGAIN_S = 0.1


@dataclass(frozen=True)
class _Crowd:
    """The cost of so many accounts."""

    accounts: int
    ready_s: float
    ready_cpu_s: float
    connected_s: float
    slowest_s: float
    """The slowest answer of `/readyz` until all are connected."""
    connecting_cpu_s: float
    kib: float
    """Resident memory, beside a service without accounts."""
    idle_share: float
    """Of one processor."""


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: few accounts, then many."""
    many = int(os.environ.get(_MANY_VARIABLE, _MANY))
    small: list[_Crowd] = []
    large: list[_Crowd] = []
    async with child(folder / "gateway.log", CLIENT_CPU, "benchmarks.gateway_server") as gateway:
        empty_kib = (await _crowd(folder / "empty", gateway, 0, 0.0)).kib
        for number in range(rounds):
            for count, turns in ((min(_FEW, many // 2), small), (many, large)):
                turns.append(await _crowd(folder / f"{number}-{count}", gateway, count, empty_kib))
    return _result(small, large)


def _result(small: Sequence[_Crowd], large: Sequence[_Crowd]) -> Result:
    memory = ratio_of(*([one.kib / one.accounts for one in each] for each in (large, small)))
    share = ratio_of(*([one.idle_share / one.accounts for one in each] for each in (large, small)))
    ready_s = median(one.ready_s for one in large)
    return Result(
        "Crowd: 1,000 accounts and 12,000 running jobs",
        (
            (
                "accounts",
                "ready, s",
                "of it CPU, s",
                "connected, s",
                "slowest answer meanwhile, s",
                "CPU ms each",
                "KiB each",
                "idle, % of a core each",
            ),
            *(_row(each) for each in (small, large)),
        ),
        f"start to ready with {100 * large[0].accounts:,} finished jobs: {ready_s:.2f} s; "
        f"aim {AIM_S:g} s: {'met' if ready_s <= AIM_S else 'not met'}",
        (
            f"an account of many / of few: memory {memory}, processor time idle {share}",
            f"{_JOBS} jobs each, READY of {_GUILDS} servers, {_IDLE_S:g} s idle, "
            f"{len(large)} rounds",
        ),
    )


def _row(each: Sequence[_Crowd]) -> Sequence[str]:
    count = each[0].accounts
    return (
        f"{count:,}",
        f"{median(one.ready_s for one in each):.2f}",
        f"{median(one.ready_cpu_s for one in each):.2f}",
        f"{median(one.connected_s for one in each):.1f}",
        f"{median(one.slowest_s for one in each):.2f}",
        f"{median(1e3 * one.connecting_cpu_s / count for one in each):.1f}",
        f"{median(one.kib / count for one in each):.0f}",
        f"{median(100 * one.idle_share / count for one in each):.4f}",
    )


async def _crowd(folder: Path, gateway: Child, count: int, empty_kib: float) -> _Crowd:
    """Start a service with so many accounts and let it be."""
    folder.mkdir()
    url = str(gateway.ready.get("url") or (await gateway.order(accounts=[]))["url"])
    environment = service_environment(folder, url)
    accounts = await submitted_jobs(environment, count, _JOBS, guilds=_GUILDS)
    await asyncio.to_thread(_finish, folder / "data" / "waystation.db", count)
    await gateway.order(accounts=accounts)
    began_s = time.monotonic()
    async with (
        child(
            folder / "service.log",
            SERVICE_CPU,
            *("waystation", "serve", "--json"),
            environment=environment,
        ) as service,
        aiohttp.ClientSession() as http,
    ):
        ready_s = time.monotonic() - began_s
        started_cpu_s = service.cpu_s
        slowest_s = await _connected(http, service, count)
        connected_s = time.monotonic() - began_s
        before = service.cpu_s
        await asyncio.sleep(_IDLE_S)
        share = (service.cpu_s - before) / _IDLE_S
        kib = _resident_kib(service.pid)
        return _Crowd(
            count,
            ready_s,
            started_cpu_s,
            connected_s,
            slowest_s,
            before - started_cpu_s,
            kib - empty_kib,
            share,
        )


async def _connected(http: aiohttp.ClientSession, service: Child, count: int) -> float:
    """Ask until all are connected; return how long the slowest answer took, in seconds."""
    slowest_s = 0.0
    async with asyncio.timeout(_CONNECTED_WITHIN_S):
        while True:
            asked_s = time.monotonic()
            async with http.get(f"{service.ready['url']}/readyz") as answer:
                sessions = (await answer.json())["sessions"]
            slowest_s = max(slowest_s, time.monotonic() - asked_s)
            if sessions.get("connected", 0) >= count:
                return slowest_s
            await asyncio.sleep(_LOOK_AGAIN_S)


def _finish(path: Path, accounts: int) -> None:
    """Write finished jobs, so many for each account, as if they were of yesterday."""
    database = Database(connect(path))
    yesterday = SystemClock().now() - timedelta(days=1)
    if accounts:
        database.connection.execute("begin")
        like = slots.add_job(database, _DRAFT, yesterday)
        assert isinstance(like, Job)
        database.connection.execute("rollback")
        _write(database, like, yesterday, accounts * _FINISHED_PER_ACCOUNT)
    database.connection.close()


def _write(database: Database, like: Job, newest: datetime, count: int) -> None:
    database.connection.execute("begin")
    for number in range(count):
        at = newest - timedelta(seconds=number)
        since_ms = int(at.timestamp() * 1000)
        job = replace(
            like,
            jobid=slots.jobid_of(since_ms, like.user_id, like.channel),
            created_at=at,
            finished_at=at,
            status=JobStatus.COMPLETED,
        )
        database.run("insert_job", JOBS.values(job))
    database.connection.execute("commit")


def _resident_kib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("no resident memory told")
