"""The crash matrix: a service that dies at each await point that something reaches.

How it works: a reference run does each deed twice and finds the points (`awaits.py`). Then there is
a death at each side of each point; at a commit of a job's step, and where a callback is tried
again, at each time that it is passed, as each is another matter. The service is told where to die,
the deed is done, the next service starts on what is on disk, and everything must come to rest with
the end that the book has for it. A death while a service starts comes after another one has left a
job behind. Services are forked from one process (`forks.py`), so that a death and a start take a
fraction of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from tests.e2e.fork import forking
from tests.e2e.forks import ARMED
from tests.e2e.process import ground
from waystation.simulator.discord.sessions import Disturbance

__all__ = [
    "LEAST",
    "LEAST_SHARE",
    "MISSED_AT_MOST",
    "PARTS",
    "SEED",
    "STARTS",
    "Crash",
    "Walk",
    "at_rest",
    "found",
    "in_parts",
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
"""How many deeds are done at most until one reaches its point, where it is sure to be reached."""

ROUNDS = 2
"""Of the reference run: a point that is not passed in each of them is reached by chance."""

AT_REST_S = 150.0
"""Longest time after a death in which all ends. The second attempt of a callback that the dead
process had claimed is due after 45 s; turns beside look-alikes take 24 s, and their jobs 20 s."""

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

LOST = 0.5
"""How often a session gets lost with a death, where chance decides."""

ALONE = frozenset({"a job is cancelled"})
"""Deeds beside which nothing else goes on: it is cancelled, too, or gets no result."""

LIMITS: Mapping[str, Any] = {
    **{"first_answer_s": 4.0, "slot_hold_s": 2.0, "vanish_grace_s": 1.0},
    # copies of files begin seconds after a job: whether a deed meets them is chance
    "media": "refresh",
}


@dataclass(frozen=True)
class Crash:
    """A death, and what goes on then."""

    deed: str
    death: Death
    also: tuple[str, ...] = ()
    """Other deeds that reach it."""
    is_sure: bool = True
    """Each doing of the deed reaches it. Commits may go together: each is sure to be passed once,
    and not how often."""

    def __str__(self) -> str:
        return f"{self.deed}: {self.death}"


@contextlib.asynccontextmanager
async def standing(
    directory: Path, options: Mapping[str, Any] | None = None, **values: Any
) -> AsyncIterator[Place]:
    """Lay out an installation whose services are forked and seen. Args as of `ground`"""
    directory.mkdir(exist_ok=True)
    options = {"picture_size": 64, "log_limit": 200_000, "seed": SEED, **(options or {})}
    values = {**LIMITS, **values}
    async with forking() as child, ground(directory, options=options, **values) as here:
        here.child = child
        yield await laid_out(here)


# ── the points ──


async def found(directory: Path) -> list[Crash]:
    """Do each deed once, and return a crash for each side of each point that it passes."""
    async with standing(directory) as place:
        here = place.here
        records = directory / "points"
        here.environment[RECORDS] = str(records)
        here.kill()
        await here.restart()
        await here.connected()
        here.service.signal(ARM)
        passed: dict[str, list[Counter[str]]] = defaultdict(list)
        for _ in range(ROUNDS):
            for name, deed in DEEDS.items():
                await deed(place)
                await at_rest(place)
                passed[name].append(_taken(records))
        here.environment[ARMED] = "1"
        for _ in range(ROUNDS):
            await left_behind(place)
            _taken(records)
            await here.start()
            await at_rest(place)
            passed[STARTS].append(_taken(records))
    return [*_crashes(passed)]


def _taken(records: Path) -> Counter[str]:
    """Return what was passed since the last look, and how often."""
    lines = records.read_text("utf-8").splitlines()
    records.write_text("")
    return Counter(lines)


def _crashes(passed: Mapping[str, Sequence[Counter[str]]]) -> Iterator[Crash]:
    deeds: dict[str, list[str]] = defaultdict(list)
    for deed, rounds in passed.items():
        for line in sorted(set().union(*rounds)):
            deeds[line].append(deed)
    for line, its in deeds.items():
        moment, point = line.split(" ", 1)
        for number, deed in enumerate(its):
            counts = [one[line] for one in passed[deed]]
            times = min(max(counts), TIMES) if _counts(deed, point) else int(number == 0)
            for time in range(1, times + 1):
                also = tuple(one for one in (*its, *its) if one not in (deed, STARTS))
                is_sure = time == 1 and min(counts) > 0
                yield Crash(deed, Death(point, Moment(moment), time), also or (deed, deed), is_sure)


def _counts(deed: str, point: str) -> bool:
    """Tell whether each passing is another matter: another step of the job, another attempt."""
    commits = "Owned.step:" in point and "Writer.run:" in point
    return commits or (deed == REFUSED and ".callbacks:" in point)


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
        await self._start(crashes[0])
        for crash, following in zip(crashes, [*crashes[1:], None], strict=True):
            deeds = [crash.deed, *crash.also] if crash.is_sure else [crash.deed]
            for deed in deeds[:TRIES]:
                if await self._die(deed, crash, following):
                    self.died.append(crash)
                    break
                await self._start(crash)
            else:
                self.missed.append(crash)
                await self._start(following)

    async def _start(self, crash: Crash | None) -> None:
        """Start a service that will die of a crash as soon as it is armed."""
        here = self.place.here
        here.environment.pop(DIES_AT, None)
        if crash is not None and crash.deed != STARTS:
            here.environment[DIES_AT] = str(crash.death)
        await here.service.end()
        await here.start()
        await here.connected()

    async def _die(self, deed: str, crash: Crash, following: Crash | None) -> bool:
        """Let the service die, and the next one bring all to rest. Returns: whether it died"""
        here = self.place.here
        if deed == STARTS:
            doing = None
            await self._start_to_die(crash)
        else:
            here.service.signal(ARM)
            doing = self._doing(deed)
        rests = asyncio.ensure_future(self._rests(doing))
        dies = asyncio.ensure_future(here.service.ended(AT_REST_S))
        await asyncio.wait({rests, dies}, return_when=asyncio.FIRST_COMPLETED)
        if not dies.done() and crash.is_sure:
            await asyncio.wait({dies}, timeout=LINGERS_S)
        died = dies.done()
        dies.cancel()
        await asyncio.wait({dies})
        if died:
            if self.chance is not None and self.chance.random() < LOST:
                here.sim.drop(0, Disturbance.LOSE)
            await self._start(following)
        await rests
        here.sim.clear_faults()
        return died

    async def _doing(self, deed: str) -> None:
        """Do a deed; by chance what looks like it, too, and something else."""
        if self.chance is None or deed in ALONE:
            await DEEDS[deed](self.place)
            return
        other = self.chance.choice([one for one in DEEDS if one not in ALONE])
        await asyncio.gather(*(DEEDS[one](self.place) for one in (deed, deed, other)))

    async def _rests(self, doing: Awaitable[None] | None) -> None:
        if doing is not None:
            await doing
        await at_rest(self.place)

    async def _start_to_die(self, crash: Crash) -> None:
        here = self.place.here
        await left_behind(self.place)
        here.environment |= {DIES_AT: str(crash.death), ARMED: "1"}
        # it may die before it listens
        with contextlib.suppress(AssertionError):
            await here.start()
        here.environment.pop(ARMED)


async def walked(directory: Path, crashes: Sequence[Crash]) -> Walk:
    """Die of each crash in an installation of its own; judge in the end."""
    async with standing(directory) as place:
        walk = Walk(place)
        await walk.all(crashes)
        for word, found in (await zeros.zeros(place.here)).items():
            walk.wrong += [f"{word}: {one}" for one in found]
    return walk


async def wandered(directory: Path, crashes: Sequence[Crash], seed: int, count: int) -> Walk:
    """Die of so many that chance chooses, beside look-alikes; sessions get lost; judge."""
    chance = Random(seed)
    # a session that was lost comes back within the time of a turn; pictures that cannot be told
    # apart end with the time of their jobs
    waits = {"first_answer_s": 12.0, "job_timeout_s": 20.0}
    async with standing(directory, {"seed": seed}, **waits) as place:
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
    """Kill the service when a job is half done, and let its session be forgotten."""
    place.here.doors.at("MESSAGE_UPDATE", place.here.kill)
    await DEEDS["four pictures are imagined"](place)
    await place.here.service.ended()


async def at_rest(place: Place) -> None:
    """Wait until all has ended that goes on, kills and starts included."""
    await zeros.at_rest(place.here, AT_REST_S)
