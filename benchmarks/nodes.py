"""Nodes: two of them on one PostgreSQL database, against one.

How it works: two installations take turns, one with a single node, one with two that share its
accounts; both get the same jobs, in turns by each node. Measured is the processor time of the
nodes. Meanwhile the server is asked again and again which of its sessions wait for a lock. Then
describes are posted to the node that does not have their account, and at last one of two nodes is
killed, and the other one takes its accounts.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import aiohttp
import asyncpg
from tests.harness.postgresql import cluster, put_away

from benchmarks.children import child
from benchmarks.durable import ACCOUNTS, JOBS, SPEED, run_jobs
from benchmarks.figures import Result, percentile, ratio_of
from benchmarks.installation import Installation, add_user, installation
from benchmarks.machine import SERVICE_CPU
from benchmarks.outside import Outside, outside
from waystation.vault import make_keys

__all__ = ["measure"]

AIM = 0.9
LOCK_AIM = 0.05
CALLBACK_AIM_MS = 100.0
TAKEN_AIM_S = 5.0

_LEASE_S = 10.0
_TAKEN = 100
"""Accounts of the node that is killed."""

_OF_USER = 50
"""Accounts of one user: of more than 60 tokens an hour nobody is asked."""

_DESCRIBES = 160
_LOOK_S = 0.01
_SPREAD_WITHIN_S = 240.0


class _Locks:
    """Looks at the server's sessions, and counts those that wait for a lock."""

    def __init__(self) -> None:
        self.looks = 0
        self.waited: Counter[str] = Counter()

    @asynccontextmanager
    async def looking(self, url: str, *, counts: bool) -> AsyncIterator[None]:
        """Look again and again as long as the block."""
        looking = asyncio.create_task(self._look(url)) if counts else None
        try:
            yield
        finally:
            if looking is not None:
                looking.cancel()
                await asyncio.wait([looking])

    async def _look(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            while True:
                rows = await connection.fetch(
                    "select distinct wait_event from pg_stat_activity"
                    " where wait_event_type = 'Lock' and datname = current_database()"
                )
                self.looks += 1
                self.waited.update(str(row["wait_event"]) for row in rows)
                await asyncio.sleep(_LOOK_S)
        finally:
            await connection.close()

    @property
    def most(self) -> tuple[str, float]:
        """The sort of lock that is waited for most, and its share of the looks."""
        ((name, count),) = self.waited.most_common(1) or [("none", 0)]
        return name, count / max(1, self.looks)


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: one node, two nodes, one node, …; then kill one of two."""
    locks = _Locks()
    one: list[float] = []
    two: list[float] = []
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(outside())
        server = stack.enter_context(cluster())
        urls = [server.url(stack.enter_context(put_away(server))) for _ in range(3)]
        single = await stack.enter_async_context(_installed(folder / "one", urls[0], ACCOUNTS))
        first = await stack.enter_async_context(_installed(folder / "two", urls[1], ACCOUNTS))
        second = await stack.enter_async_context(_another(folder / "two", first))
        await _even([first, second])
        for number in range(-1, rounds):
            alone_ms = await _round([single], place, 2 * number)
            async with locks.looking(urls[1], counts=number >= 0):
                both_ms = await _round([first, second], place, 2 * number + 1)
            if number >= 0:  # the first turn warms up
                one.append(alone_ms)
                two.append(both_ms)
        late = await _from_elsewhere(place, first, second, urls[1])
        taken_s = await _taken_over(folder / "taken", urls[2])
    return _result(one, two, locks, late, taken_s)


async def _round(nodes: Sequence[Installation], place: Outside, number: int) -> float:
    """Let each node get a part of the jobs; return the milliseconds of processor time a job."""
    before = sum(node.service.cpu_s for node in nodes)
    share = len(nodes)
    parts = [
        replace(node, accounts=node.accounts[index:ACCOUNTS:share])
        for index, node in enumerate(nodes)
    ]
    await asyncio.gather(
        *(
            run_jobs(part, place, 1000 * number + index, JOBS // share)
            for index, part in enumerate(parts)
        )
    )
    return 1e3 * (sum(node.service.cpu_s for node in nodes) - before) / JOBS


async def _from_elsewhere(
    place: Outside, first: Installation, second: Installation, url: str
) -> Sequence[float]:
    """Describe, one after the other, by the node that does not have the account.

    Returns: milliseconds from the bot's last message to the callback, of each
    """
    before = len(await first.book())
    of_first = await _channels_of_first(url)
    channels = [one["channel_id"] for one in first.accounts[:ACCOUNTS]]
    names: dict[str, str] = {}
    for number in range(_DESCRIBES):
        channel, path = channels[number % len(channels)], f"elsewhere-{number}"
        node = second if channel in of_first else first
        job = await node.post(
            "/v2/jobs/describe",
            {
                "describeUrl": place.picture_url,
                "channel": channel,
                "replyUrl": place.callback_url(path),
                "maxJobs": 15,
            },
        )
        names[str(job["messageId"])] = path
        await place.arrival(path)
    return [
        1e3 * (place.arrived_at_s[names[page["message_id"]]] - page["final_at_s"])
        for page in (await first.book())[before:]
    ]


async def _taken_over(folder: Path, url: str) -> float:
    """Kill one of two nodes; return the seconds until the other one hears all accounts."""
    count = 2 * _TAKEN
    lease = {"WAYSTATION_LEASE_S": str(_LEASE_S)}
    async with (
        _installed(folder, url, count, equipped=0, settings=lease) as here,
        _another(folder, here) as other,
    ):
        for begin in range(0, count, _OF_USER):
            token = await add_user(here.environment, f"user-{begin}")
            async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
                await replace(here, http=http).equip(here.accounts[begin : begin + _OF_USER])
        async with asyncio.timeout(_SPREAD_WITHIN_S):
            while [await _heard(here), await _heard(other)] != [_TAKEN, _TAKEN]:
                await asyncio.sleep(_LOOK_S)
        os.kill(other.service.pid, signal.SIGKILL)
        began_s = time.monotonic()
        async with asyncio.timeout(_SPREAD_WITHIN_S):
            while await _heard(here) < count:
                await asyncio.sleep(_LOOK_S)
        return time.monotonic() - began_s


async def _heard(node: Installation) -> int:
    """Return how many accounts a node hears."""
    async with node.http.get(f"{node.url}/readyz") as answer:
        return int((await answer.json())["sessions"].get("connected", 0))


async def _even(nodes: Sequence[Installation]) -> None:
    async with asyncio.timeout(_SPREAD_WITHIN_S):
        while len({await _heard(node) for node in nodes}) > 1:
            await asyncio.sleep(_LOOK_S)


async def _channels_of_first(url: str) -> set[str]:
    """Return the channels of the accounts of the node that began first."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select channel from accounts join assignments using (account_id)"
            " join nodes using (node_id) where began_at = (select min(began_at) from nodes)"
        )
    finally:
        await connection.close()
    return {row["channel"] for row in rows}


