"""Callbacks: from the bot's last message leaving the simulator to the caller's server.

The simulator's book says when a result was sent; the receiver notes when the callback came. Both
read the same clock. A bare listener hears the same messages on a session of its own and posts at
once: what it takes is the machine's share.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.children import child
from benchmarks.figures import Result, percentile, ratio_of
from benchmarks.installation import Installation, installation
from benchmarks.machine import CLIENT_CPU
from benchmarks.outside import Outside, outside

__all__ = ["measure"]

AIM_MS = 25.0
_ACCOUNTS = 4
_DESCRIBES = 24
"""A round, as many at once as there are accounts."""
_SPEED = 60.0
"""The bot takes about 0.1 s: results come one by one, some twenty a second."""


async def measure(folder: Path, rounds: int) -> Result:
    """Describe, round after round, both ways at once."""
    async with (
        outside() as place,
        installation(folder, accounts=_ACCOUNTS, equipped=_ACCOUNTS, speed=_SPEED) as here,
        child(folder / "listener.log", CLIENT_CPU, "benchmarks.bare_listener") as listener,
    ):
        await listener.order(
            gateway_url=here.simulator.ready["url"].replace("http", "ws", 1),
            callback_url=f"{place.url}/callback",
            tokens=[account["token"] for account in here.accounts],
        )
        ours: list[list[float]] = []
        bare: list[list[float]] = []
        for number in range(rounds + 1):
            found = await _round(here, place, f"{number}")
            if number:  # the first round warms up
                ours.append([ours_ms for ours_ms, _ in found])
                bare.append([bare_ms for _, bare_ms in found])
    return _result(ours, bare)


async def _round(here: Installation, place: Outside, name: str) -> Sequence[tuple[float, float]]:
    """Return the milliseconds of each describe, ours and the bare listener's."""
    place.arrived_at_s.clear()
    before = len(await here.book())
    channels = [account["channel_id"] for account in here.accounts]
    started = await asyncio.gather(
        *(_describe_in(here, place, channel, f"{name}-{channel}") for channel in channels)
    )
    names = {message_id: path for one in started for message_id, path in one}
    await place.arrivals(2 * len(names))
    return [
        (
            1000 * (place.arrived_at_s[names[page["message_id"]]] - page["final_at_s"]),
            1000 * (place.arrived_at_s[f"bare-{page['message_id']}"] - page["final_at_s"]),
        )
        for page in (await here.book())[before:]
    ]


async def _describe_in(
    here: Installation, place: Outside, channel: str, name: str
) -> Sequence[tuple[str, str]]:
    """Describe one picture after the other; return message ids and callbacks' names."""
    started = []
    for number in range(_DESCRIBES // _ACCOUNTS):
        path = f"{name}-{number}"
        job = await here.post(
            "/v2/jobs/describe",
            {
                "describeUrl": place.picture_url,
                "channel": channel,
                "replyUrl": place.callback_url(path),
                "maxJobs": 15,
            },
        )
        started.append((str(job["messageId"]), path))
    return started


def _result(ours: Sequence[Sequence[float]], bare: Sequence[Sequence[float]]) -> Result:
    all_ours = [each for one in ours for each in one]
    all_bare = [each for one in bare for each in one]
    p99 = percentile(all_ours, 99)
    ratio = ratio_of([median(one) for one in ours], [median(one) for one in bare])
    met = "met" if p99 < AIM_MS else "not met"
    return Result(
        "Callbacks: from the bot's last message to the caller's server",
        (
            ("who", "p50 ms", "p90 ms", "p99 ms", "max ms"),
            _row("bare listener", all_bare),
            _row("Waystation", all_ours),
        ),
        f"p99 {p99:.1f} ms; aim below {AIM_MS:.0f} ms on an idle machine: {met}",
        (
            f"median, Waystation / bare listener: {ratio}",
            f"load average at the end: {os.getloadavg()[0]:.1f}, this benchmark's share included",
            f"{len(all_ours)} describes on {_ACCOUNTS} accounts, {len(ours)} rounds; "
            "Waystation's time holds one commit of job, event and callback, flushed to disk, and "
            "whatever the other describes need meanwhile",
        ),
    )


def _row(name: str, values: Sequence[float]) -> Sequence[str]:
    shown = (percentile(values, 50), percentile(values, 90), percentile(values, 99), max(values))
    return (name, *(f"{value:.1f}" for value in shown))
