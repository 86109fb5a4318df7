"""Growth: what one job costs beside many ghosts and a long history, against beside none."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from msgspec.structs import replace

from benchmarks.figures import Result, ratio_of
from benchmarks.one_account import NOW, database_at
from waystation.app.limits import owner_limits
from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.conversation import Conversation
from waystation.ports import JobDraft
from waystation.settings import Settings
from waystation.store.rows import JOBS
from waystation.store.transactions import slots, upkeep

__all__ = ["measure"]

_GHOSTS = 20_000
_HISTORY = 300_000
_CALLS = 200
"""Of each thing in a round; each is some microseconds."""

_END = "update jobs set status = 'completed', finished_at = created_at"
_LIMITS = owner_limits(Settings()).conversation
_DRAFT = JobDraft(1, "info", {}, ["account"], takes_slot=False, max_jobs=None, lane=10**6)


async def measure(folder: Path, rounds: int) -> Result:
    """Measure each cost in turns, beside nothing and beside much."""
    small, large = _Place(folder / "small.db", 0, 0), _Place(folder / "large.db", _GHOSTS, _HISTORY)
    rows = [("what", "beside nothing, µs", "beside much, µs", "ratio")]
    worst = 0.0
    for name, of in _COSTS.items():
        turns = [(_timed(of(small)), _timed(of(large))) for _ in range(rounds)]
        ratio = ratio_of([many for _, many in turns], [none for none, _ in turns])
        rows.append((name, *_medians(turns), str(ratio)))
        worst = max(worst, ratio.median)
    small.close()
    large.close()
    verdict = f"the largest ratio is {worst:.2f}; flat is wanted, no aim is set for time"
    title = f"Growth: {_GHOSTS:,} ghosts of one account, {_HISTORY:,} completed jobs"
    return Result(title, rows, verdict, ("Flatness itself is asserted by counting, in the tests.",))


class _Place:
    """A database and a conversation with so many ghosts, and so many jobs before them."""

    def __init__(self, path: Path, ghosts: int, history: int) -> None:
        self.database = database_at(path)
        job = slots.add_job(self.database, _DRAFT, NOW)
        assert isinstance(job, Job)
        self.database.connection.execute(_END)
        self._copy(job.jobid, "history", history, "0")
        self._copy(job.jobid, "ghost", ghosts, "1")
        self.database.connection.execute("analyze")
        self.talk = Conversation("1", "2", _LIMITS, [job, *_ghosts(job, ghosts)])

    def close(self) -> None:
        self.database.connection.close()

    def _copy(self, jobid: str, name: str, count: int, ghost: str) -> None:
        """Write copies of a job, a second apart."""
        made = {
            "jobid": f"'{name}-' || number",
            "finished_at": "finished_at + number * 1000000",
            "ghost": ghost,
            "status": "'failed'" if ghost == "1" else "status",
        }
        columns = ", ".join(made.get(column, column) for column in JOBS.names)
        self.database.connection.execute(
            "with recursive numbers (number) as (select 1 where :count > 0 union all "
            "select number + 1 from numbers where number < :count) "
            f"insert into jobs ({', '.join(JOBS.names)}) "
            f"select {columns} from jobs, numbers where jobid = :jobid",
            {"count": count, "jobid": jobid},
        )


def _ghosts(job: Job, count: int) -> list[Job]:
    ghost = replace(job, status=JobStatus.FAILED, ghost=True, finished_at=NOW)
    return [replace(ghost, jobid=JobId(f"ghost-{number}")) for number in range(count)]


def _added(place: _Place) -> Callable[[], object]:
    def add() -> None:
        # what a flush to disk costs does not grow, so none is made
        place.database.connection.execute("begin immediate")
        slots.add_job(place.database, _DRAFT, NOW)
        place.database.connection.execute("rollback")

    return add


def _judged(place: _Place) -> Callable[[], object]:
    def judge() -> None:
        place.talk.wake_at(caught_up=True)
        place.talk.expire(NOW, caught_up=True)

    return judge


def _last(place: _Place) -> Callable[[], object]:
    values: dict[str, Any] = {"account_id": "account", "verbs": '["info","fast","relax","turbo"]'}
    return lambda: place.database.one("last_completed", values)


def _counted(place: _Place) -> Callable[[], object]:
    return lambda: upkeep.counts(place.database)


_COSTS: dict[str, Callable[[_Place], Callable[[], object]]] = {
    "a job is accepted (`add_job`)": _added,
    "verdicts after a commit (`wake_at`, `expire`)": _judged,
    "an account's last answer (`last_completed`)": _last,
    "the metrics' counts": _counted,
}


def _timed(call: Callable[[], object]) -> float:
    """Return microseconds of processor time per call."""
    began = time.process_time()
    for _ in range(_CALLS):
        call()
    return (time.process_time() - began) / _CALLS * 1e6


def _medians(turns: list[tuple[float, float]]) -> tuple[str, str]:
    none, many = zip(*turns, strict=True)
    return f"{median(none):.0f}", f"{median(many):.0f}"
