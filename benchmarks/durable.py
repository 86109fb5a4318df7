"""Durable jobs per second: from the POST to the callback, against rows committed in groups.

How it works: callers submit infos on many accounts of one user, each the next when the callback of
one came, so that many are under way. The bare counterpart writes as many rows of a job's size to
SQLite, so many of one commit as callers wait at once, each commit flushed to disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import apsw

from benchmarks.figures import Result, ratio_of
from benchmarks.installation import Installation, installation
from benchmarks.outside import Outside, outside

__all__ = ["ACCOUNTS", "JOBS", "SPEED", "measure", "run_jobs"]

ACCOUNTS = 16
JOBS = 400
SPEED = 100.0
"""The bot answers at once, so that Waystation is what a job waits for."""

_ROW = bytes(4_096)
"""A job, its input, its events and its callback are about so large."""


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: jobs from end to end, then bare rows."""
    ours, bare, spent = [], [], []
    async with (
        outside() as place,
        installation(folder, accounts=ACCOUNTS, equipped=ACCOUNTS, speed=SPEED) as here,
    ):
        for number in range(rounds):
            before = here.service.cpu_s
            ours.append(JOBS / await run_jobs(here, place, number))
            spent.append(1e3 * (here.service.cpu_s - before) / JOBS)
            bare.append(JOBS / await asyncio.to_thread(_rows, folder / f"bare-{number}.db"))
    ratio = ratio_of(ours, bare)
    return Result(
        "Durable jobs: from the POST to the callback",
        (
            ("what", "per second", "CPU ms each"),
            ("jobs, end to end", f"{median(ours):.0f}", f"{median(spent):.1f}"),
            ("rows in groups", f"{median(bare):.0f}", "-"),
        ),
        f"jobs / rows: {ratio}; no aim is set",
        (
            f"{JOBS} infos a round on {ACCOUNTS} accounts, one caller each, {len(ours)} rounds; "
            f"bare rows of {len(_ROW):,} bytes, {ACCOUNTS} a commit",
        ),
    )


async def run_jobs(here: Installation, place: Outside, number: int, count: int = JOBS) -> float:
    """Submit a round of jobs. Returns: the seconds until the last callback"""
    left = iter(range(count))
    began_s = time.monotonic()
    callers = (_caller(here, place, number, left, one["channel_id"]) for one in here.accounts)
    await asyncio.gather(*callers)
    return time.monotonic() - began_s


async def _caller(
    here: Installation, place: Outside, number: int, left: Iterator[int], channel: str
) -> None:
    for index in left:
        name = f"durable-{number}-{index}"
        body = {"channel": channel, "replyUrl": place.callback_url(name)}
        await here.post("/v2/jobs/info", body)
        await place.arrival(name)


def _rows(path: Path) -> float:
    """Return the seconds that as many bare rows take."""
    database = apsw.Connection(str(path))
    database.execute("pragma journal_mode = wal; pragma synchronous = full")
    database.execute("create table rows (id integer primary key, body blob)")
    began_s = time.monotonic()
    for number in range(0, JOBS, ACCOUNTS):
        _commit(database, range(number, min(number + ACCOUNTS, JOBS)))
    took_s = time.monotonic() - began_s
    database.close()
    return took_s


def _commit(database: apsw.Connection, numbers: Sequence[int]) -> None:
    database.execute("begin immediate")
    for number in numbers:
        database.execute("insert into rows values (?, ?)", (number, _ROW))
    database.execute("commit")
