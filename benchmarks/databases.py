"""Databases: the store's three transactions of a job, on PostgreSQL against SQLite.

How it works: the store alone, without the service, adds a job, commits that it is asked, and
commits its end with its callback. A round has two parts on each database: one job at a time, and
jobs of many users in flight. Each job has an account with room. Each commit has a sealed session
and a message that the conversation remembers, as the service's commits have.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

from tests import build
from tests.fakes import START, FakeClock
from tests.harness.leases import claim
from tests.harness.postgresql import cluster, put_away
from tests.limits import GHOST_AGE

from benchmarks.figures import Result, ratio_of
from waystation.gateway_events import Seen
from waystation.jobs import Job
from waystation.ports import Commit, JobChange
from waystation.store.postgresql.store import PostgresStore
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions.store import StoreByTransactions

__all__ = ["measure"]

AIM = 0.5

_USERS = 32
"""Users with an account each; so many jobs are in flight at once."""

_JOBS = 320
"""Jobs of one part of a round."""

_BODY = bytes(400)
_NUMBERS = count(1)


@dataclass
class _Spent:
    """Time on one database, by round."""

    cpu_ms: list[float] = field(default_factory=list)
    """Processor time of this process per job, one job at a time."""
    alone: list[float] = field(default_factory=list)
    """Jobs per second, one at a time."""
    many: list[float] = field(default_factory=list)
    """Jobs per second, those of many users in flight."""
    many_cpu_ms: list[float] = field(default_factory=list)
    """Processor time of this process per job, with many in flight."""


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: SQLite, PostgreSQL, SQLite, …"""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        lite = await SqliteStore.open(folder / "jobs.db", clock, ghost_age=GHOST_AGE)
        stack.push_async_callback(lite.close)
        server = stack.enter_context(cluster())
        name = stack.enter_context(put_away(server))
        big = await PostgresStore.open(server.url(name), clock, ghost_age=GHOST_AGE)
        stack.push_async_callback(big.close)
        stores: tuple[StoreByTransactions, ...] = (lite, big)
        for store in stores:
            await _filled(store)
        told = {"SQLite": _Spent(), "PostgreSQL": _Spent()}
        for number in range(-1, rounds):
            for store, spent in zip(stores, told.values(), strict=True):
                await _round(store, spent)
            if number < 0:  # the first turn warms up
                told = {name: _Spent() for name in told}
    return _result(told["SQLite"], told["PostgreSQL"], rounds)


async def _filled(store: StoreByTransactions) -> None:
    for number in range(1, _USERS + 1):
        await store.add_user(f"{number}@example.org", b"hash", START)
        made = build.account(number, user_id=number, max_jobs=15)
        setup = build.setup(made)
        await store.put_account(build.replace(setup, user_id=number))
        await claim(store, setup.account_id)


async def _round(store: StoreByTransactions, spent: _Spent) -> None:
    began, busy = time.perf_counter(), time.process_time()
    for _ in range(_JOBS):
        await _job(store, 1)
    spent.alone.append(_JOBS / (time.perf_counter() - began))
    spent.cpu_ms.append(1e3 * (time.process_time() - busy) / _JOBS)
    began, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_jobs(store, number) for number in range(1, _USERS + 1)))
    spent.many.append(_JOBS / (time.perf_counter() - began))
    spent.many_cpu_ms.append(1e3 * (time.process_time() - busy) / _JOBS)


async def _jobs(store: StoreByTransactions, user_id: int) -> None:
    for _ in range(_JOBS // _USERS):
        await _job(store, user_id)


async def _job(store: StoreByTransactions, number: int) -> None:
    """Run one job from its beginning to its end."""
    unique = next(_NUMBERS)
    account_id = f"account-{number}"
    draft = build.draft(account_id, user_id=number)
    draft = build.replace(draft, params={"prompt": f"a red fox number {unique} in the snow"})
    job = await store.add_job(draft, START)
    assert isinstance(job, Job), job
    asked = build.submitted(job, str(unique))
    await store.commit(_commit(account_id, asked, unique))
    ended = build.completed(asked.job, str(unique), callbacks=[build.callback(job)])
    await store.commit(_commit(account_id, ended, unique))


def _commit(account_id: str, change: JobChange, number: int) -> Commit:
    seen = (Seen("message", str(number), _BODY),)
    return build.change(change, account_id=account_id, session=_BODY, seen=seen)


def _result(lite: _Spent, big: _Spent, rounds: int) -> Result:
    ratio = ratio_of(lite.many_cpu_ms, big.many_cpu_ms)
    alone = ratio_of(lite.cpu_ms, big.cpu_ms)
    return Result(
        "Databases: the store's three transactions of a job",
        (
            ("what", "SQLite", "PostgreSQL", "PostgreSQL / SQLite, by speed"),
            _row("CPU ms a job, one at a time", lite.cpu_ms, big.cpu_ms, alone),
            _row(
                f"CPU ms a job, {_USERS} in flight",
                lite.many_cpu_ms,
                big.many_cpu_ms,
                ratio,
            ),
            _row("jobs/s, one at a time", lite.alone, big.alone, ratio_of(big.alone, lite.alone)),
            _row(f"jobs/s, {_USERS} in flight", lite.many, big.many, ratio_of(big.many, lite.many)),
        ),
        f"speed by processor time with many in flight, PostgreSQL / SQLite: {ratio}; aim {AIM}: "
        + ("met" if ratio.median >= AIM else "not met"),
        (
            f"{_JOBS} jobs a part, {rounds} rounds; the server runs on the same machine, unpinned, "
            "and its processor time is not counted",
        ),
    )


def _row(what: str, lite: Sequence[float], big: Sequence[float], ratio: object) -> Sequence[str]:
    return (what, f"{median(lite):.3g}", f"{median(big):.3g}", str(ratio))
