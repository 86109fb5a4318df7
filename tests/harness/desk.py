"""Desk: one account's owner on a real store, with a scripted Discord and a clock set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tests.build import account, draft, replace, setup
from tests.fakes import FailingStore, FakeClock, FakeDiscord, FakeIds, FakeSealer
from tests.harness.leases import lone_node
from tests.limits import GHOST_AGE, OWNER
from waystation.engine.account.adapters import Adapters, OwnerLimits
from waystation.engine.account.line import Line
from waystation.engine.account.owner import Owner
from waystation.engine.account.queue import Waiting
from waystation.engine.account.session_at_rest import SessionAtRest
from waystation.engine.feed import Feed
from waystation.engine.inputs import Asked, Inputs
from waystation.engine.nodes.node import Node
from waystation.engine.outbox.claims import Claims, Unclaimed
from waystation.gateway_events import (
    InteractionTold,
    MessageSeen,
    SeenAs,
    SessionState,
    ToldAs,
)
from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.matching.evidence import upload_stem
from waystation.ports import Fetched, Store
from waystation.store.sqlite.store import SqliteStore
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID
from waystation.wire.message import (
    Embed,
    EmbedImage,
    InteractionMetadata,
    Message,
    User,
)

__all__ = [
    "LIMITS",
    "PICTURE",
    "Desk",
    "acknowledged",
    "answer",
    "create",
    "described",
    "desk",
    "info",
    "opened",
    "said",
    "told",
    "until",
]

PICTURE = Fetched(b"picture", "image/png", "png")

LIMITS = replace(OWNER, pacing_s=0, pacing_jitter_s=0, lease_s=10**8)

ACCOUNT = account(1)

POST_WAITS = timedelta(seconds=65)
"""Time that whoever has sent a job waits for its answer."""

WAIT_S = 30.0
"""Far longer than anything takes on a busy machine; a wait that reaches it has failed."""


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return when a condition holds: the store has a thread of its own, so nobody announces it."""
    async with asyncio.timeout(WAIT_S):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.001)


