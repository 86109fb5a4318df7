"""The bot: takes asks, plays their scripts (`scripts`) and keeps the book.

Delays vary by +-20 % as the seed says; so do the progress reports that are left out, and whether
the progress is deleted before or after the result comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from waystation.simulator.acting.stage import Stage
from waystation.simulator.book.log import Book
from waystation.simulator.book.pages import note_work, page
from waystation.simulator.bot import captions, prompts
from waystation.simulator.bot.buttons import uuid_in
from waystation.simulator.bot.gallery import Gallery, singles
from waystation.simulator.bot.job import Ask, Ending, Job
from waystation.simulator.bot.opened import iframe_token
from waystation.simulator.bot.openings import Openings
from waystation.simulator.bot.scripts import PRESSES, UNKNOWN, Script, script_of
from waystation.simulator.bot.slots import Slots
from waystation.simulator.bot.studio import Declined, Made
from waystation.simulator.bot.timeline import (
    PERCENTS,
    Kind,
    Step,
    Timeline,
    Who,
    acknowledge,
    deleted_first,
    replying,
    thinned,
)
from waystation.simulator.bot.titles import BY_NAME, Title, refuse
from waystation.simulator.bot.works import Work
from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.world import Account, World
from waystation.simulator.drawing import pictures
from waystation.simulator.faults.hazards import HAZARDS
from waystation.simulator.faults.switches import Switch
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID
from waystation.wire.message import MessageFlag

__all__ = ["Bot"]

_JITTER = (0.8, 1.2)
_REPORTS = (3, 6)
"""Fewest and most progress reports of a job. Source: wire notes 4.3."""
_PACES: Mapping[str, float] = {"Fast": 1.0, "Relaxed": 4.0, "Turbo": 0.5}
"""How slowly a mode draws; relaxed jobs really take minutes to hours."""
_MOST_PROMPT_CHARS = 1700
"""So much of a prompt is repeated that each message stays within Discord's 2,000: our choice."""
_look = lru_cache(maxsize=32)(pictures.look)
"""Benches send the same bytes thousands of times; looking takes milliseconds."""


