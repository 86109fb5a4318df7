"""Gateway events read, matched and recorded per second, against decoding the same frames.

How it works: a fresh service finds accounts in its database whose jobs were submitted before. Each
account connects and hears prepared frames, its own jobs' results among other people's noise. The
round ends when the last job is completed in the database. Pure decoding takes the same frames
through msgspec in this process: the envelope, then the struct for `t`, as the service does it.

There are two mixtures. They tell apart what an event of ours costs, and a foreign one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import msgspec

from benchmarks.children import Child, child
from benchmarks.figures import Result, ratio_of
from benchmarks.frames import OWN_PER_JOB, AskedJob, frames
from benchmarks.installation import service_environment
from benchmarks.machine import CLIENT_CPU, SERVICE_CPU
from benchmarks.submitted import Asked, submitted_jobs
from waystation.wire.gateway import Frame
from waystation.wire.interaction import InteractionEvent
from waystation.wire.message import Message

__all__ = ["AIM", "measure"]

AIM = 0.1

_ACCOUNTS = 16
_DONE_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.02

_SHAPES: Mapping[str, Any] = {
    "MESSAGE_CREATE": msgspec.json.Decoder(Message).decode,
    "MESSAGE_UPDATE": msgspec.json.Decoder(Message).decode,
    "INTERACTION_SUCCESS": msgspec.json.Decoder(InteractionEvent).decode,
}
_decode_frame = msgspec.json.Decoder(Frame).decode


@dataclass(frozen=True)
class _Mixture:
    """How many jobs each account has in flight, and how many events are foreign for one of them."""

    jobs: int
    foreign_per_own: int

    def __str__(self) -> str:
        return f"one event in {1 + self.foreign_per_own} is ours"


_BUSY = _Mixture(jobs=12, foreign_per_own=9)
"""Twelve jobs: what Midjourney's largest plans run at once. The aim is about this mixture."""

_SHARED = _Mixture(jobs=3, foreign_per_own=99)
"""A channel among many of a server with many members."""


@dataclass(frozen=True)
class _Turn:
    """The cost of one turn, for all its events."""

    events: int
    wall_s: float
    cpu_s: float


