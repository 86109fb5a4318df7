"""A service under load that is killed at any point, again and again; the simulator's book judges.

How it works: each channel has callers who ask for the same again and again, whatever happens to the
service. Chance by seed chooses when it is killed: after a while, or just before something passes
between it and Discord (`Doors`). While it is dead, and while it lives, gateway sessions get lost;
foreign users ask for the same. In the end the book says what the bot has made of whose ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from tests.e2e.invariants import QUEUED
from tests.e2e.process import Ground, ground
from tests.e2e.records import Row
from tests.e2e.swaps import PROMPT
from waystation import sentences
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.discord.world import Account
from waystation.simulator.payload import Payload

__all__ = ["Tally", "prove"]

ACCOUNTS = 3

SPEED = 10.0
"""Of the bot: a picture takes as long as the service lives between two kills."""

CALLERS = 2
"""Of each channel."""

MOMENTS = (
    *("attachments", "upload", "index", "interactions", "answered", "messages.read"),
    *("INTERACTION_CREATE", "INTERACTION_SUCCESS"),
    *("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"),
)
"""Just before which the service is killed (see `Doors`)."""

AT_A_MOMENT = 0.6
"""How often a kill waits for one of them; else for a while."""

PATIENCE_S = 4.0
"""How long a kill waits for its moment; then it comes as it is."""

LONGEST_S = (0.5, 2.0, 6.0)
"""How long a service lives at most after it listens, where no moment is waited for.

As soon as it listens it begins to connect: the beginning is worth many kills. A lost session is
begun anew after some seconds, as Discord wants it.
"""

LOST = 0.5
"""How often the sessions of one account, or of all, get lost with a kill."""

LOST_ALIVE = 0.1
"""How often one gets lost before a kill."""

HAZARDS: Mapping[str, tuple[float, Mapping[str, Any]]] = {
    "foreign_user": (0.3, {"when": "around"}),
    "duplicate_message": (0.05, {"times": 2}),
    "partial_update": (0.05, {}),
    "reordered": (0.05, {}),
    "late_message": (0.05, {"seconds": 1.0}),
    "deferred_start": (0.05, {}),
    "late_delete": (0.05, {"seconds": 0.5}),
    "missing_delete": (0.05, {}),
    "missing_create": (0.05, {}),
    "missing_metadata": (0.02, {}),
    "missing_nonce": (0.05, {}),
    "no_interaction_events": (0.05, {}),
    "nonce_on_result": (0.05, {}),
}
"""How often each is switched on before an ask, with its parameters.

