"""Slot use: how long three slots are busy while a caller submits anew on each callback.

It is measured without trouble, and with one fault in twenty jobs, each kind in its turn.

The simulator's book says when the bot took a job and when it sent the last message: in between a
slot is busy. What counts is the span in which there was work for every slot: from the first job
taken to the last one taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Ratio, Result
from benchmarks.installation import Installation, installation
from benchmarks.outside import Outside, outside

__all__ = ["busy_share", "measure"]

AIM = 0.95
_IMAGINES = 50
_SLOTS = 3
_SPEED = 10.0
"""The bot takes a tenth of its usual 20 to 60 s, so what we add between two jobs weighs tenfold."""

_SETTINGS = {"WAYSTATION_FIRST_ANSWER_S": "6", "WAYSTATION_SILENCE_S": "6"}
"""A tenth of the usual waits for the bot, as the bot's own time."""

_FAULT_EVERY = 20
_FAULTS: Sequence[Mapping[str, Any]] = (
    {"name": "output_filters", "count": 1},
    {"name": "server_error_before", "route": "interactions", "status": 502, "count": 1},
    {"name": "gateway_drop_lost", "at": "before_final", "count": 1},
    {"name": "missing_result", "count": 1},
    {"name": "no_interaction_events", "count": 1},
    {"name": "no_answer", "count": 1},
)

_FAULTY = _FAULT_EVERY * len(_FAULTS)


async def measure(folder: Path, rounds: int) -> Result:
    """Let imagines run on three slots, round after round: without faults, and with some."""
    shares, faulty, took = [], [], []
    async with (
        outside() as place,
        installation(
            folder, accounts=1, equipped=1, speed=_SPEED, settings=_SETTINGS, max_jobs=_SLOTS
        ) as here,
    ):
        for number in range(rounds):
            pages = await _round(here, place, f"calm-{number}", _IMAGINES)
            shares.append(busy_share(pages))
            took.append(sum(page["final_at_s"] - page["accepted_at_s"] for page in pages))
            faulty.append(busy_share(await _round(here, place, f"bad-{number}", _FAULTY, _FAULTS)))
    ratio, with_faults = Ratio(shares), Ratio(faulty)
    job_s, idle_s = _job_and_gap(sum(took) / len(took) / _IMAGINES, ratio.median)
    met = min(ratio.median, with_faults.median) >= AIM
    return Result(
        "Slot use: imagines on three slots",
        (("a job at the bot, s", "a slot empty between two, s"), (f"{job_s:.2f}", f"{idle_s:.3f}")),
        f"slots busy: {ratio}, with a fault in one of {_FAULT_EVERY} jobs {with_faults}; aim {AIM} "
        f"each: {'met' if met else 'not met'}",
        (
            f"{_IMAGINES} imagines a round without faults, {_FAULTY} with {len(_FAULTS)}, "
            f"{len(shares)} rounds, speed {_SPEED:g}, pacing 0, the next one submitted when the "
            "callback of one came",
            "faults: " + ", ".join(str(one["name"]) for one in _FAULTS),
        ),
    )


def busy_share(pages: Sequence[Any]) -> float:
    """Return the share of slot seconds in which the bot had a job, while work was left for all."""
    taken = [page["accepted_at_s"] for page in pages]
    begin, end = min(taken), max(taken)
    worked = [page for page in pages if page["final_at_s"] is not None]
    busy_s = sum(min(page["final_at_s"], end) - page["accepted_at_s"] for page in worked)
    return float(busy_s / (_SLOTS * (end - begin)))


def _job_and_gap(job_s: float, share: float) -> tuple[float, float]:
    return job_s, job_s * (1 - share) / share


async def _round(
    here: Installation,
    place: Outside,
    name: str,
    count: int,
    faults: Sequence[Mapping[str, Any]] = (),
) -> Sequence[Any]:
    before = len(await here.book())
    left, coming = iter(range(count)), iter(faults)
    callers = (_caller(here, place, name, left, coming) for _ in range(_SLOTS))
    await asyncio.gather(*callers)
    await here.settled()
    pages: Sequence[Any] = (await here.book())[before:]
    return pages


async def _caller(
    here: Installation,
    place: Outside,
    name: str,
    left: Iterator[int],
    faults: Iterator[Mapping[str, Any]],
) -> None:
    for index in left:
        fault = next(faults, None) if index % _FAULT_EVERY == _FAULT_EVERY // 2 else None
        if fault is not None:
            await here.fault(**fault)
        one = f"slots-{name}-{index}"
        body = {"prompt": f"lighthouse {name} {index}", "replyUrl": place.callback_url(one)}
        async with here.http.post(f"{here.url}/v2/jobs/imagine", json=body) as answer:
            # the POST itself may tell the end of a job that met a fault
            accepted = answer.status < 300
        if accepted:
            await place.arrival(one)
