"""The bot: SCRIPTS says what each command does in time, `Bot` plays it.

A script is a timeline of steps (`timeline`), its words are in `wording` and `titles`. Adding a
command is adding a row here and one in `commands`. Delays vary by +-20 % as the seed says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from waystation.simulator import pictures, wording
from waystation.simulator.ids import Ids
from waystation.simulator.job import Ask, Job
from waystation.simulator.log import Book
from waystation.simulator.payload import Payload
from waystation.simulator.stage import Stage
from waystation.simulator.switches import Switch
from waystation.simulator.timeline import (
    Kind,
    Step,
    Timeline,
    Who,
    acknowledge,
    finish,
    opening,
    queued,
)
from waystation.simulator.titles import TITLES, refuse
from waystation.simulator.world import Account, World
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID
from waystation.wire.message import MessageFlag

__all__ = ["SCRIPTS", "Bot", "Script"]

_THINKING = MessageFlag.LOADING
_PRIVATE = MessageFlag.EPHEMERAL | MessageFlag.LOADING
_JITTER = (0.8, 1.2)
_TITLES = {title.name: title for title in TITLES}
_GPU_HOURS_PER_DESCRIBE = 0.002
_look = lru_cache(maxsize=32)(pictures.look)
"""Benches send the same bytes thousands of times; looking takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Script:
    """How the bot serves one command."""

    verb: str
    timeline: Timeline
    takes_slot: bool = True
    """It counts as a running job of the account and may have to queue."""
    ephemeral: bool = False
    sees_picture: bool = False


SCRIPTS: Mapping[str, Script] = {
    script.verb: script
    for script in (
        Script(
            "info",
            (*opening(), acknowledge(_PRIVATE), finish(wording.info, after_s=0.3)),
            takes_slot=False,
            ephemeral=True,
        ),
        Script(
            "describe",
            (*opening(), acknowledge(_THINKING), finish(wording.described, after_s=6.0)),
            sees_picture=True,
        ),
    )
}
"""One row per command. Source: wire notes 5.1 (about 6 s) and 5.2; order of fidelity 16 and 19."""

_UNKNOWN = Script("", (opening()[0], Step(Kind.INTERACTION_FAILURE, after_s=3.0)), takes_slot=False)
"""What Discord says when an application does not answer within 3 s. Source: wire notes 2.7."""