class Bot:
    """Takes asks, plays their scripts and keeps the book."""

    def __init__(
        self, world: World, ids: Ids, book: Book, stage: Stage, now: Now, gallery: Gallery
    ) -> None:
        self._world = world
        self._ids = ids
        self._book = book
        self._stage = stage
        self._now = now
        self._gallery = gallery
        self._works = stage.scene.works
        self._slots = Slots()
        self._count = 0
        self._tasks: dict[asyncio.Task[None], Job] = {}
        self.openings = Openings(now, world.options.form_life_s)
        self.speed = world.options.speed

    def accept(
        self,
        ask: Ask,
        switches: Sequence[Switch] = (),
        application_id: str = "",
        opener: Job | None = None,
    ) -> Job:
        """Open a job for an ask and write its page; it does nothing until `start`.

        Args: opener: whose interaction it goes on with; None for one of its own
        """
        self._count += 1
        number = self._count
        owner = application_id or MIDJOURNEY_APPLICATION_ID
        id_ = opener.interaction_id if opener is not None else self._ids.snowflake()
        job = Job(
            ask=ask,
            number=number,
            interaction_id=id_,
            uuid=self._ids.uuid(f"job:{number}"),
            rng=self._ids.rng(f"job:{number}"),
            seed=self._ids.rng(f"prompts:{number}").getrandbits(32),
            entry=page(ask, number, id_, owner, self._now().timestamp()),
            model=self._world.options.model,
        )
        job.entry |= {"uuid": job.uuid, "faults": [switch.fault.name for switch in switches]}
        if opener is not None:
            job.entry["evidence"] += opener.entry["evidence"]
        self._book.open(job.entry)
        return job

    def start(self, job: Job, switches: Sequence[Switch] = ()) -> None:
        """Play the job's script, bent by the faults."""
        closed = any(switch.fault.keeps_closed for switch in switches)
        script = UNKNOWN
        if job.entry["application_id"] == MIDJOURNEY_APPLICATION_ID:
            remixes = self._remixes(job.ask)
            script = script_of(job.ask, keeps_closed=closed, remixes=remixes)
        self._begin(job, script, switches)

    def _remixes(self, ask: Ask) -> bool:
        """Tell whether the pressed message's work opens forms in remix mode: edits do not."""
        source = None if ask.press is None else self.work_of(uuid_in(ask.press.message))
        return source is None or source.remixes

    def _begin(self, job: Job, script: Script, switches: Sequence[Switch] = ()) -> None:
        job.ephemeral = script.ephemeral
        task = asyncio.create_task(self._run(job, script, switches))
        self._tasks[task] = job
        task.add_done_callback(self._tasks.pop)

    async def _run(self, job: Job, script: Script, switches: Sequence[Switch]) -> None:
        try:
            timeline = await self._plan(job, script, switches)
            for switch in switches:
                if switch.fault.script is not None:
                    timeline = switch.fault.script(switch.params, timeline)
            await self._play(job, timeline, switches)
        finally:
            self._slots.release(job)
            if job.entry["status"] == "running":
                job.entry["status"] = "unfinished"

    # Before anything is said.

    async def _plan(self, job: Job, script: Script, switches: Sequence[Switch]) -> Timeline:
        """Return the timeline that the account's standing, the prompt and the pictures allow."""
        timeline, account = script.timeline, job.ask.account
        if account is not None:
            job.mode = account.standing.mode
        self._remember(job)
        refusal = _refusal(job, script)
        if refusal is None and script.make is not None:
            try:
                made = await self._make(job, script)
            except Declined as declined:
                return refuse(_speechless(timeline), declined.title)
            self._adopt(job, made, switches)
            timeline = self._chanced(job, timeline)
        if refusal is not None:
            return refuse(timeline, refusal)
        return self._slots.enter(job, timeline) if script.takes_slot else timeline

    def _remember(self, job: Job) -> None:
        """Recall the prompt of the pressed message's work, for the form that may open."""
        press = job.ask.press
        source = self.work_of(uuid_in(press.message)) if press is not None else None
        if source is not None:
            job.prompt = source.prompt

    async def _make(self, job: Job, script: Script) -> Made:
        assert script.make is not None, "this script makes something"
        press, standing = job.ask.press, job.ask.account and job.ask.account.standing
        asked = job.ask.options.get("prompt", "") if press is None else press.text or ""
        links = prompts.edit_links(f"{asked} {standing.suffix if standing else ''}")
        job.edited = tuple(map(self._stage.scene.files.read_link, links))
        if script.reads_pictures or links:
            return await asyncio.to_thread(script.make, job, self._works)
        return script.make(job, self._works)

    def _adopt(self, job: Job, made: Made, switches: Sequence[Switch]) -> None:
        """Take on what is to be made; its prompt may be repeated in other words."""
        prompt, caption = made.work.prompt, made.caption
        for switch in switches:
            if switch.fault.prompt is not None:
                prompt = switch.fault.prompt(switch.params, prompt)
            if switch.fault.caption is not None:
                caption = switch.fault.caption(switch.params, caption)
        prompt = prompt[:_MOST_PROMPT_CHARS].rstrip()
        job.work, job.caption = replace(made.work, prompt=prompt), caption
        press = job.ask.press
        typed = None if press is None else prompts.mode_asked(press.text or "")
        job.prompt, job.mode = prompt, made.mode or typed or job.mode
        note_work(job)

    def _chanced(self, job: Job, timeline: Timeline) -> Timeline:
        """Leave out some reports, and settle what comes first in the end."""
        wanted = job.rng.randint(*_REPORTS)
        gone = job.rng.sample(range(len(PERCENTS)), len(PERCENTS) - wanted)
        timeline = thinned(timeline, gone)
        if job.rng.random() < 0.5:
            timeline = deleted_first(timeline)
        if job.caption.is_video and job.ask.press is None:
            # The video of /imagine answers its own progress (live capture, wire notes 4.4).
            timeline = replying(timeline)
        account = job.ask.account
        if account is None or not account.standing.auto_dm or job.ask.verb in ("show", "seed"):
            return timeline
        return (*timeline, Step(Kind.DIRECT, write=captions.seeded, paint=singles))

    # In time.

    async def _play(self, job: Job, timeline: Timeline, switches: Sequence[Switch]) -> None:
        for step in timeline:
            await self._pause(job, step)
            if not await self._act(job, step, switches):
                return
            if step.ends is not None:
                self._slots.release(job)

    async def _pause(self, job: Job, step: Step) -> None:
        pace = _PACES[job.mode] if step.progress or step.kind is Kind.RESULT else 1.0
        delay_s = step.after_s * pace * job.rng.uniform(*_JITTER) / self.speed + step.wait_s
        if delay_s > 0:
            await asyncio.sleep(delay_s)

    async def _act(self, job: Job, step: Step, switches: Sequence[Switch]) -> bool:
        """Do one step; return whether there is any point in going on."""
        match step.kind:
            case Kind.SLOT:
                await self._slots.wait(job)
            case Kind.BYSTANDER:
                self._bystand(job, step, switches)
            case Kind.BRANCH:
                self._branch(job)
            case Kind.STOP:
                return self._give_up(job)
            case _:
                if step.ends is Ending.OPENED:
                    self.openings.add(opening_key(job), job)
                await self._draw(job, step)
                self._stage.perform(job, step)
        return True

    async def _draw(self, job: Job, step: Step) -> None:
        if step.paint is None or job.work is None:
            job.drawn = ()
        else:
            job.drawn = await self._gallery.draw(step.paint, job.work)

    def work_of(self, uuid: str | None) -> Work | None:
        """Return what a finished job made."""
        return None if uuid is None else self._works.find(uuid)

    def admit(self, account: Account) -> None:
        """Start waiting jobs while there are free slots; called whenever one may be free."""
        self._slots.admit(account)

    def _bystand(self, job: Job, step: Step, switches: Sequence[Switch]) -> None:
        """Let the owner or a passer-by ask for the same, with a nonce of their own."""
        ask = replace(job.ask, nonce=self._ids.snowflake(), session_id=None, by_hand=True)
        if step.who is Who.FOREIGNER:
            if ask.channel.is_direct or job.ephemeral:
                return
            ask = replace(ask, user=self._world.foreigner, account=None)
        hazards = [one for one in switches if one.fault.name in HAZARDS] if step.alike else ()
        self.start(self.accept(ask, hazards), hazards)

    def _branch(self, job: Job) -> None:
        """Begin a job for each prompt of the message but the first, which is this job's own."""
        press = job.ask.press
        assert press is not None, "one press asks for several"
        for tile in (2, 3, 4):
            button = replace(press.button, tile=tile)
            ask = replace(job.ask, nonce=None, press=replace(press, button=button))
            self._begin(self.accept(ask, opener=job), PRESSES["describe_each"])

    def _give_up(self, job: Job) -> bool:
        """End the job whose progress message was pressed; tell whether there was one."""
        press = job.ask.press
        uuid = uuid_in(press.message) if press is not None else None
        for task, other in self._tasks.items():
            running = other.entry["status"] == "running"
            if running and other.uuid == uuid and other.ask.user == job.ask.user:
                self._stage.end(other, Ending.CANCELLED)
                task.cancel()
                return True
        return False

    async def settled(self) -> None:
        """Wait until nothing is in work, jobs that were started meanwhile included.

        Raises: whatever a job of the bot raised, which is a mistake of the simulator
        """
        while self._tasks:
            done, _ = await asyncio.wait(self._tasks)
            for task in done:
                if not task.cancelled():
                    task.result()

    async def stop(self) -> None:
        """Drop everything that is in work."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def opening_key(job: Job) -> str:
    """Return what the sender of a filled form or iframe names it by."""
    press = job.ask.press
    is_iframe = press is not None and press.button.deed == "region"
    return iframe_token(job) if is_iframe else job.interaction_id


def _speechless(timeline: Timeline) -> Timeline:
    """Return a timeline whose first message says nothing, since there is no prompt to repeat."""
    return tuple(
        acknowledge(MessageFlag.LOADING, step.after_s) if step.write is captions.waiting else step
        for step in timeline
    )


def _refusal(job: Job, script: Script) -> Title | None:
    """Return the title that answers instead, or look at the picture."""
    account = job.ask.account
    if script.takes_slot and account is not None:
        standing = account.standing
        if standing.active == "Paused":
            return BY_NAME["subscription_paused"]
        if standing.active != "Active":
            return BY_NAME["subscription_required"]
        if standing.mode != "Relaxed" and standing.fast_hours_used >= standing.fast_hours:
            return BY_NAME["credits_exhausted"]
    if not script.sees_picture:
        return None
    try:
        job.look = _look(job.ask.picture.data if job.ask.picture else b"")
    except pictures.UnreadablePicture:
        return BY_NAME["invalid_link"]
    return None
