"""One honest user beside attackers: memory, failures and latencies of the real process.

How it works: the service runs as a process on the first processor, the attackers run as a process
on the last one, simulator and honest user wherever there is room. The service is used by the
honest user until it is warm, with the kinds of requests that the attackers send, too; then its
memory is read, the attackers come and go, and after a while of quiet the memory is read again.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from tests.e2e.attackers import Mallory, Orders, Report
from tests.e2e.conftest import LOOK_AGAIN_S, Person
from tests.e2e.process import Ground, another_person, ground
from tests.pictures import PROOFS

__all__ = ["Outcome", "beside_attackers"]

_USERS: Final = 2
_LOOK_EVERY_S: Final = 0.25
_READS_EVERY_S: Final = 0.1
_PACING_S: Final = 0.5
_WARM_AT_ONCE: Final = 32
_LARGE_BYTES: Final = 10_000_000


@dataclass
class Outcome:
    """The measured values. Units: seconds, MiB."""

    report: Report
    rss_before: float
    rss_most: float
    rss_after: float
    alone: list[float]
    """Times from POST to answer of a describe without attackers."""
    describes: list[float]
    reads: list[float]
    failures: list[str]
    """Refusals of the honest user, and missing answers."""
    threads_most: int
    log_megabytes: float

    @property
    def table(self) -> str:
        """The figures as they stand in docs/performance.md."""
        load, alone = self.report, statistics.median(self.alone)
        rows = (
            ("attackers, requests per second", f"{load.requests / load.seconds:,.0f}"),
            ("attackers, MB per second", f"{load.megabytes / load.seconds:,.0f}"),
            ("memory before, MiB", f"{self.rss_before:.0f}"),
            ("memory, most / before", f"{self.rss_most / self.rss_before:.2f}"),
            ("memory afterwards / before", f"{self.rss_after / self.rss_before:.2f}"),
            ("threads, most", f"{self.threads_most}"),
            ("log, MB", f"{self.log_megabytes:.1f}"),
            ("honest reads", f"{len(self.reads)}"),
            (
                "honest reads, p50 / p99, s",
                f"{_at(self.reads, 50):.3f} / {_at(self.reads, 99):.3f}",
            ),
            ("a describe's answer alone, median, s", f"{alone:.2f}"),
            (
                "honest describes beyond that, p50 / p99, s",
                f"{_at(self.describes, 50) - alone:.2f} / {_at(self.describes, 99) - alone:.2f}",
            ),
            ("honest describes", f"{len(self.describes)}"),
            ("honest requests that failed", f"{len(self.failures)}"),
        )
        return "\n".join(f"| {name} | {value} |" for name, value in rows)

    @property
    def slowest_read(self) -> float:
        """The time within which 99 of 100 reads were answered."""
        return _at(self.reads, 99)

    @property
    def usual_describe(self) -> float:
        """How much longer than alone half of the describes took at most."""
        return _at(self.describes, 50) - statistics.median(self.alone)

    @property
    def slowest_describe(self) -> float:
        """How much longer than alone 99 of 100 describes took."""
        return _at(self.describes, 99) - statistics.median(self.alone)


def _at(values: Sequence[float], percent: int) -> float:
    """Return a percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * len(ordered)))]


@dataclass
class _Honest:
    """A user who asks for what they need, and notes what it took."""

    here: Ground
    person: Person
    reads: list[float] = field(default_factory=list)
    describes: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    jobid: str = ""

    async def describe(self) -> None:
        """Have one picture described, and wait for its end."""
        picture = self.here.photo(PROOFS[len(self.describes) % len(PROOFS)].filename)
        began = time.monotonic()
        status, job, _ = await self.person.describe(picture)
        self.describes.append(time.monotonic() - began)
        if status != 200:
            self.failures.append(f"describe {status} {job}")
            return
        self.jobid = job["jobid"]
        async with asyncio.timeout(60):
            while (seen := await self.person.job(self.jobid))["status"] not in _FINAL:
                await asyncio.sleep(LOOK_AGAIN_S)
        if seen["status"] != "completed":
            self.failures.append(f"job {seen['status']} {seen.get('error')}")

    async def use(self) -> None:
        """Use what else there is: forms, several pictures, callbacks, refusals, many at once."""
        outside = self.here.outside
        # a kept connection may be closed by the service just when it is used again
        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        call = replace(self.person, http=http).call
        photo = self.here.photo(PROOFS[0].filename)
        large = outside.pictures[PROOFS[0].filename][2].ljust(_LARGE_BYTES, b"\0")
        form = aiohttp.FormData()
        form.add_field("describeFile", BytesIO(large), filename="large.png")
        requests = [
            call("POST", "/v2/jobs/describe", data=form),
            call("POST", "/v2/jobs/describe", {"describeUrl": outside.picture("large", large)}),
            call("POST", "/v2/jobs/blend", {"blendUrls": [photo] * 5}),
            call("POST", "/v2/jobs/info", {"replyUrl": f"{outside.url}/callback"}),
            call("POST", "/v2/jobs/imagine", {"prompt": "a lighthouse"}),
            call("POST", "/v2/jobs/button", {"jobid": self.jobid, "button": "1", "mask": _MASK}),
            call("POST", "/v2/jobs/describe", {"describeUrl": "http://127.0.0.1:9/x.png"}),
            *(call("GET", path) for path in ("/openapi.json", "/v2/jobs") * _WARM_AT_ONCE),
        ]
        async with http:
            await asyncio.gather(*requests)

    async def read(self) -> None:
        """Read all that a user reads, once."""
        for path in (f"/v2/jobs/?jobid={self.jobid}", "/v2/jobs", "/v2/account"):
            began = time.monotonic()
            status, body, _ = await self.person.call("GET", path)
            self.reads.append(time.monotonic() - began)
            if status != 200:
                self.failures.append(f"GET {path} {status} {body}")

    async def again_and_again(self, act: Callable[[], Any], every_s: float) -> None:
        while True:
            try:
                await act()
            except Exception as error:
                self.failures.append(f"{act.__name__} {type(error).__name__}: {error}")
            await asyncio.sleep(every_s)

    def forget(self) -> tuple[list[float], list[float]]:
        """Return the times so far, and begin anew."""
        told = self.reads, self.describes
        self.reads, self.describes = [], []
        return told