class Bot:
    """Takes asks, plays their scripts and keeps the book."""

    def __init__(self, world: World, ids: Ids, book: Book, stage: Stage) -> None:
        self._world = world
        self._ids = ids
        self._book = book
        self._stage = stage
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._freed: dict[int, asyncio.Event] = {}
        self.speed = world.options.speed

    def accept(self, ask: Ask, switches: Sequence[Switch] = (), application_id: str = "") -> Job:
        """Open a job for an ask and write its page; it does nothing until `start`."""
        self._count += 1
        number = self._count
        owner = application_id or MIDJOURNEY_APPLICATION_ID
        entry = _page(ask, self._ids.snowflake(), owner)
        job = Job(
            ask=ask,
            number=number,
            interaction_id=entry["interaction_id"],
            uuid=self._ids.uuid(f"job:{number}"),
            rng=self._ids.rng(f"job:{number}"),
            seed=self._ids.rng(f"prompts:{number}").getrandbits(32),
            entry=entry,
            faults=[switch.fault.name for switch in switches],
        )
        entry |= {"uuid": job.uuid, "faults": job.faults}
        self._book.open(entry)
        return job

    def start(self, job: Job, switches: Sequence[Switch] = ()) -> None:
        """Play the job's script, bent by the faults."""
        script = self._script(job)
        job.ephemeral = script.ephemeral
        timeline = self._plan(job, script)
        for switch in switches:
            if switch.fault.script is not None:
                timeline = switch.fault.script(switch.params, timeline)
        task = asyncio.create_task(self._play(job, timeline))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _script(self, job: Job) -> Script:
        if job.entry["application_id"] != MIDJOURNEY_APPLICATION_ID:
            return _UNKNOWN
        return SCRIPTS.get(job.ask.verb, _UNKNOWN)

    def _plan(self, job: Job, script: Script) -> Timeline:
        """Return the timeline that the account's standing and the picture allow."""
        timeline = script.timeline
        account = job.ask.account
        refusal = _refusal(job, script)
        if refusal is not None:
            return refuse(timeline, _TITLES[refusal])
        if not script.takes_slot or account is None:
            return timeline
        standing = account.standing
        if standing.has_slot:
            standing.running.add(job.number)
            return timeline
        if not standing.has_room:
            return refuse(timeline, _TITLES["queue_full"])
        standing.waiting.append(job.number)
        return queued(timeline, wording.job_queued)

    async def _play(self, job: Job, timeline: Timeline) -> None:
        try:
            for step in timeline:
                await self._pause(job, step)
                if step.kind is Kind.SLOT:
                    await self._slot(job)
                elif step.kind is Kind.BYSTANDER:
                    self._bystand(job, step.who)
                else:
                    self._stage.perform(job, step)
                if step.ends is not None:
                    self._release(job)
        finally:
            self._release(job)
            if job.entry["status"] == "running":
                job.entry["status"] = "unfinished"

    async def _pause(self, job: Job, step: Step) -> None:
        delay_s = step.after_s * job.rng.uniform(*_JITTER) / self.speed + step.wait_s
        if delay_s > 0:
            await asyncio.sleep(delay_s)

    async def _slot(self, job: Job) -> None:
        """Wait in the account's queue until a slot is free."""
        freed = self._freed[job.number] = asyncio.Event()
        if job.ask.account is not None:
            self.admit(job.ask.account)
        try:
            await freed.wait()
        finally:
            del self._freed[job.number]

    def admit(self, account: Account) -> None:
        """Start waiting jobs while there are free slots; called whenever one may be free."""
        standing = account.standing
        while standing.waiting and standing.has_slot:
            number = standing.waiting[0]
            if number not in self._freed:
                return
            standing.waiting.popleft()
            standing.running.add(number)
            self._freed[number].set()

    def _release(self, job: Job) -> None:
        account = job.ask.account
        if account is None:
            return
        standing = account.standing
        if job.number in standing.waiting:
            standing.waiting.remove(job.number)
        if job.number in standing.running:
            standing.running.discard(job.number)
            standing.fast_hours_used += _GPU_HOURS_PER_DESCRIBE
            self.admit(account)

    def _bystand(self, job: Job, who: Who) -> None:
        """Let the owner or a passer-by ask for the same, with a nonce of their own."""
        ask = replace(job.ask, nonce=self._ids.snowflake(), session_id=None, by_hand=True)
        if who is Who.FOREIGNER:
            if ask.channel.is_direct or job.ask.verb == "info":
                return
            ask = replace(ask, user=self._world.foreigner, account=None)
        self.start(self.accept(ask))

    async def settled(self) -> None:
        """Wait until nothing is in work, jobs that were started meanwhile included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Drop everything that is in work."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(job: Job, script: Script) -> str | None:
    """Return the name of the title that answers instead, or look at the picture."""
    account = job.ask.account
    if script.takes_slot and account is not None:
        standing = account.standing
        if standing.active == "Paused":
            return "subscription_paused"
        if standing.active != "Active":
            return "subscription_required"
        if standing.mode == "Fast" and standing.fast_hours_used >= standing.fast_hours:
            return "credits_exhausted"
    if not script.sees_picture:
        return None
    try:
        job.look = _look(job.ask.picture.data if job.ask.picture else b"")
    except pictures.UnreadablePicture:
        return "invalid_link"
    return None


def _page(ask: Ask, interaction_id: str, application_id: str) -> Payload:
    return {
        "interaction_id": interaction_id,
        "application_id": application_id,
        "account": ask.account.user_id if ask.account else None,
        "user_id": ask.user.id,
        "verb": ask.verb,
        "channel_id": ask.channel.id,
        "nonce": ask.nonce,
        "session_id": ask.session_id,
        "by_hand": ask.by_hand,
        "picture": ask.picture.digest if ask.picture else None,
        "link": ask.link,
        "message_id": None,
        "message_ids": [],
        "prompts": None,
        "status": "running",
        "title": None,
        "final_at_s": None,
    }
