"""The crash matrix: a service that dies at each await point that something reaches.

How it works: a reference run does each deed twice and finds the points (`awaits.py`). Then there is
a death at each side of each point; at a commit of a job's step, and where a callback is tried
again, at each time that it is passed, as each is another matter. The service is told where to die,
the deed is done, the next service starts on what is on disk, and everything must come to rest with
the end that the book has for it. A death while a service starts comes after another one has left a
job behind. Services are forked from processes that stay (`forks.py`), so that a death and a start
take a fraction of a second.

On PostgreSQL there are two services. Either dies: the one that has the account, and the other.
Whichever is left must bring everything to rest alone; then the dead one starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

from tests.e2e import zeros
from tests.e2e.awaits import ARM, DIES_AT, RECORDS, Death, Moment
from tests.e2e.deeds import DEEDS, REFUSED, Place, laid_out
from tests.e2e.deeds_on_nodes import ACCOUNTS_NODE, ALONE, KILLED, ON_NODES
from tests.e2e.fork import forking
from tests.e2e.forks import ARMED, LEASE_S
from tests.e2e.nodes import Node, NodeProcess
from tests.e2e.process import ground
from tests.harness.postgresql import Cluster, put_away
from waystation.simulator.discord.sessions import Disturbance

__all__ = [
    "LEAST",
    "LEAST_SHARE",
    "MISSED_AT_MOST",
    "NODES_LEASE_S",
    "PARTS",
    "SEED",
    "STARTS",
    "Crash",
    "Walk",
    "at_rest",
    "found",
    "in_parts",
    "once_each",
    "standing",
    "walked",
    "wandered",
]

STARTS = "a start after a crash"
"""The deed of a service that starts."""

TIMES = 10
"""How often a point is passed in one deed at most, to be a death each time, where that counts."""

LINGERS_S = 3.0
"""How long a death is waited for when all is at rest."""

TRIES = 4
"""How many deeds are done at most until one reaches its point, where it is sure to be reached; of
several nodes each has its part of them."""

ROUNDS = 2
"""Of the reference run: a point that is not passed in each of them is reached by chance."""

AT_REST_S = 150.0
"""Longest time after a death in which all ends. The second attempt of a callback that the dead
process had claimed is due after 9 s; turns beside look-alikes take 24 s, and their jobs 20 s."""

PARTS = 4
"""Tests of the matrix, which workers share."""

LEAST = 150
"""Deaths; far fewer would mean that the points are not found any more."""

LEAST_SHARE = 0.8
"""Of the deaths that happen: commits that go together are passed less often than they were."""

MISSED_AT_MOST = 2
"""Deaths of a test whose points were reached twice by the reference run, and then not again."""

SEED = 1
"""Of the simulator."""

COMMITS = ("Writer.run:", "Pool._begun:")
"""Functions that wait for a commit."""

LOST = 0.5
"""How often a session gets lost with a death, where chance decides."""

LIMITS: Mapping[str, Any] = {
    **{"first_answer_s": 4.0, "slot_hold_s": 2.0, "vanish_grace_s": 1.0, "callback_timeout_s": 3.0},
    # copies of files begin seconds after a job: whether a deed meets them is chance
    "media": "refresh",
}

NODES = 2
"""Services on PostgreSQL."""

NODES_LEASE_S = 1.0

LIMITS_OF_NODES: Mapping[str, Any] = {
    # one node takes over from another, and may IDENTIFY again, within the time of a turn
    **{"first_answer_s": 12.0, "database_connections": 5},
}


@dataclass(frozen=True)
class Crash:
    """A death, and what goes on then."""

    deed: str
    death: Death
    node: int = 0
    """The service that dies: its place in `Place.nodes`."""
    also: tuple[str, ...] = ()
    """Other deeds that reach it."""
    is_sure: bool = True
    """Each doing of the deed reaches it. Commits may go together: each is sure to be passed once,
    and not how often."""

    def __str__(self) -> str:
        return f"{self.deed}: node {self.node}: {self.death}"


@contextlib.asynccontextmanager
async def standing(
    directory: Path,
    options: Mapping[str, Any] | None = None,
    cluster: Cluster | None = None,
    **values: Any,
) -> AsyncIterator[Place]:
    """Lay out an installation whose services are forked and seen.

    Args: as of `ground`; cluster: two nodes on a database of it; None: one service on SQLite
    """
    directory.mkdir(exist_ok=True)
    options = {"picture_size": 64, "log_limit": 200_000, "seed": SEED, **(options or {})}
    async with contextlib.AsyncExitStack() as stack:
        count, limits = 1, {**LIMITS}
        if cluster is not None:
            url = cluster.url(stack.enter_context(put_away(cluster)))
            count, limits = NODES, {**LIMITS, **LIMITS_OF_NODES, "database_url": url}
        values = {**limits, **values}
        children = [await stack.enter_async_context(forking()) for _ in range(count)]
        here = await stack.enter_async_context(
            ground(directory, accounts=count, options=options, **values)
        )
        here.child = children[0]
        if cluster is not None:
            here.environment[LEASE_S] = str(NODES_LEASE_S)
        here.environment[DIES_AT] = str(directory / "death 0")
        place = await laid_out(here)
        for number, child in enumerate(children[1:], 1):
            node = NodeProcess(here, number, child=child)
            node.environment[DIES_AT] = str(directory / f"death {number}")
            place.nodes.append(node)
            stack.push_async_callback(_ended, node)
            await node.start()
        if cluster is not None:
            place.deeds = ON_NODES
        yield place


async def _ended(node: Node) -> None:
    await node.service.end()


# ── the points ──


async def found(directory: Path, cluster: Cluster | None = None) -> list[Crash]:
    """Do each deed twice, and return a crash for each side of each point that it passes."""
    async with standing(directory, cluster=cluster) as place:
        for number, node in enumerate(place.nodes):
            node.environment[RECORDS] = str(directory / f"points {number}")
        place.down.update(place.nodes)
        await place.all_start()
        passed: dict[tuple[str, int], list[Counter[str]]] = defaultdict(list)
        for _ in range(ROUNDS):
            for name, deed in place.deeds.items():
                await place.in_order()
                nodes = [*place.nodes]
                for node in nodes:
                    node.service.signal(ARM)
                    _taken(node)
                await deed(place)
                await at_rest(place)
                for number, node in enumerate(nodes):
                    if (name, number) != (KILLED, ACCOUNTS_NODE):
                        passed[name, number].append(_taken(node))
                place.here.doors.forget()
                await place.all_start()
        for _ in range(ROUNDS):
            await left_behind(place)
            node = place.nodes[0]
            _taken(node)
            await _start_armed(node)
            place.down.remove(node)
            await at_rest(place)
            passed[STARTS, 0].append(_taken(node))
            await place.all_start()
    return [*_crashes(passed)]


def _taken(node: Node) -> Counter[str]:
    """Return what a service has passed since the last look, and how often."""
    records = Path(node.environment[RECORDS])
    lines = records.read_text("utf-8").splitlines()
    records.write_text("")
    return Counter(lines)


def _crashes(passed: Mapping[tuple[str, int], Sequence[Counter[str]]]) -> Iterator[Crash]:
    deeds: dict[tuple[str, int], list[str]] = defaultdict(list)
    for (deed, node), rounds in passed.items():
        for line in sorted(set().union(*rounds)):
            deeds[line, node].append(deed)
    for (line, node), its in deeds.items():
        moment, point = line.split(" ", 1)
        for number, deed in enumerate(its):
            counts = [one[line] for one in passed[deed, node]]
            times = min(max(counts), TIMES) if _counts(deed, point) else int(number == 0)
            for time in range(1, times + 1):
                also = tuple(one for one in (*its, *its) if one not in (deed, STARTS))
                is_sure = time == 1 and min(counts) > 0
                death = Death(point, Moment(moment), time)
                yield Crash(deed, death, node, also or (deed, deed), is_sure)


def _counts(deed: str, point: str) -> bool:
    """Tell whether each passing is another matter: another step of the job, another attempt."""
    commits = "Owned.step:" in point and any(one in point for one in COMMITS)
    return commits or (deed == REFUSED and ".callbacks:" in point)


def once_each(crashes: Sequence[Crash]) -> list[Crash]:
    """Return one death for each point that a service passes, on either side by turns."""
    sides: dict[tuple[int, str], list[Crash]] = defaultdict(list)
    for one in sorted(crashes, key=lambda one: (not one.is_sure, one.death.time)):
        sides[one.node, one.death.point].append(one)
    chosen = []
    for number, (_, its) in enumerate(sorted(sides.items())):
        side = [*Moment][number % len(Moment)]
        chosen.append(min(its, key=lambda one: (not one.is_sure, one.death.moment is not side)))
    return chosen


def in_parts(all_: Sequence[Crash], count: int) -> list[list[Crash]]:
    """Part the crashes as chance has it, the same for the same crashes."""
    parts: list[list[Crash]] = [[] for _ in range(count)]
    for number, one in enumerate(sorted(all_, key=lambda one: crc32(str(one).encode()))):
        parts[number % count].append(one)
    return parts


# ── dying of them ──


@dataclass
class Walk:
    """Deaths in one installation, one after the other."""

    place: Place
    chance: Random | None = None
    """Look-alikes are asked for beside each deed, and sessions get lost, by this."""
    died: list[Crash] = field(default_factory=list)
    missed: list[Crash] = field(default_factory=list)
    """Not reached, though tried."""
    wrong: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    """Jobs by their error, else by their status."""

    async def all(self, crashes: Sequence[Crash]) -> None:
        """Die of each."""
        for crash in crashes:
            deeds = [crash.deed, *crash.also] if crash.is_sure else [crash.deed]
            try:
                for deed in deeds[: TRIES // len(self.place.nodes)]:
                    if await self._die(deed, crash):
                        self.died.append(crash)
                        break
                else:
                    self.missed.append(crash)
            except Exception as error:
                error.add_note(f"with seed {SEED}, after {len(self.died)} deaths, at: {crash}")
                error.add_note(f"the last answers: {self.place.here.answers[-3:]}")
                raise

    async def _die(self, deed: str, crash: Crash) -> bool:
        """Let a service die, and those that are left bring all to rest. Returns: whether it died"""
        place, here = self.place, self.place.here
        await place.in_order()
        node = place.nodes[crash.node]
        Path(node.environment[DIES_AT]).write_text(str(crash.death), "utf-8")
        if deed == STARTS:
            doing = None
            await left_behind(place)
            # it may die before it listens
            with contextlib.suppress(AssertionError):
                await _start_armed(node)
        else:
            node.service.signal(ARM)
            doing = self._doing(deed)
        rests = asyncio.ensure_future(self._rests(doing))
        dies = asyncio.ensure_future(node.service.ended(AT_REST_S + LINGERS_S))
        await asyncio.wait({rests, dies}, return_when=asyncio.FIRST_COMPLETED)
        if not dies.done() and crash.is_sure:
            await asyncio.wait({dies}, timeout=LINGERS_S)
        died = dies.done() and dies.result() == -signal.SIGKILL
        dies.cancel()
        await asyncio.wait({dies})
        place.down.add(node)
        if died and self.chance is not None and self.chance.random() < LOST:
            here.sim.drop(0, Disturbance.LOSE)
        if len(place.down) == len(place.nodes):
            await place.all_start()
        await rests
        here.doors.forget()
        await place.all_start()
        here.sim.clear_faults()
        return died

    async def _doing(self, deed: str) -> None:
        """Do a deed; by chance what looks like it, too, and something else."""
        deeds = self.place.deeds
        if self.chance is None or deed in ALONE:
            await deeds[deed](self.place)
            return
        other = self.chance.choice([one for one in deeds if one not in ALONE])
        await asyncio.gather(*(deeds[one](self.place) for one in (deed, deed, other)))

    async def _rests(self, doing: Awaitable[None] | None) -> None:
        if doing is not None:
            await doing
        await at_rest(self.place)


async def _start_armed(node: Node) -> None:
    """Start a service that is seen from its beginning."""
    await node.service.end()
    node.environment[ARMED] = "1"
    try:
        await node.start()
    finally:
        del node.environment[ARMED]


async def walked(directory: Path, crashes: Sequence[Crash], cluster: Cluster | None = None) -> Walk:
    """Die of each crash in an installation of its own; judge in the end."""
    async with standing(directory, cluster=cluster) as place:
        walk = Walk(place)
        await walk.all(crashes)
        for word, found in (await zeros.zeros(place.here)).items():
            walk.wrong += [f"{word}: {one}" for one in found]
    return walk


async def wandered(
    directory: Path, crashes: Sequence[Crash], seed: int, count: int, cluster: Cluster | None = None
) -> Walk:
    """Die of so many that chance chooses, beside look-alikes; sessions get lost; judge."""
    chance = Random(seed)
    # a session that was lost comes back within the time of a turn; pictures that cannot be told
    # apart end with the time of their jobs
    waits = {"first_answer_s": 12.0, "job_timeout_s": 20.0}
    async with standing(directory, {"seed": seed}, cluster, **waits) as place:
        place.alike = True
        walk = Walk(place, chance)
        await walk.all([replace(one, is_sure=False) for one in chance.choices(crashes, k=count)])
        walk.wrong += [
            f"{word}: {one}"
            for word, found in (await zeros.zeros(place.here)).items()
            for one in found
        ]
        with place.here.records() as records:
            walk.ends = Counter(job["error"] or job["status"] for job in records.jobs())
    return walk


async def left_behind(place: Place) -> None:
    """Kill each service when a job is half done, and let its session be forgotten."""
    place.down.update(place.nodes)

    def kill() -> None:
        for node in place.nodes:
            node.service.signal(signal.SIGKILL)

    place.here.doors.at("MESSAGE_UPDATE", kill)
    place.asks = 0
    await DEEDS["four pictures are imagined"](place)
    for node in place.nodes:
        await node.service.ended()


async def at_rest(place: Place) -> None:
    """Wait until all has ended that goes on, kills and starts included."""
    await zeros.at_rest(place.here, AT_REST_S)