class Desk:
    """The tools of a test of the engine."""

    def __init__(self, store: SqliteStore, clock: FakeClock, limits: OwnerLimits) -> None:
        self.clock = clock
        self.ids = FakeIds()
        self.failing = FailingStore(cast(Store, store))
        self.store = store
        self.discord = FakeDiscord(ACCOUNT.discord_user_id)
        self.feed = Feed()
        self.nudges = 0
        self.claims: Claims = Unclaimed()
        self.adapters = Adapters(
            store=cast(Store, self.failing),
            transports=self.discord,
            sealer=FakeSealer(),
            clock=clock,
            ids=self.ids,
            feed=self.feed,
            nudge_outbox=self._nudge,
            claims=lambda: self.claims,
        )
        self.limits = limits
        self.node = self._new_node()
        self.owner = Owner(ACCOUNT, self.adapters, limits, self.node, Line(clock))
        self.running: asyncio.Task[None] | None = None
        self._keeping: list[asyncio.Task[None]] = []

    def _nudge(self) -> None:
        self.nudges += 1

    async def start(self) -> None:
        """Let the owner run, and wait until it has caught up."""
        self.run()
        await until(lambda: self.owner.caught_up)

    def _new_node(self) -> Node:
        return lone_node(self.failing, self.clock, FakeIds(), self.limits.lease_s)

    def run(self) -> None:
        """Let the owner run, and the lease be kept."""
        self.keep()
        self.running = asyncio.create_task(self.owner.run())

    def keep(self) -> None:
        """Let the lease be kept."""
        self._keeping.append(asyncio.create_task(self.node.run()))

    async def restart(self) -> None:
        """Be killed, and let the next process's owner take over and catch up."""
        await self.take_over()
        await until(lambda: self.owner.caught_up)

    async def take_over(self) -> None:
        """Be killed, and let the next process's owner run."""
        await self.kill()
        await self.store._write(_void)
        self.node = self._new_node()
        self.owner = Owner(ACCOUNT, self.adapters, self.limits, self.node, Line(self.clock))
        self.run()

    async def kill(self) -> None:
        """End without any farewell."""
        ended = [*self._keeping, *([] if self.running is None else [self.running])]
        for one in ended:
            one.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        self._keeping, self.running = [], None

    async def add(self, verb: str = "describe", **fields: Any) -> Job:
        """Let the store accept a job."""
        takes_slot = verb == "describe"
        wanted = draft(ACCOUNT.account_id, takes_slot=takes_slot, max_jobs=9, **fields)
        wanted = replace(wanted, post_until=self.clock.now() + POST_WAITS)
        job = await self.store.add_job(wanted, self.clock.now())
        assert isinstance(job, Job)
        return job

    async def accept(self, verb: str = "describe", asked: Asked | None = None) -> Job:
        """Let the store accept a job with what it needs, and hand it to nobody."""
        takes_slot = verb != "info"
        wanted = draft(ACCOUNT.account_id, takes_slot=takes_slot, max_jobs=9)
        if verb not in ("describe", "info"):
            wanted = replace(wanted, verb=verb, params={})
        if asked is None:
            asked = Asked((PICTURE,) if verb == "describe" else ())
        inputs = Inputs(self.store, self.adapters.sealer, self.ids, 512 << 20)
        job = await inputs.add_job(wanted, asked, self.clock.now())
        assert isinstance(job, Job)
        return job

    async def submit(self, verb: str = "describe") -> Job:
        """Accept a job and hand it to the owner."""
        job = await self.add(verb)
        self.owner.submit(Waiting(job, (PICTURE,) if verb == "describe" else ()))
        return job

    async def imagine(self, prompt: str) -> Job:
        """Accept an imagine and hand it to the owner."""
        wanted = replace(draft(ACCOUNT.account_id, max_jobs=9), verb="imagine")
        wanted = replace(wanted, params={"prompt": prompt})
        job = await self.store.add_job(wanted, self.clock.now())
        assert isinstance(job, Job)
        self.owner.submit(Waiting(job))
        return job

    async def add_anyhow(self) -> Job:
        """Hand the owner a job that was accepted just before its account was removed."""
        await self.store._write(lambda database: _set_removed(database, None))
        job = await self.add()
        await self.store._write(lambda database: _set_removed(database, 1))
        self.owner.submit(Waiting(job, (PICTURE,)))
        return job

    async def send(self, verb: str = "describe", count: int = 1) -> Job:
        """Accept a job and wait until it was performed; return it as stored then."""
        before = len(self.discord.performed)
        job = await self.submit(verb)
        await until(lambda: len(self.discord.performed) == before + count)
        return await self.job(job.jobid)

    async def bind(self, verb: str = "describe") -> Job:
        """Send a job and let Discord tell its interaction; return it as sent."""
        job = await self.send(verb)
        self.discord.say(told(job))
        await until(lambda: self.owner.in_flight is None)
        return job

    async def job(self, jobid: JobId) -> Job:
        """Return a job as stored."""
        job = await self.store.get_job(jobid, None)
        assert job is not None
        return job

    async def becomes(self, jobid: JobId, status: JobStatus) -> Job:
        """Wait until a job has a status, and return it as stored."""

        async def has_it() -> bool:
            return (await self.job(jobid)).status is status

        await until(has_it)
        return await self.job(jobid)

    async def kinds(self, jobid: JobId) -> list[str]:
        """Return the names of a job's events."""
        return [type(event).__name__ for _, event in await self.store.events_after(jobid)]

    async def session(self) -> SessionState | None:
        """Return the gateway session as stored, but for the newest id that it has seen."""
        session = await self.whole_session()
        return None if session is None else replace(session, newest="0")

    async def whole_session(self) -> SessionState | None:
        """Return the gateway session as stored."""
        sealed = await self.store.load_session(ACCOUNT.account_id)
        return SessionAtRest(self.adapters.sealer, ACCOUNT.account_id, sealed).now

    async def halt_in_store(self) -> None:
        """Halt every account behind the owners' backs."""
        await self.store._write(
            lambda database: database.connection.execute(
                "update accounts set halt = 'look', halted_at = 1"
            )
        )

    async def quiet(self) -> None:
        """Let everything that can happen now happen, until all wait for the time or for Discord.

        For what must not have happened after it. Only the store works in a thread of its own.
        """
        async with asyncio.timeout(WAIT_S):
            for _ in range(2):
                await self.clock.elapse(0)
                while self.failing.busy:
                    await asyncio.sleep(0.001)
                    await self.clock.elapse(0)

    async def pass_until(self, condition: Callable[[], bool], step_s: float = 0.2) -> None:
        """Move the time little by little until a condition holds; the loops keep up with it."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self.clock.advance(step_s)
                await self.quiet()

    async def pass_time(self, seconds: float) -> None:
        """Move the time once the loops sleep."""
        await self.quiet()
        self.clock.advance(seconds)


@asynccontextmanager
async def desk(
    directory: Path, limits: OwnerLimits = LIMITS, clock: FakeClock | None = None
) -> AsyncIterator[Desk]:
    """Set a desk up with user 1 and account 1, whose owner does not run yet."""
    clock = clock or FakeClock()
    store = await SqliteStore.open(directory / "waystation.db", clock, ghost_age=GHOST_AGE)
    here = Desk(store, clock, limits)
    try:
        await store.add_user("owner@example.org", b"hash", clock.now())
        sealed = FakeSealer().seal("accounts", ACCOUNT.account_id, b"discord-token")
        await store.put_account(setup(replace(ACCOUNT, sealed_token=sealed)))
        yield here
    finally:
        await here.kill()
        await store.close()


def _set_removed(database: Any, at: int | None) -> None:
    database.connection.execute("update accounts set removed_at = ?", (at,))


def _void(database: Any) -> None:
    database.run("end_nodes")


# ── what Discord and the bot say ──


def told(job: Job, interaction_id: str = "700", sequence: int | None = 2) -> InteractionTold:
    """INTERACTION_CREATE."""
    return InteractionTold(ToldAs.CREATED, interaction_id, job.nonce, sequence)


def said(
    message_id: str, *, nonce: str | None = None, interaction_id: str = "700", **fields: Any
) -> Message:
    """A message of the bot in answer to this account."""
    user = User(ACCOUNT.discord_user_id)
    return Message(
        id=message_id,
        channel_id=fields.pop("channel", ACCOUNT.channel),
        type=20,
        author=User(MIDJOURNEY_APPLICATION_ID, "Midjourney Bot", True),
        application_id=MIDJOURNEY_APPLICATION_ID,
        nonce=nonce,
        timestamp="2026-01-02T03:04:06.000000+00:00",
        content=fields.pop("content", ""),
        flags=fields.pop("flags", 0),
        embeds=fields.pop("embeds", ()),
        attachments=(),
        components=(),
        interaction_metadata=InteractionMetadata(interaction_id, "describe", user),
    )


def create(message: Message, sequence: int | None = 3) -> MessageSeen:
    """MESSAGE_CREATE."""
    return MessageSeen(SeenAs.CREATED, message, sequence)


def acknowledged(
    job: Job, message_id: str = "800", sequence: int | None = 3, interaction_id: str = "700"
) -> MessageSeen:
    """The bot's first message."""
    message = said(message_id, nonce=job.nonce, flags=128, interaction_id=interaction_id)
    return create(message, sequence)


