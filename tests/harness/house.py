"""House: a service on a desk's store, with a pool that runs and a world that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tests.build import replace
from tests.fakes import FakeSealer
from tests.harness.desk import ACCOUNT, LIMITS, PICTURE, Desk, desk, until
from tests.harness.media import Cutter, MediaSource
from tests.limits import SERVICE
from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import Pool
from waystation.engine.accounts import Accounts
from waystation.engine.deliveries import Deliveries
from waystation.engine.everywhere import Everywhere
from waystation.engine.links import Links
from waystation.engine.logins import Logins
from waystation.engine.media.keys import Keys
from waystation.engine.media.serving import Media
from waystation.engine.request import JobRequest
from waystation.engine.service import Service
from waystation.engine.service_limits import ServiceLimits
from waystation.errors import PreconditionFailed
from waystation.jobs import Job
from waystation.ports import DiscordIdentity, Fetched, User
from waystation.secret import Secret

__all__ = ["DESCRIBE", "INFO", "House", "house"]

DESCRIBE = JobRequest("describe", params={"describeUrl": "https://example.org/1.png"})
INFO = JobRequest("info")


class Fetcher:
    """Fetches what it is told to."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.ends: asyncio.Future[None] | Exception | None = None

    async def fetch(self, url: str, frank: bool) -> Fetched:
        self.urls.append(url)
        if isinstance(self.ends, Exception):
            raise self.ends
        if self.ends is not None:
            await self.ends
        return PICTURE

    def out_of_reach(self, url: str) -> str | None:
        return "10.0.0.1 is a private address" if "10.0.0.1" in url else None

    async def inspect(self, data: bytes, name: str) -> Fetched:
        if data == b"no picture":
            raise PreconditionFailed(f"{name} unknown mime type")
        return PICTURE

    async def mask(self, data: bytes, name: str, fits: Callable[[Fetched], None]) -> Fetched:
        fits(await self.inspect(data, name))
        return PICTURE


class Probe:
    """Knows one Discord user."""

    def __init__(self) -> None:
        self.identity = DiscordIdentity(ACCOUNT.discord_user_id, "ada", "777")
        self.fails: Exception | None = None
        self.readable = True
        self.guild: str | None = "9"

    async def identify(self, token: Secret) -> DiscordIdentity:
        if self.fails is not None:
            raise self.fails
        return self.identity

    async def can_read(self, token: Secret, channel: str) -> bool:
        return self.readable

    async def guild_of(self, token: Secret, channel: str) -> str | None:
        return self.guild


class House:
    """A service on a desk's store, with a pool that runs."""

    def __init__(self, here: Desk, limits: ServiceLimits) -> None:
        self.here = here
        self.fetcher, self.probe, self.sealer = Fetcher(), Probe(), FakeSealer()
        adapters = replace(here.adapters, freed=self._freed)
        self.pool = Pool(adapters, LIMITS, here.node)
        self.deeds = Deeds(adapters, self.pool)
        everywhere = Everywhere(cast(Any, here.failing), self.pool, here.clock)
        self.clock_warning: str | None = None
        self.nudged = asyncio.Event()
        store = cast(Any, here.failing)
        self.logins = Logins(store, here.store.tallies, self.sealer, here.clock)
        self.accounts = Accounts(
            store, everywhere, self.deeds, self.probe, self.sealer, here.clock, here.ids
        )
        self.deliveries = Deliveries(
            here.store.deliveries,
            self.sealer,
            here.clock,
            here.ids,
            timedelta(seconds=45),
            self.nudged.set,
        )
        links = Links(store, self.deeds, here.clock)
        self.media_source, self.cutter = MediaSource(), Cutter()
        self.media_keys = Keys(here.store.media_keys, self.sealer, here.clock, here.ids)
        self.media = Media(
            store, links, self.media_source, self.cutter, self.media_keys, here.clock, (2, 4)
        )
        self.service = Service(
            store=store,
            pool=self.pool,
            everywhere=everywhere,
            deeds=self.deeds,
            feed=here.feed,
            fetcher=self.fetcher,
            sealer=self.sealer,
            clock=here.clock,
            ids=here.ids,
            links=links,
            logins=self.logins,
            accounts=self.accounts,
            deliveries=self.deliveries,
            media=self.media,
            limits=limits,
            clock_warning=lambda: self.clock_warning,
            nudge_outbox=here.adapters.nudge_outbox,
        )
        self.here.keep()
        self.running = asyncio.create_task(self.pool.run())

    def _freed(self, account_id: str) -> None:
        self.service.dispatcher.wake(account_id)

    async def user(self) -> User:
        user = await self.here.store.get_user(1)
        assert user is not None
        return user

    async def live(self) -> None:
        await until(lambda: self.pool.states == {"connected": 1})

    async def ask(self, request: JobRequest = DESCRIBE) -> asyncio.Task[Job]:
        return asyncio.create_task(self.service.submit(await self.user(), request))

    async def performed(self, count: int = 1) -> list[Job]:
        """Wait until so many jobs were performed, and return them as stored."""
        await until(lambda: len(self.here.discord.performed) == count)
        return [await self.here.job(jobid) for jobid in await self.here.store.running_jobs(1)]


@asynccontextmanager
async def house(
    directory: Path,
    *,
    first_answer_s: float = 60,
    first_edit_s: float = 0,
    a_minute: int | None = None,
    dispatches: bool = False,
) -> AsyncIterator[House]:
    async with desk(directory) as here:
        limits = replace(
            SERVICE, first_answer_s=first_answer_s, first_edit_s=first_edit_s, a_minute=a_minute
        )
        place = House(here, limits)
        tasks = [place.running]
        if dispatches:
            tasks.append(asyncio.create_task(place.service.dispatcher.run()))
        try:
            yield place
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