_Turns = tuple[list[_Turn], list[_Turn]]
"""The service's, and those of pure decoding."""


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: the service, then pure decoding of the same frames, for each mixture."""
    turns: dict[_Mixture, _Turns] = {_BUSY: ([], []), _SHARED: ([], [])}
    async with child(folder / "gateway.log", CLIENT_CPU, "benchmarks.gateway_server") as gateway:
        for number in range(rounds):
            for mixture, (ours, bare) in turns.items():
                place = folder / f"round-{number}-{mixture.foreign_per_own}"
                place.mkdir()
                turn, accounts = await _record(place, gateway, mixture)
                ours.append(turn)
                bare.append(_decode([each for account in accounts for each in _frames_of(account)]))
    return _result(turns)


async def _record(folder: Path, gateway: Child, mixture: _Mixture) -> tuple[_Turn, Sequence[Asked]]:
    """Let a fresh service hear all frames."""
    url = gateway.ready.get("url") or (await gateway.order(accounts=[]))["url"]
    environment = service_environment(folder, str(url))
    accounts = await submitted_jobs(
        environment, _ACCOUNTS, mixture.jobs, foreign_per_own=mixture.foreign_per_own
    )
    await gateway.order(accounts=accounts)
    database = folder / "data" / "waystation.db"
    async with child(
        folder / "service.log",
        SERVICE_CPU,
        *("waystation", "serve", "--json"),
        environment=environment,
    ) as service:
        await gateway.order(wait=True)
        before = service.cpu_s
        began_s = (await gateway.order(go=True))["began_s"]
        finished_s = await _completed(database, _ACCOUNTS * mixture.jobs)
        spent_s = service.cpu_s - before
    events = sum(len(_frames_of(account)) for account in accounts)
    return _Turn(events, finished_s - began_s, spent_s), accounts


def _frames_of(account: Asked) -> Sequence[bytes]:
    jobs = [AskedJob(**job) for job in account["jobs"]]
    where = (account["guild"], account["channel"], account["user"])
    return frames(*where, jobs, account["foreign_per_own"], account["seed"])


async def _completed(path: Path, count: int) -> float:
    """Return when the last of so many jobs was completed, wall clock."""
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    query = "select count(*), max(finished_at) from jobs where status = 'completed'"
    try:
        async with asyncio.timeout(_DONE_WITHIN_S):
            while True:
                completed, last_us = database.execute(query).fetchall()[0]
                if completed == count:
                    return float(last_us or 0) / 1e6
                await asyncio.sleep(_LOOK_AGAIN_S)
    finally:
        database.close()


def _decode(every: Sequence[bytes]) -> _Turn:
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for data in every:
        frame = _decode_frame(data)
        shape = _SHAPES.get(frame.t or "")
        if shape is not None:
            shape(frame.d)
    return _Turn(len(every), time.perf_counter() - began_s, time.process_time() - cpu_s)


def _result(turns: Mapping[_Mixture, _Turns]) -> Result:
    ratios = {mixture: ratio_of(*map(_per_s, pair)) for mixture, pair in turns.items()}
    cpu = {
        mixture: ratio_of([turn.cpu_s for turn in bare], [turn.cpu_s for turn in ours])
        for mixture, (ours, bare) in turns.items()
    }
    ratio, jobs = ratios[_BUSY], _ACCOUNTS * _BUSY.jobs
    foreign_us, own_us = _costs(turns)
    return Result(
        "Gateway events read, matched and recorded",
        (
            ("what", "events/s", "CPU µs/event"),
            *(
                _row(f"{name}, {mixture}", each)
                for mixture, pair in turns.items()
                for name, each in zip(("Waystation", "pure decoding"), pair, strict=True)
            ),
        ),
        f"events/s, Waystation / pure decoding, {_BUSY}: {ratio}; aim {AIM}: "
        + ("met" if ratio.median >= AIM else "not met"),
        (
            f"the same where {_SHARED}: {ratios[_SHARED]}",
            f"in processor time: {cpu[_BUSY]}, and {cpu[_SHARED]}",
            f"processor time of an event that is ours {own_us:.0f} µs, of a foreign one "
            f"{foreign_us:.1f} µs, by the two mixtures",
            f"{turns[_BUSY][0][0].events} events a turn on {_ACCOUNTS} accounts, "
            f"{OWN_PER_JOB * jobs} of them about {jobs} own jobs ({2 * jobs} steps committed, "
            f"those that wait together at once), {len(turns[_BUSY][0])} rounds",
            "Waystation's figure holds inflating, the websocket and the session besides",
        ),
    )


def _costs(turns: Mapping[_Mixture, _Turns]) -> tuple[float, float]:
    """Return the microseconds of a foreign event and of one that is ours."""
    busy_us, shared_us = (_cpu_us(turns[mixture][0]) for mixture in (_BUSY, _SHARED))
    busy, shared = (1 / (1 + mixture.foreign_per_own) for mixture in (_BUSY, _SHARED))
    own_more_us = (busy_us - shared_us) / (busy - shared)
    foreign_us = shared_us - shared * own_more_us
    return foreign_us, foreign_us + own_more_us


def _per_s(turns: Sequence[_Turn]) -> Sequence[float]:
    return [turn.events / turn.wall_s for turn in turns]


def _cpu_us(turns: Sequence[_Turn]) -> float:
    return median(1e6 * turn.cpu_s / turn.events for turn in turns)


def _row(name: str, turns: Sequence[_Turn]) -> Sequence[str]:
    return (name, f"{median(_per_s(turns)):.0f}", f"{_cpu_us(turns):.1f}")
