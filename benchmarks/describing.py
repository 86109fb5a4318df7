"""Describing: the service's processor time per describe against the sum of its bare parts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.bare_parts import BESIDE
from benchmarks.children import Child, child
from benchmarks.figures import Result, ratio_of
from benchmarks.installation import Installation, installation
from benchmarks.machine import SERVICE_CPU
from benchmarks.outside import Outside, outside
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = ["AIM", "measure"]

AIM = 4.0

_ACCOUNTS = 4
_DESCRIBES = 48
"""A round, as many at once as there are accounts."""


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: service, parts, parts, service, …"""
    async with (
        outside() as place,
        installation(folder, accounts=_ACCOUNTS + 1, equipped=_ACCOUNTS, speed=1000) as here,
        child(folder / "parts.log", SERVICE_CPU, "benchmarks.bare_parts") as parts,
    ):
        ours: list[float] = []
        bare: list[Mapping[str, float]] = []
        for number in range(-1, rounds):
            turns = (True, False) if number % 2 else (False, True)
            for is_ours in turns:
                if is_ours:
                    ours.append(await _describe(here, place))
                else:
                    bare.append(await _parts(parts, here, place, folder))
    return _result(ours[1:], bare[1:])  # the first turn warms up


async def _describe(here: Installation, place: Outside) -> float:
    """Return the service's processor seconds per describe, from POST to result."""
    channels = [account["channel_id"] for account in here.accounts[:_ACCOUNTS]]
    before = here.service.cpu_s
    await asyncio.gather(*(_describe_in(here, place, channel) for channel in channels))
    await here.settled()
    return (here.service.cpu_s - before) / _DESCRIBES


async def _describe_in(here: Installation, place: Outside, channel: str) -> None:
    body = {"describeUrl": place.picture_url, "channel": channel, "maxJobs": 15}
    for _ in range(_DESCRIBES // _ACCOUNTS):
        await here.post("/v2/jobs/describe", body)


async def _parts(
    parts: Child, here: Installation, place: Outside, folder: Path
) -> Mapping[str, float]:
    """Return the processor seconds of each part per describe."""
    spent = await parts.order(
        discord_url=here.simulator.ready["url"],
        account=here.accounts[_ACCOUNTS],
        application_id=MIDJOURNEY_APPLICATION_ID,
        picture_url=place.picture_url,
        folder=str(folder),
        times=_DESCRIBES,
        at_once=_ACCOUNTS,
    )
    return {name: float(seconds) / _DESCRIBES for name, seconds in spent.items()}


def _result(ours: Sequence[float], bare: Sequence[Mapping[str, float]]) -> Result:
    names = [name for name in bare[0] if name != BESIDE]
    sums = [sum(parts[name] for name in names) for parts in bare]
    ratio = ratio_of(ours, sums)
    return Result(
        "Describing a picture: processor time",
        (
            ("what", "CPU ms per describe"),
            *(_row(name, [parts[name] for parts in bare]) for name in names),
            _row("sum of the bare parts", sums),
            _row(BESIDE, [parts[BESIDE] for parts in bare]),
            _row("Waystation, POST to result", ours),
        ),
        f"processor time, Waystation / sum of the bare parts: {ratio}; aim at most {AIM}: "
        + ("met" if ratio.median <= AIM else "not met"),
        (
            "Waystation's figure holds besides: the caller's POST, the guard, Pillow's look at the "
            "picture, three commits more, the gateway's events and the log",
            f"{_DESCRIBES} describes a turn on {_ACCOUNTS} accounts, {len(ours)} rounds",
        ),
    )


def _row(name: str, seconds: Sequence[float]) -> Sequence[str]:
    return (name, f"{1000 * median(seconds):.2f}")
