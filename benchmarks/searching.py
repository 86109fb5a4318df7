"""Searching: a page of a user's jobs, beside 1,000,000 jobs against beside 1,000.

How it works: rows are written as the service writes them, but for the parts of a job that a search
does not read. Words stand in every second prompt, in one of 1,000 and in none; one is Chinese.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from benchmarks.figures import Result, percentile, ratio_of
from benchmarks.one_account import NOW, database_at
from waystation.jobs import Job, JobStatus
from waystation.ports import JobDraft, JobSearch
from waystation.store.rows import JOBS
from waystation.store.sqlite.database import Database
from waystation.store.transactions import search, slots

__all__ = ["measure"]

_FEW, _MANY = 1_000, 1_000_000

_MANY_VARIABLE = "WAYSTATION_BENCH_JOBS"
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
    """Measure each search in turns, beside few and beside many."""
    many = int(os.environ.get(_MANY_VARIABLE, _MANY))
    small, large = _filled(folder / "small.db", _FEW), _filled(folder / "large.db", many)
    rows = [("search", f"of {_FEW:,}, ms", f"of {many:,}, ms", "p99, ms", "ratio", "met")]
    missed = []
    for name, what in _SEARCHES.items():
        turns = [(_timed(small, what), _timed(large, what)) for _ in range(rounds)]
        ratio = ratio_of([_ms(many) for _, many in turns], [_ms(few) for few, _ in turns])
        slow = percentile([one * 1e3 for _, many in turns for one in many], 99)
        took = median(_ms(many) for _, many in turns)
        met = ratio.median <= _AIM or slow < _AIM_MS
        missed += [] if met else [name]
        few_ms = median(_ms(few) for few, _ in turns)
        rows.append(
            (
                name,
                f"{few_ms:.2f}",
                f"{took:.2f}",
                f"{slow:.2f}",
                str(ratio),
                "yes" if met else "no",
            )
        )
    small.connection.close()
    large.connection.close()
    verdict = f"aim: a ratio of {_AIM}, or less than {_AIM_MS:.0f} ms; " + (
        f"missed by {', '.join(missed)}" if missed else "met by each"
    )
    return Result("Searching: a page of 50 jobs", rows, verdict)


def _timed(database: Database, what: JobSearch) -> Sequence[float]:
    took = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        search.find(database, what)
        took.append(time.perf_counter() - began)
    return took


def _ms(took: Sequence[float]) -> float:
    return median(took) * 1e3


def _filled(path: Path, count: int) -> Database:
    """Return a database with so many jobs of one user."""
    database = database_at(path)
    job = slots.add_job(database, _DRAFT, NOW)
    assert isinstance(job, Job)
    words = random.Random(7)
    spoken = ["".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(5_000)]
    database.connection.execute("pragma synchronous = off")
    for begin in range(1, count, _BATCH):
        database.connection.execute("begin")
        for number in range(begin, min(begin + _BATCH, count)):
            _add(database, job, number, " ".join(words.choices(spoken, k=10)))
        database.connection.execute("commit")
    return database


def _add(database: Database, like: Job, number: int, prompt: str) -> None:
    prompt += " sunset" if number % 2 else ""
    prompt += " cathedral" if number % 1_000 == 7 else ""
    prompt += " 雪中的红狐狸" if number % 1_000 == 8 else ""
    at = NOW + timedelta(seconds=number)
    since_ms = int(at.timestamp() * 1000)
    job = replace(
        like,
        jobid=slots.jobid_of(since_ms, like.user_id, like.channel),
        params={"prompt": prompt},
        created_at=at,
        status=JobStatus.FAILED if number % 7 == 1 else JobStatus.COMPLETED,
        finished_at=at,
        slot=False,
    )
    database.run("insert_job", JOBS.values(job))
    search.index_job(database, job.jobid, job.params)


_DRAFT = JobDraft(1, "imagine", {}, ["account"], takes_slot=False, max_jobs=None, lane=10**6)