_MASK: Final = "eA" * 150_000
"""In size like a mask; the button takes none."""

_FINAL = ("completed", "failed", "moderated", "cancelled")


@dataclass
class _Watch:
    """The most that a process held while it was looked at."""

    pid: int
    rss: float = 0.0
    threads: int = 0

    def look(self) -> float:
        """Return what it holds now, MiB."""
        told = dict(
            line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines()
        )
        now = int(told["VmRSS"].split()[0]) / 1024
        self.rss, self.threads = max(self.rss, now), max(self.threads, int(told["Threads"]))
        return now

    async def keep(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_LOOK_EVERY_S)


async def beside_attackers(
    directory: Path,
    *,
    seconds: float,
    quiet_s: float,
    warm: int = 12,
    only: Sequence[str] = (),
) -> Outcome:
    """Let the attackers loose for a while, and measure.

    Args: quiet_s: how long after them the memory is read; warm: describes before them; only: names
    of attacks; empty: all
    """
    async with _stage(directory) as (here, users):
        honest = _Honest(here, here.ada)
        for _ in range(warm):
            await honest.describe()
            await honest.read()
        _, alone = honest.forget()
        for _ in range(max(2, warm // 12)):
            await honest.use()
        watch = _Watch(here.service.process.pid)
        before = watch.look()
        orders = Orders("127.0.0.1", int(here.url.rsplit(":", 1)[1]), seconds, users, list(only))
        acting = [
            asyncio.create_task(honest.again_and_again(honest.describe, _PACING_S)),
            asyncio.create_task(honest.again_and_again(honest.read, _READS_EVERY_S)),
            asyncio.create_task(watch.keep()),
        ]
        try:
            report = await _attacked(orders)
        finally:
            for task in acting:
                task.cancel()
            await asyncio.gather(*acting, return_exceptions=True)
        reads, describes = honest.forget()
        await asyncio.sleep(quiet_s)
        return Outcome(
            report=report,
            rss_before=before,
            rss_most=watch.rss,
            rss_after=watch.look(),
            alone=alone,
            describes=describes,
            reads=reads,
            failures=honest.failures,
            threads_most=watch.threads,
            log_megabytes=len(here.service.log) / 1e6,
        )


@asynccontextmanager
async def _stage(directory: Path) -> AsyncIterator[tuple[Ground, list[Mallory]]]:
    """Start the service with an honest user and hostile ones, each with an account and a job."""
    settings: dict[str, Any] = {"pacing_s": _PACING_S, "pacing_jitter_s": 0.0}
    accounts = 1 + _USERS
    async with ground(directory, accounts=accounts, speed=20.0, **settings) as here:
        here.program = ("-m", "tests.e2e.dead_dns")
        await here.settle_in(1)
        _use_processor(here.service.process.pid, first=True)
        yield here, [await _mallory(here, number) for number in range(1, accounts)]


async def _mallory(here: Ground, number: int) -> Mallory:
    person = await another_person(here, number)
    job = await person.run("imagine", prompt=f"a lighthouse of mallory {number}")
    assert job["status"] == "completed", job
    return Mallory(person.token, here.sim.accounts[number].channel_id, job["jobid"])


async def _attacked(orders: Orders) -> Report:
    attackers = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.e2e.attackers",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=_be_an_attacker,
    )
    try:
        said, _ = await attackers.communicate(msgspec.json.encode(orders) + b"\n")
    finally:
        with suppress(ProcessLookupError):
            attackers.kill()
    assert attackers.returncode == 0
    return msgspec.json.decode(said, type=Report)


def _be_an_attacker() -> None:
    """Use what one processor has to spare: the simulator and the honest user need some of it."""
    _use_processor(0, first=False)
    os.nice(5)


def _use_processor(pid: int, *, first: bool) -> None:
    """Keep a process on one processor, where there are several."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) > 1:
        os.sched_setaffinity(pid, {processors[0 if first else -1]})