@asynccontextmanager
async def _installed(
    folder: Path,
    url: str,
    accounts: int,
    *,
    equipped: int = ACCOUNTS,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Installation]:
    folder.mkdir()
    make_keys(folder / "data")
    async with installation(
        folder,
        accounts=accounts,
        equipped=equipped,
        speed=SPEED,
        settings={"WAYSTATION_DATABASE_URL": url, **(settings or {})},
    ) as here:
        yield here


@asynccontextmanager
async def _another(folder: Path, here: Installation) -> AsyncIterator[Installation]:
    """Start one more node, and yield the installation as it is seen by it."""
    async with child(
        folder / "other.log",
        SERVICE_CPU,
        *("waystation", "serve", "--json"),
        environment=here.environment,
    ) as service:
        yield replace(here, service=service, url=service.ready["url"])


def _result(
    one: Sequence[float],
    two: Sequence[float],
    locks: _Locks,
    late: Sequence[float],
    taken_s: float,
) -> Result:
    ratio, p99 = ratio_of(one, two), percentile(late, 99)
    lock, share = locks.most
    over_s = taken_s - _LEASE_S
    return Result(
        "Nodes: two on one PostgreSQL database",
        (
            ("what", "figure", "aim", "met"),
            (
                "jobs per processor second, two nodes / one",
                str(ratio),
                f"{AIM}",
                _met(ratio.median >= AIM),
            ),
            (
                f"share of the time in which somebody waited for a lock ({lock})",
                f"{share:.3f}",
                f"{LOCK_AIM}",
                _met(share <= LOCK_AIM),
            ),
            (
                "final message to callback, the POST on the other node, p50 and p99, ms",
                f"{percentile(late, 50):.1f}, {p99:.1f}",
                f"{CALLBACK_AIM_MS:.0f}",
                _met(p99 < CALLBACK_AIM_MS),
            ),
            (
                f"take-over of {_TAKEN} accounts, seconds beyond the end of a lease at most",
                f"{over_s:.1f}",
                f"{TAKEN_AIM_S:.0f}",
                _met(over_s <= TAKEN_AIM_S),
            ),
        ),
        f"jobs per processor second, two nodes / one: {ratio}; aim {AIM}: "
        + ("met" if ratio.median >= AIM else "not met"),
        (
            f"{JOBS} infos a round on {ACCOUNTS} accounts of one user, {len(one)} rounds: "
            f"{median(one):.1f} and {median(two):.1f} ms of the nodes' processor time a job; "
            "all nodes on one processor, the server's time is not counted",
            f"{locks.looks} looks at the server's sessions; the lock most waited for counts",
            f"{len(late)} describes, one after the other",
            f"a lease of {_LEASE_S:.0f} s, a part of which is over when its node is killed",
        ),
    )


def _met(is_met: bool) -> str:
    return "yes" if is_met else "no"