They hide signs, but not all: what a result says of whose it is while nobody listens is gone.
"""

ONLY_OF = {"late_delete": "imagine"}
"""The first message of a describe is its answer: deleted while nobody listens, it is nowhere."""

VERBS = ("imagine",) * 6 + ("describe",) * 3 + ("press",) * 2

DROPPED = (sentences.DOWN_AT_TURN.text, sentences.INPUTS_GONE.text)
"""Ends of jobs that the next process should have sent."""

BUTTONS = ("V1", "V1", "🔄")

END_S = 200.0
"""Within which every job is final once the last service lives; longer than any limit."""


@dataclass(frozen=True)
class _Load:
    """Callers who ask whatever happens."""

    here: Ground

    async def keep_busy(self, account: Account, chance: Random) -> None:
        """Ask for one thing after the other, until cancelled."""
        while True:
            dangers = [
                self.here.sim.fault(
                    name,
                    account=account.user_id,
                    command=ONLY_OF.get(name),
                    count=1,
                    params=params,
                ).id
                for name, (share, params) in HAZARDS.items()
                if chance.random() < share
            ]
            verb, body = self._wish(account, chance)
            body |= {"channel": account.channel_id} if verb != "button" else {}
            body["replyUrl"] = f"{self.here.outside.url}/callback"
            try:
                status, _, _ = await self.here.ada.call("POST", f"/v2/jobs/{verb}", body)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                status = 0  # it is dead; the next one listens somewhere else
            for danger in dangers:
                self.here.sim.clear_faults(danger)
            await asyncio.sleep(0.05 if status == 200 else 0.1)

    def _wish(self, account: Account, chance: Random) -> tuple[str, dict[str, Any]]:
        verb = chance.choice(VERBS)
        if verb == "describe":
            return verb, {"describeUrl": self.here.photo()}
        if verb == "press" and (parents := self._parents(account)):
            jobid = parents[-1]["jobid"]
            return "button", {"jobid": jobid, "button": chance.choice(BUTTONS)}
        return "imagine", {"prompt": PROMPT}

    def _parents(self, account: Account) -> Sequence[Row]:
        return [
            body
            for _, body in self.here.outside.callbacks[-40:]
            if body["status"] == "completed"
            and body["verb"] == "imagine"
            and f"channel:{account.channel_id}" in body["jobid"]
        ]


async def prove(directory: Path, seed: int, kills: int) -> Tally:
    """Kill the service so often; assert that nothing was lost, swapped or doubled."""
    directory.mkdir(exist_ok=True)
    options = {"picture_size": 64, "seed": seed, "log_limit": 200_000}
    limits = {"vanish_grace_s": 2.0, "first_answer_s": 30.0, "job_timeout_s": 60.0}
    async with ground(directory, accounts=ACCOUNTS, speed=SPEED, options=options, **limits) as here:
        await here.settle_in(ACCOUNTS, maxJobs=3)
        tally = await _kill_again_and_again(here, seed, kills)
        tally.prove()
    return tally


async def _kill_again_and_again(here: Ground, seed: int, kills: int) -> Tally:
    """Kill the service so often under load, let what was asked end, and count."""
    chance, began = Random(seed), time.monotonic()
    load = _Load(here)
    asking = [
        asyncio.create_task(load.keep_busy(account, Random(chance.random())))
        for account in here.sim.accounts
        for _ in range(CALLERS)
    ]
    try:
        for _ in range(kills):
            await _kill(here, chance)
            if chance.random() < LOST:
                here.sim.drop(chance.choice((None, *range(ACCOUNTS))), Disturbance.LOSE)
            await here.restart()
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    here.sim.clear_faults()
    await here.sim.settled()
    with here.records() as records:
        async with asyncio.timeout(END_S):
            while any(job["finished_at"] is None for job in records.jobs()):
                await asyncio.sleep(0.2)
        for last in range(50):
            seconds = time.monotonic() - began
            tally = Tally(seed, kills, records.jobs(), records.events(), here.sim.book, seconds)
            if not tally.lost or last == 49:
                return tally
            # a ghost may still hear what was said a moment ago
            await asyncio.sleep(0.1)
    raise AssertionError("not reached")


async def _kill(here: Ground, chance: Random) -> None:
    """Kill the service at a point that chance chooses."""
    if chance.random() < LOST_ALIVE:
        await asyncio.sleep(chance.uniform(0.0, LONGEST_S[1]))
        here.sim.drop(chance.randrange(ACCOUNTS), Disturbance.LOSE)
    if chance.random() < AT_A_MOMENT:
        moment = chance.choice(MOMENTS)
        here.doors.at(moment, here.kill)
        try:
            await here.service.ended(PATIENCE_S)
        except TimeoutError:
            here.doors.at(moment, lambda: None)
        else:
            return
    else:
        await asyncio.sleep(chance.uniform(0.0, chance.choice(LONGEST_S)))
    with contextlib.suppress(ProcessLookupError):
        # its moment may have come just now
        here.kill()


@dataclass(frozen=True)
class Tally:
    """The book's verdict on the ends of the jobs."""

    seed: int
    kills: int
    jobs: Sequence[Row]
    events: Sequence[Row]
    book: Sequence[Payload]
    seconds: float

    @cached_property
    def owner(self) -> Mapping[str, Row]:
        """nonce → the job for which it was committed."""
        by_id = {job["jobid"]: job for job in self.jobs}
        return {
            event["body"]["nonce"]: by_id[event["jobid"]]
            for event in self.events
            if event["kind"] == "Submitted"
        }

    @cached_property
    def pages(self) -> Sequence[tuple[Row, Payload]]:
        """Asks that the bot has executed for us, each with its job."""
        return [
            (self.owner[page["nonce"]], page)
            for page in self.book
            if not page["by_hand"] and page["nonce"] in self.owner
        ]

    @cached_property
    def ends(self) -> Counter[str]:
        """Count the asks that the bot has finished by what our job has of it."""
        return Counter(self._end(*one) for one in self._finished)

    @property
    def _finished(self) -> Iterator[tuple[Row, Payload]]:
        return (one for one in self.pages if one[1]["status"] == "completed")

    def _end(self, job: Row, page: Payload) -> str:
        """Return in a word what a job has of what the bot has made of its ask."""
        if job["status"] == "completed":
            return "own" if job["message_id"] in page["message_ids"] else "swapped"
        late = job["late"]
        if late is not None and late["message_id"] not in page["message_ids"]:
            return "swapped"
        if late is not None and job["error"] == QUEUED:
            return "queued"
        has_twin = page["indistinguishable_from"] or self._may_be_a_ghosts(job)
        return (
            "told apart"
            if has_twin and job["error"] in (sentences.NOT_TOLD_APART.text, QUEUED)
            else "lost"
        )

    def _may_be_a_ghosts(self, job: Row) -> bool:
        """Tell whether a result that says nothing may be that of an earlier ask, for all we know.

        The nonce of that one was committed, and the service killed before it was sent. Nobody can
        know that: it may own what looks like it for a day (R19, R29).
        """
        return any(
            one["ghost"]
            and one["late"] is None
            and one["jobid"] not in self._executed
            and one["channel"] == job["channel"]
            and one["submitted_at"] < job["submitted_at"]
            for one in self.jobs
        )

    @cached_property
    def _executed(self) -> frozenset[str]:
        return frozenset(job["jobid"] for job, _ in self.pages)

    @property
    def lost(self) -> int:
        return self.ends["lost"]

    @property
    def swapped(self) -> int:
        return self.ends["swapped"]

    @property
    def dropped(self) -> int:
        """Jobs that were accepted and never asked, though the next process came in time."""
        return sum(job["nonce"] is None and job["error"] in DROPPED for job in self.jobs)

    @cached_property
    def doubled(self) -> int:
        """Jobs that the bot has executed more than once."""
        return sum(count > 1 for count in Counter(job["jobid"] for job, _ in self.pages).values())

    def wrong(self) -> Iterator[str]:
        """Yield a sentence about each job that ended as it must not."""
        for job, page in self._finished:
            if (end := self._end(job, page)) in ("lost", "swapped"):
                yield (
                    f"{end}: {job['jobid']} is {job['status']} {job['error']}, {page['number']}"
                    f" {page['verb']} {page['faults']} {page['evidence']}"
                )

    def figures(self) -> dict[str, Any]:
        """Return what the proof is about, in numbers."""
        unasked = sum(job["nonce"] is None for job in self.jobs)
        return {
            "seed": self.seed,
            "kills": self.kills,
            "jobs": len(self.jobs),
            "never asked": unasked,
            "finished by the bot": sum(self.ends.values()),
            "ends": dict(self.ends),
            "told apart": self.ends["told apart"],
            "lost": self.lost,
            "swapped": self.swapped,
            "doubled": self.doubled,
            "dropped": self.dropped,
            "minutes": round(self.seconds / 60, 1),
        }

    def prove(self) -> None:
        """Print the figures, and assert that nothing was lost, swapped, doubled or dropped."""
        told = json.dumps(self.figures())
        print(told)
        wrong = list(self.wrong())
        assert not wrong, "\n".join([*wrong, told])
        assert self.doubled == self.dropped == 0, told
