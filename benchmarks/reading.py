"""Reading a job: GET /v2/jobs/?jobid= against a bare ASGI app on the same server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import Child, child
from benchmarks.figures import Result, ratio_of
from benchmarks.installation import installation
from benchmarks.machine import CLIENT_CPU, SERVICE_CPU
from benchmarks.outside import outside

__all__ = ["measure"]

AIM = 0.6
_CONNECTIONS = 32
_SECONDS = 0.5

Round = Mapping[str, Any]


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: bare, service, service, bare, …"""
    async with (
        outside() as place,
        installation(folder, accounts=1, equipped=1, speed=1000) as here,
        child(folder / "load.log", CLIENT_CPU, "benchmarks.load") as load,
    ):
        job = await here.post("/v2/jobs/describe", {"describeUrl": place.picture_url})
        jobid = (await here.final(job["jobid"]))["jobid"]
        target = f"{here.url}/v2/jobs/?jobid={jobid}"
        async with here.http.get(target) as answer:
            body_bytes = len(await answer.read())
        async with child(
            folder / "bare.log", SERVICE_CPU, "benchmarks.bare_app", str(body_bytes)
        ) as bare:
            sides = ((bare, bare.ready["url"]), (here.service, target))
            found = await _take_turns(load, sides, here.token, rounds)
    return _result(found[0], found[1], body_bytes)


async def _take_turns(
    load: Child, sides: Sequence[tuple[Child, str]], token: str, rounds: int
) -> Sequence[Sequence[Round]]:
    found: tuple[list[Round], ...] = ([], [])
    for number in range(-1, rounds):
        for side in (0, 1) if number % 2 else (1, 0):
            server, url = sides[side]
            before = server.cpu_s
            measured = await load.order(
                url=url, token=token, connections=_CONNECTIONS, seconds=_SECONDS
            )
            used_s = server.cpu_s - before
            if number >= 0:  # the first turn warms up
                found[side].append(measured | {"cpu_us": 1e6 * used_s / measured["requests"]})
    return found


def _result(bare: Sequence[Round], ours: Sequence[Round], body_bytes: int) -> Result:
    ratio = ratio_of([each["per_s"] for each in ours], [each["per_s"] for each in bare])
    cpu = ratio_of([each["cpu_us"] for each in bare], [each["cpu_us"] for each in ours])
    met = "met" if min(ratio.median, cpu.median) >= AIM else "not met"
    return Result(
        "Reading a job: `GET /v2/jobs/?jobid=`",
        (
            ("server", "requests/s", "CPU µs/request", "p50 ms", "p99 ms"),
            _row("bare ASGI app, constant", bare),
            _row("Waystation, a described job", ours),
        ),
        f"requests/s, Waystation / bare: {ratio}; in processor time {cpu}; aim {AIM}: {met}",
        (
            "both have to reach it: on a busy machine the load generator holds back the bare app",
            f"{_CONNECTIONS} connections, {_SECONDS:g} s a turn, {len(bare)} rounds, "
            f"a body of {body_bytes} bytes",
        ),
    )


def _row(name: str, rounds: Sequence[Round]) -> Sequence[str]:
    def middle(key: str) -> float:
        return median(float(each[key]) for each in rounds)

    return (
        name,
        f"{middle('per_s'):.0f}",
        f"{middle('cpu_us'):.0f}",
        f"{middle('p50_ms'):.1f}",
        f"{middle('p99_ms'):.1f}",
    )
