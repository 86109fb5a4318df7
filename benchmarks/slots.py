"""Slot use: how long three slots are busy while a caller submits anew on each callback.

The simulator's book says when the bot took a job and when it sent the last message: in between a
slot is busy. What counts is the span in which there was work for every slot: from the first job
taken to the last one taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
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


async def measure(folder: Path, rounds: int) -> Result:
    """Let fifty imagines run on three slots, round after round."""
    shares, took = [], []
    async with (
        outside() as place,
        installation(folder, accounts=1, equipped=1, speed=_SPEED) as here,
    ):
        for number in range(rounds):
            pages = await _round(here, place, number)
            shares.append(busy_share(pages))
            took.append(sum(page["final_at_s"] - page["accepted_at_s"] for page in pages))
    ratio = Ratio(shares)
    job_s, idle_s = _job_and_gap(sum(took) / len(took) / _IMAGINES, ratio.median)
    return Result(
        "Slot use: imagines on three slots",
        (("a job at the bot, s", "a slot empty between two, s"), (f"{job_s:.2f}", f"{idle_s:.3f}")),
        f"slots busy: {ratio}; aim {AIM}: {'met' if ratio.median >= AIM else 'not met'}",
        (
            f"{_IMAGINES} imagines a round, {len(shares)} rounds, speed {_SPEED:g}, pacing 0, the "
            "next one submitted when the callback of one came",
        ),
    )


def busy_share(pages: Sequence[Any]) -> float:
    """Return the share of slot seconds in which the bot had a job, while work was left for all."""
    taken = [page["accepted_at_s"] for page in pages]
    begin, end = min(taken), max(taken)
    busy_s = sum(min(page["final_at_s"], end) - page["accepted_at_s"] for page in pages)
    return float(busy_s / (_SLOTS * (end - begin)))


def _job_and_gap(job_s: float, share: float) -> tuple[float, float]:
    return job_s, job_s * (1 - share) / share


async def _round(here: Installation, place: Outside, number: int) -> Sequence[Any]:
    before = len(await here.book())
    left = iter(range(_IMAGINES))
    await asyncio.gather(*(_caller(here, place, number, left) for _ in range(_SLOTS)))
    await here.settled()
    pages: Sequence[Any] = (await here.book())[before:]
    return pages


async def _caller(here: Installation, place: Outside, number: int, left: Iterator[int]) -> None:
    for index in left:
        name = f"slots-{number}-{index}"
        body = {"prompt": f"lighthouse {index}", "replyUrl": place.callback_url(name)}
        await here.post("/v2/jobs/imagine", body)
        await place.arrival(name)
