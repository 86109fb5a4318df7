"""Served: jobs from the POST to the callback by one node, on PostgreSQL against SQLite.

How it works: two installations run side by side, each with a simulator, a service and callers of
its own. They take turns, so that both meet the same noise. A service of PostgreSQL connects to a
server on the same machine. Measured is the processor time of the service alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.harness.postgresql import cluster, put_away

from benchmarks.durable import ACCOUNTS, JOBS, SPEED, run_jobs
from benchmarks.figures import Result, ratio_of
from benchmarks.installation import Installation, installation
from benchmarks.outside import Outside, outside
from waystation.vault import make_keys

__all__ = ["measure"]

AIM = 0.5


@dataclass
class _Spent:
    """Time of one node, by round."""

    cpu_ms: list[float] = field(default_factory=list)
    """Processor time of the service per job."""
    jobs: list[float] = field(default_factory=list)
    """Jobs per second."""


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: SQLite, PostgreSQL, SQLite, …"""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(outside())
        server = stack.enter_context(cluster())
        name = stack.enter_context(put_away(server))
        nodes: list[tuple[Installation, _Spent]] = []
        for told, url in (("sqlite", ""), ("postgresql", server.url(name))):
            place_of = folder / told
            place_of.mkdir()
            make_keys(place_of / "data")
            here = await stack.enter_async_context(
                installation(
                    place_of,
                    accounts=ACCOUNTS,
                    equipped=ACCOUNTS,
                    speed=SPEED,
                    settings={"WAYSTATION_DATABASE_URL": url} if url else None,
                )
            )
            nodes.append((here, _Spent()))
        for number in range(-1, rounds):
            for which, (here, spent) in enumerate(nodes):
                await _round(here, place, 2 * number + which, spent)
            if number < 0:  # the first turn warms up
                nodes = [(here, _Spent()) for here, _ in nodes]
    return _result(nodes[0][1], nodes[1][1], rounds)


async def _round(here: Installation, place: Outside, number: int, spent: _Spent) -> None:
    before = here.service.cpu_s
    spent.jobs.append(JOBS / await run_jobs(here, place, number))
    spent.cpu_ms.append(1e3 * (here.service.cpu_s - before) / JOBS)


def _result(lite: _Spent, big: _Spent, rounds: int) -> Result:
    ratio = ratio_of(lite.cpu_ms, big.cpu_ms)
    return Result(
        "Served: jobs of one node, from the POST to the callback",
        (
            ("what", "SQLite", "PostgreSQL", "PostgreSQL / SQLite, by speed"),
            _row("CPU ms of the service a job", lite.cpu_ms, big.cpu_ms, ratio),
            _row("jobs/s", lite.jobs, big.jobs, ratio_of(big.jobs, lite.jobs)),
        ),
        f"jobs per processor second of the node, PostgreSQL / SQLite: {ratio}; aim {AIM}: "
        + ("met" if ratio.median >= AIM else "not met"),
        (
            f"{JOBS} infos a round on {ACCOUNTS} accounts, one caller each, {rounds} rounds; "
            "the server's processor time is not counted",
        ),
    )


def _row(what: str, lite: Sequence[float], big: Sequence[float], ratio: object) -> Sequence[str]:
    return (what, f"{median(lite):.3g}", f"{median(big):.3g}", str(ratio))