def answer(
    job: Job, message_id: str = "800", prompt: str = "a lamp", interaction_id: str = "700"
) -> Message:
    """The four prompts, as history shows them."""
    stem = upload_stem(job.nonce or "")
    image = EmbedImage(f"https://cdn.test/ephemeral-attachments/1/2/{stem}.png")
    keycap = "1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
    embed = Embed(type="rich", description=f"{keycap} {prompt}", image=image)
    return said(message_id, embeds=(embed,), interaction_id=interaction_id)


def described(
    job: Job, message_id: str = "800", sequence: int | None = 4, interaction_id: str = "700"
) -> MessageSeen:
    """The four prompts, as an edit of the first message."""
    message = answer(job, message_id, interaction_id=interaction_id)
    return MessageSeen(SeenAs.UPDATED, message, sequence)


def info(
    job: Job, message_id: str = "800", sequence: int | None = 4, interaction_id: str = "700"
) -> MessageSeen:
    """The answer to an info."""
    embed = Embed(type="rich", title="Your info - ada", description="**Subscription**: Standard")
    message = said(
        message_id, nonce=job.nonce, interaction_id=interaction_id, flags=64, embeds=(embed,)
    )
    return create(message, sequence)


def opened(sequence: int = 1, name: str = "session-1", newest: str = "0") -> SessionState:
    """A gateway session."""
    return SessionState(name, "ws://gateway.test", sequence, newest)
