"""Slot use: how long three slots are busy while a caller submits anew on each callback.

It is measured without trouble, and with one fault in twenty jobs, each kind twice.

The simulator's book says when the bot took a job and when it sent the last message: in between a
slot is busy. What counts is the span in which there was work for every slot: from the first job
taken to the last one taken.

With faults the bot takes its usual time and the service waits as long as it usually does, because
some waits are no settings: an ask holds up the next one for 5 s (R15), a lost session is connected
anew after some seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Ratio, Result
from benchmarks.haste import HASTE
from benchmarks.installation import Installation, installation
from benchmarks.outside import Outside, outside

__all__ = ["busy_share", "measure"]

AIM = 0.95
_IMAGINES = 50
_SLOTS = 3
_SPEED = 10.0
"""The bot takes a tenth of its usual 20 to 60 s, so what we add between two jobs weighs tenfold."""

_FIRST_ANSWER_S, _SILENCE_S = 60.0, 60.0
"""The usual waits for the bot; a speed divides them as it divides the bot's own time."""

_FAULT_EVERY = 20
_FAULTS: Sequence[Mapping[str, Any]] = (
    {"name": "output_filters"},
    {"name": "server_error_before", "route": "interactions", "status": 502},
    {"name": "gateway_drop_lost", "at": "before_final"},
    {"name": "missing_result"},
    {"name": "no_interaction_events"},
    {"name": "no_answer"},
)

_FAULTS_EACH = 2
"""Faults of one account, of two kinds."""

_WITHIN_S = 150.0
"""Time in which the callback of a job comes that met a fault."""


async def measure(folder: Path, rounds: int) -> Result:
    """Let imagines run on three slots, round after round; then once with some faults."""
    shares, took = [], []
    (folder / "calm").mkdir()
    (folder / "faulty").mkdir()
    async with (
        outside() as place,
        installation(
            folder / "calm",
            accounts=1,
            equipped=1,
            speed=max(_SPEED, 2 * HASTE),
            max_jobs=_SLOTS,
        ) as here,
    ):
        channel = here.accounts[0]["channel_id"]
        for number in range(rounds):
            before = len(await here.book())
            await _run(here, place, channel, f"calm-{number}", _IMAGINES, ())
            await here.settled()
            pages = (await here.book())[before:]
            shares.append(busy_share(pages))
            took.append(sum(page["final_at_s"] - page["accepted_at_s"] for page in pages))
    with_faults = await _faulty(folder / "faulty")
    ratio = Ratio(shares)
    job_s, idle_s = _job_and_gap(sum(took) / len(took) / _IMAGINES, ratio.median)
    met = min(ratio.median, with_faults) >= AIM
    return Result(
        "Slot use: imagines on three slots",
        (("a job at the bot, s", "a slot empty between two, s"), (f"{job_s:.2f}", f"{idle_s:.3f}")),
        f"slots busy: {ratio}, with a fault in one of {_FAULT_EVERY} jobs {with_faults:.2f}; aim "
        f"{AIM} each: {'met' if met else 'not met'}",
        (
            f"{_IMAGINES} imagines a round, {len(shares)} rounds, speed {_SPEED:g}, pacing 0, the "
            "next one submitted when the callback of one came",
            f"with faults: {len(_FAULTS)} accounts, {_FAULTS_EACH * _FAULT_EVERY} imagines on "
            f"each, speed {HASTE:g}",
            "faults, each twice: " + ", ".join(str(one["name"]) for one in _FAULTS),
        ),
    )


async def _faulty(folder: Path) -> float:
    """Return the share of slots that are busy on accounts with some faults each, side by side."""
    waits = {"FIRST_ANSWER_S": _FIRST_ANSWER_S, "SILENCE_S": _SILENCE_S}
    settings = {f"WAYSTATION_{name}": str(wait_s / HASTE) for name, wait_s in waits.items()}
    count = len(_FAULTS)
    async with (
        outside() as place,
        installation(
            folder,
            accounts=count,
            equipped=count,
            speed=HASTE,
            max_jobs=_SLOTS,
            settings=settings,
        ) as here,
    ):
        runs = []
        for number, account in enumerate(here.accounts):
            its = (_FAULTS[number], _FAULTS[(number + count // 2) % count])
            faults = [{**one, "account": account["user_id"], "count": 1} for one in its]
            imagines = _FAULTS_EACH * _FAULT_EVERY
            runs.append(_run(here, place, account["channel_id"], f"bad-{number}", imagines, faults))
        await asyncio.gather(*runs)
        await here.settled()
        book = await here.book()
        pages = [
            [page for page in book if page["account"] == account["user_id"]]
            for account in here.accounts
        ]
    # the windows of the accounts are of about the same length
    return sum(map(busy_share, pages)) / count


def busy_share(pages: Sequence[Any]) -> float:
    """Return the share of slot seconds in which the bot had a job, while work was left for all."""
    taken = [page["accepted_at_s"] for page in pages]
    begin, end = min(taken), max(taken)
    worked = [page for page in pages if page["final_at_s"] is not None]
    busy_s = sum(min(page["final_at_s"], end) - page["accepted_at_s"] for page in worked)
    return float(busy_s / (_SLOTS * (end - begin)))


def _job_and_gap(job_s: float, share: float) -> tuple[float, float]:
    return job_s, job_s * (1 - share) / share


async def _run(
    here: Installation,
    place: Outside,
    channel: str,
    name: str,
    count: int,
    faults: Sequence[Mapping[str, Any]],
) -> None:
    """Let so many imagines run on the slots of one account."""
    left, coming = iter(range(count)), iter(faults)
    callers = (_caller(here, place, channel, name, left, coming) for _ in range(_SLOTS))
    await asyncio.gather(*callers)


async def _caller(
    here: Installation,
    place: Outside,
    channel: str,
    name: str,
    left: Iterator[int],
    faults: Iterator[Mapping[str, Any]],
) -> None:
    for index in left:
        fault = next(faults, None) if index % _FAULT_EVERY == _FAULT_EVERY // 2 else None
        if fault is not None:
            await here.fault(**fault)
        one = f"slots-{name}-{index}"
        body = {
            "prompt": f"lighthouse {name} {index}",
            "channel": channel,
            "replyUrl": place.callback_url(one),
        }
        async with here.http.post(f"{here.url}/v2/jobs/imagine", json=body) as answer:
            # the POST itself may tell the end of a job that met a fault
            accepted = answer.status < 300
        if accepted:
            await place.arrival(one, _WITHIN_S)
