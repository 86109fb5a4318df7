"""Searching: a page of a user's jobs, beside 1,000,000 jobs against beside 1,000, on each database.

How it works: rows are written as the service writes them, but for the parts of a job that a search
does not read; on PostgreSQL the server makes them itself, from one. Words stand in every second
prompt, in one of 1,000 and in none; one is Chinese.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median

import asyncpg
from msgspec.structs import replace
from tests.fakes import FakeClock
from tests.harness.postgresql import cluster, put_away
from tests.limits import GHOST_AGE

from benchmarks.figures import Result, percentile, ratio_of
from benchmarks.one_account import ACCOUNT, NOW, database_at
from waystation.jobs import Job, JobStatus
from waystation.ports import JobDraft, JobSearch
from waystation.store.postgresql.store import PostgresStore
from waystation.store.rows import JOBS
from waystation.store.sqlite.database import Database
from waystation.store.transactions import search, slots

__all__ = ["measure"]

_FEW, _MANY = 1_000, 1_000_000

_MANY_VARIABLE = "BENCH_JOBS"
"""Name of the variable with another number than 1,000,000, for a small run."""

_CALLS = 20
_BATCH = 10_000

_SEARCHES: Mapping[str, JobSearch] = {
    name: JobSearch(1, 50, text=text, statuses=statuses)
    for word, text in (
        ("no text", None),
        ("every second prompt", "sunset"),
        ("one in 1,000", "cathedral"),
        ("none", "zeppelin"),
        ("one in 1,000, Chinese", "红狐狸"),
    )
    for name, statuses in (
        (word, ()),
        (f"{word}, failed ones", (JobStatus.FAILED,)),
    )
}
"""Failed is one job in seven."""

_AIM, _AIM_MS = 1.5, 20.0


async def measure(folder: Path, rounds: int) -> Result:
    """Measure each search in turns, beside few and beside many, on SQLite and on PostgreSQL."""
    many = int(os.environ.get(_MANY_VARIABLE, _MANY))
    rows: list[tuple[str, ...]] = [
        ("search", f"of {_FEW:,}, ms", f"of {many:,}, ms", "p99, ms", "ratio", "met")
    ]
    missed: list[str] = []
    small, large = _filled(folder / "small.db", _FEW), _filled(folder / "large.db", many)
    for name, what in _SEARCHES.items():
        turns = [(_timed(small, what), _timed(large, what)) for _ in range(rounds)]
        rows.append(_row(name, turns, missed))
    small.connection.close()
    large.connection.close()
    with cluster() as server, put_away(server) as few_name, put_away(server) as many_name:
        few = await _filled_server(server.url(few_name), _FEW)
        more = await _filled_server(server.url(many_name), many)
        for name, what in _SEARCHES.items():
            turns = [(await _asked(few, what), await _asked(more, what)) for _ in range(rounds)]
            rows.append(_row(f"PostgreSQL: {name}", turns, missed))
        await few.close()
        await more.close()
    verdict = f"aim: a ratio of {_AIM}, or less than {_AIM_MS:.0f} ms; " + (
        f"missed by {', '.join(missed)}" if missed else "met by each"
    )
    return Result("Searching: a page of 50 jobs", rows, verdict)


def _row(
    name: str, turns: Sequence[tuple[Sequence[float], Sequence[float]]], missed: list[str]
) -> tuple[str, ...]:
    ratio = ratio_of([_ms(many) for _, many in turns], [_ms(few) for few, _ in turns])
    slow = percentile([one * 1e3 for _, many in turns for one in many], 99)
    met = ratio.median <= _AIM or slow < _AIM_MS
    missed += [] if met else [name]
    medians = [median(_ms(turn[place]) for turn in turns) for place in (0, 1)]
    figures = (*(f"{one:.2f}" for one in medians), f"{slow:.2f}", str(ratio))
    return (name, *figures, "yes" if met else "no")


def _timed(database: Database, what: JobSearch) -> Sequence[float]:
    took = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        search.find(database, what)
        took.append(time.perf_counter() - began)
    return took


def _ms(took: Sequence[float]) -> float:
    return median(took) * 1e3


async def _asked(store: PostgresStore, what: JobSearch) -> Sequence[float]:
    took = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        await store.search.find(what)
        took.append(time.perf_counter() - began)
    return took


async def _filled_server(url: str, count: int) -> PostgresStore:
    """Return a store with so many jobs of one user."""
    store = await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE)
    await store.add_user("bench@example.org", b"hash", NOW)
    await store.put_account(ACCOUNT)
    assert isinstance(await store.add_job(_DRAFT, NOW), Job)
    connection = await asyncpg.connect(url)
    columns = ", ".join(_MADE.get(name, f"jobs.{name}") for name in JOBS.names)
    await connection.execute(
        "create temporary table made (n bigint, ms bigint, jobid text, prompt text)"
    )
    made = ((n, *_named(n), prompt) for n, prompt in enumerate(_prompts(count), 1))
    await connection.copy_records_to_table("made", records=made)
    await connection.execute(
        f"insert into jobs ({', '.join(JOBS.names)}) select {columns} from jobs, made"
    )
    await connection.execute(
        "insert into job_finds select (1::bigint << 42) | ms, jobid from made;"
        "insert into job_texts select (1::bigint << 42) | ms, prompt from made"
    )
    await connection.execute("vacuum analyze")
    await connection.close()
    return store


def _filled(path: Path, count: int) -> Database:
    """Return a database with so many jobs of one user."""
    database = database_at(path)
    job = slots.add_job(database, _DRAFT, NOW)
    assert isinstance(job, Job)
    database.connection.execute("pragma synchronous = off")
    prompts = _prompts(count)
    for begin in range(1, count, _BATCH):
        database.connection.execute("begin")
        for number in range(begin, min(begin + _BATCH, count)):
            _add(database, job, number, next(prompts))
        database.connection.execute("commit")
    return database


def _prompts(count: int) -> Iterator[str]:
    """Return so many prompts less one: ten words of 5,000, and in some a word of their own."""
    words = random.Random(7)
    spoken = ["".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(5_000)]
    for number in range(1, count):
        prompt = " ".join(words.choices(spoken, k=10))
        prompt += " sunset" if number % 2 else ""
        prompt += " cathedral" if number % 1_000 == 7 else ""
        prompt += " 雪中的红狐狸" if number % 1_000 == 8 else ""
        yield prompt


def _named(number: int) -> tuple[int, str]:
    """Return when a job was made, in milliseconds since 1970 UTC, and its jobid."""
    since_ms = int((NOW + timedelta(seconds=number)).timestamp() * 1000)
    return since_ms, slots.jobid_of(since_ms, 1, ACCOUNT.channel)


def _add(database: Database, like: Job, number: int, prompt: str) -> None:
    at = NOW + timedelta(seconds=number)
    job = replace(
        like,
        jobid=_named(number)[1],
        params={"prompt": prompt},
        created_at=at,
        status=JobStatus.FAILED if number % 7 == 1 else JobStatus.COMPLETED,
        finished_at=at,
        slot=False,
    )
    database.run("insert_job", JOBS.values(job))
    search.index_job(database, job.jobid, job.params)


_DRAFT = JobDraft(1, "imagine", {}, ["account"], takes_slot=False, max_jobs=None, lane=10**6)

_MADE = {
    "jobid": "made.jobid",
    "params": "json_build_object('prompt', prompt)::text",
    "created_at": "ms * 1000",
    "updated_at": "ms * 1000",
    "finished_at": "ms * 1000",
    "status": "case when n % 7 = 1 then 'failed' else 'completed' end",
    "slot": "0",
}
"""Columns that differ from job to job."""
