from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.build import account
from tests.fakes import FakeSealer
from tests.unit.engine.desk import (
    ACCOUNT,
    LIMITS,
    PICTURE,
    Desk,
    acknowledged,
    described,
    desk,
    info,
    told,
    until,
)
from waystation.engine.intake import FilePart
from waystation.engine.links import Links
from waystation.engine.pool import Pool
from waystation.engine.service import JobRequest, Service, ServiceLimits
from waystation.errors import (
    Busy,
    Halted,
    HumanCheckRequired,
    InvalidRequest,
    NotAuthorised,
    NotFound,
    PreconditionFailed,
    StoreError,
    SubscriptionExpired,
    Throttled,
    Unauthorized,
    Unavailable,
    VaultError,
)
from waystation.jobs import Job, JobStatus
from waystation.ports import DiscordIdentity, Fetched, User
from waystation.secret import Secret

DESCRIBE = JobRequest("describe", params={"describeUrl": "https://example.org/1.png"})
INFO = JobRequest("info")
TOKEN = Secret("MTAx.a-discord-token.xyz")


class Fetcher:
    """Fetches what it is told to."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.ends: asyncio.Future[None] | Exception | None = None

    async def fetch(self, url: str, user_id: int) -> Fetched:
        self.urls.append(url)
        if isinstance(self.ends, Exception):
            raise self.ends
        if self.ends is not None:
            await self.ends
        return PICTURE

    def inspect(self, data: bytes, name: str) -> Fetched:
        if data == b"no picture":
            raise PreconditionFailed(f"{name} unknown mime type")
        return PICTURE

    mask = inspect


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

    def __init__(self, here: Desk) -> None:
        self.here = here
        self.fetcher, self.probe, self.sealer = Fetcher(), Probe(), FakeSealer()
        self.pool = Pool(here.adapters, replace(LIMITS, lease_s=10**6), "holder")
        self.service = Service(
            store=cast(Any, here.failing),
            pool=self.pool,
            feed=here.feed,
            fetcher=self.fetcher,
            probe=self.probe,
            sealer=self.sealer,
            clock=here.clock,
            ids=here.ids,
            links=Links(cast(Any, here.failing), self.pool, here.clock),
            limits=ServiceLimits(first_answer_s=60, default_max_jobs=3),
        )
        self.running = asyncio.create_task(self.pool.run())

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
async def house(directory: Path) -> AsyncIterator[House]:
    async with desk(directory) as here:
        place = House(here)
        try:
            yield place
        finally:
            place.running.cancel()
            await asyncio.gather(place.running, return_exceptions=True)


# ── who is calling ──


async def test_a_token_is_known_by_its_secret(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.here.store.add_user(
            "bob@example.org", here.sealer.hash_token("s3cret"), here.here.clock.now()
        )
        found = await here.service.authenticate(f"Bearer user:{user.user_id}-s3cret", "peer")
        assert found.email == "bob@example.org"
        for wrong in (
            None,
            "",
            "Basic user:2-s3cret",
            f"Bearer user:{user.user_id}-other",
            f"Bearer user:{user.user_id}-",
            f"Bearer other:{user.user_id}-s3cret",
            "Bearer user:x-s3cret",
            f"Bearer user:{'9' * 19}-s3cret",
            "Bearer user:99-s3cret",
        ):
            with pytest.raises(Unauthorized):
                await here.service.authenticate(wrong, "peer")
        await here.here.store.put_user(replace(user, expires_at=here.here.clock.now()))
        with pytest.raises(SubscriptionExpired):
            await here.service.authenticate(f"Bearer user:{user.user_id}-s3cret", "peer")
        await here.here.store.put_user(replace(user, revoked_at=here.here.clock.now()))
        with pytest.raises(Unauthorized):
            await here.service.authenticate(f"Bearer user:{user.user_id}-s3cret", "peer")


async def test_a_flood_of_failed_logins_is_throttled_for_a_minute(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        for _ in range(30):
            with pytest.raises(Unauthorized):
                await here.service.authenticate("Bearer user:1-no", "flooder")
        with pytest.raises(Throttled):
            await here.service.authenticate("Bearer user:1-no", "flooder")
        with pytest.raises(Unauthorized):
            await here.service.authenticate("Bearer user:1-no", "another peer")
        here.here.clock.advance(61)
        with pytest.raises(Unauthorized):
            await here.service.authenticate("Bearer user:1-no", "flooder")


async def test_peers_that_fail_now_and_then_are_forgotten(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        for number in range(10_050):
            here.service._failed_logins.add(str(number), here.here.clock.now())
        assert len(here.service._failed_logins._moments) < 10_050


async def test_a_users_own_record_changes_only_where_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.service.update_user(await here.user(), "Ada", "https://example.org/hook")
        await here.service.update_user(await here.user(), None, None)
        user = await here.user()
        assert (user.name, user.reply_url) == ("Ada", "https://example.org/hook")
        await here.service.update_user(user, None, "")
        assert (await here.user()).reply_url is None


# ── submitting ──


async def test_a_describe_answers_with_the_first_message_and_an_info_when_final(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        here.here.discord.say(told(job))
        await until(lambda: here.pool.jobs(ACCOUNT.account_id)[0].bound)
        assert not asked.done()
        here.here.discord.say(acknowledged(job))
        answer = await asked
        assert (answer.status, answer.message_id) == (JobStatus.STARTED, "800")
        asked = await here.ask(INFO)
        await here.performed(2)
        (second,) = [one for one in here.pool.jobs(ACCOUNT.account_id) if one.verb == "info"]
        here.here.discord.say(told(second, "701"), info(second, "801", interaction_id="701"))
        assert (await asked).status is JobStatus.COMPLETED
        assert here.fetcher.urls == ["https://example.org/1.png"]


async def test_a_job_that_ends_before_anyone_waits_is_answered_all_the_same(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.upload_ends.append(NotAuthorised("rejected"))
        answer = await (await here.ask())
        assert (answer.status, answer.code) == (JobStatus.FAILED, 596)


async def test_a_caller_that_hangs_up_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        here.here.discord.say(told(job), acknowledged(job), described(job))
        await here.here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_a_caller_that_hangs_up_before_a_refusal_leaves_no_complaint(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.failing.failing = {"add_job"}
        complaints: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        asked = await here.ask()
        await until(lambda: bool(here.service._submitting) or asked.done())
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await until(lambda: not here.service._submitting)
        assert complaints == []


async def test_a_store_that_is_down_takes_no_job(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.failing.failing = {"add_job"}
        with pytest.raises(StoreError) as caught:
            await (await here.ask())
        assert caught.value.status_hint == 503
        assert await here.here.store.running_jobs(1) == []


async def test_a_file_stands_in_for_a_url(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        request = JobRequest("describe", files={"describeUrl": FilePart("a.png", b"picture")})
        asked = await here.ask(request)
        (job,) = await here.performed()
        here.here.discord.say(told(job), acknowledged(job))
        await asked
        assert here.fetcher.urls == []
        bad = JobRequest("describe", files={"describeUrl": FilePart("", b"no picture")})
        with pytest.raises(PreconditionFailed, match="describeFile unknown mime type"):
            await (await here.ask(bad))


async def test_the_last_account_names_the_callers_jobs_when_all_are_full(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        request = replace(DESCRIBE, max_jobs=1)
        asked = await here.ask(request)
        (job,) = await here.performed()
        with pytest.raises(Busy) as caught:
            await (await here.ask(request))
        assert caught.value.executing_jobs == (job.jobid,)
        # nothing is fetched for a job that finds no room
        assert len(here.fetcher.urls) == 1
        # and the store decides when the cheap look knew less
        here.pool.jobs = lambda account_id: ()  # type: ignore[method-assign]
        with pytest.raises(Busy) as caught:
            await (await here.ask(request))
        assert caught.value.executing_jobs == (job.jobid,)
        asked.cancel()


async def test_jobs_without_a_slot_wait_in_a_short_lane(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = [await here.ask(INFO) for _ in range(5)]
        await until(lambda: len(here.pool.jobs(ACCOUNT.account_id)) == 5)
        with pytest.raises(Throttled, match="5 jobs without a slot"):
            await (await here.ask(INFO))
        for one in asked:
            one.cancel()


async def test_which_account_is_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()

        async def refused(request: JobRequest) -> str:
            with pytest.raises((InvalidRequest, Halted)) as caught:
                await here.service.submit(user, request)
            return caught.value.message

        assert await refused(replace(DESCRIBE, channel="1")) == (
            "Configuration not found for provided channel"
        )
        assert await refused(replace(DESCRIBE, era_a=True)) == (
            "discord, server or channel value is missing"
        )
        second = account(2)
        await here.here.store.put_account(
            replace(second, sealed_token=here.sealer.seal("accounts", "account-2", b"token"))
        )
        assert await refused(INFO) == "discord, server or channel value is missing"
        await here.here.halt_in_store()
        assert "pending moderation message" in await refused(DESCRIBE)
        stranger = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        with pytest.raises(InvalidRequest, match=r"^Configuration not found$"):
            await here.service.submit(stranger, DESCRIBE)


async def test_a_halt_between_the_look_and_the_store_is_told(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.fetcher.ends = asyncio.get_running_loop().create_future()
        asked = await here.ask()
        await until(lambda: len(here.fetcher.urls) == 1)
        await here.here.store._write(
            lambda database: database.connection.execute(
                "update accounts set halt = 'look', halted_at = 1"
            )
        )
        here.fetcher.ends.set_result(None)
        with pytest.raises(Halted):
            await asked


# ── reading and cancelling ──


async def test_a_foreign_job_answers_as_an_absent_one(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        job = await here.here.add()
        eve = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        service = here.service
        for ask in (service.get_job, service.family, service.cancel, service.deliveries_of):
            with pytest.raises(NotFound, match=f"^Unable to locate job {job.jobid}$"):
                await ask(eve, job.jobid)
        assert await here.service.running_jobs(eve) == []
        assert await here.service.running_jobs(await here.user()) == [job.jobid]
        assert await here.service.deliveries_of(await here.user(), job.jobid) == []


async def test_a_cancel_answers_the_first_final_status(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        asked = await here.ask()
        (job,) = await here.performed()
        cancelled = await here.service.cancel(user, job.jobid)
        assert cancelled.status is JobStatus.CANCELLED
        assert (await asked).status is JobStatus.CANCELLED
        again = await here.service.cancel(user, job.jobid)
        assert again.version == cancelled.version


async def test_a_cancel_without_an_owner_or_a_store_says_try_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        asked = await here.ask()
        (job,) = await here.performed()
        here.here.failing.failing = {"commit"}
        with pytest.raises(Unavailable):
            await here.service.cancel(user, job.jobid)
        asked.cancel()
        here.pool.get = lambda account_id: None  # type: ignore[method-assign]
        with pytest.raises(Unavailable, match="not connected"):
            await here.service.cancel(user, job.jobid)


# ── accounts ──


async def test_a_token_finds_its_direct_messages(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        here.probe.identity = DiscordIdentity("500", "bob", "777")
        added, created = await here.service.add_account(user, TOKEN, None)
        assert (added.channel, added.guild_id, added.max_jobs, created) == ("777", None, 3, True)
        assert added.masked_token == "MTA…secured…xyz"
        again, created = await here.service.add_account(user, TOKEN, 5)
        assert (again.account_id, again.max_jobs, created) == (added.account_id, 5, False)
        here.probe.identity = DiscordIdentity("501", "eve", None)
        with pytest.raises(InvalidRequest, match="Midjourney bot not configured"):
            await here.service.add_account(user, TOKEN, None)


async def test_a_channel_must_be_readable_and_a_discord_user_stands_once(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        with pytest.raises(InvalidRequest, match="same discord value"):
            await here.service.put_account(user, "778", TOKEN, "9", 3)
        eve = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        with pytest.raises(InvalidRequest, match="Channel 778 configuration has same discord"):
            await here.service.put_account(eve, "778", TOKEN, "9", 3)
        here.probe.readable = False
        with pytest.raises(InvalidRequest, match="is not valid Discord channel id"):
            await here.service.put_account(user, "778", TOKEN, "9", 3)


async def test_another_users_token_waits_for_running_jobs(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        asked = await here.ask()
        await here.performed()
        here.probe.identity = DiscordIdentity("999", "other", None)
        with pytest.raises(InvalidRequest, match="running jobs of another Discord user"):
            await here.service.put_account(user, ACCOUNT.channel, TOKEN, "9", 3)
        here.probe.identity = DiscordIdentity(ACCOUNT.discord_user_id, "ada", None)
        changed = await here.service.put_account(user, ACCOUNT.channel, TOKEN, "9", 7)
        assert (changed.account_id, changed.max_jobs) == (ACCOUNT.account_id, 7)
        asked.cancel()


@pytest.mark.parametrize("error", [NotAuthorised("no"), HumanCheckRequired("look")])
async def test_rejected_tokens_are_counted(tmp_path: Path, error: Exception) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        here.probe.fails = error
        for _ in range(5):
            with pytest.raises(InvalidRequest, match="Discord rejected the token"):
                await here.service.add_account(user, TOKEN, None)
        with pytest.raises(Throttled):
            await here.service.add_account(user, TOKEN, None)
        here.here.clock.advance(timedelta(hours=1).total_seconds())
        here.probe.fails = None
        here.probe.identity = DiscordIdentity("500", "bob", "777")
        await here.service.add_account(user, TOKEN, None)


async def test_removal_and_reset_go_to_the_owner(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        with pytest.raises(NotFound, match="Configuration not found for provided channel"):
            await here.service.remove_account(user, "1")
        await here.here.store._write(
            lambda database: database.connection.execute(
                "update accounts set halt = 'look', halted_at = 1"
            )
        )
        await here.service.reset_account(user, ACCOUNT.channel)
        assert (await here.service.get_account(user, ACCOUNT.channel)).halt is None
        await here.service.remove_account(user, ACCOUNT.channel)
        assert await here.service.list_accounts(user) == []
        assert await here.here.store.get_account(ACCOUNT.account_id) is None


# ── upkeep ──


async def test_readiness_names_what_does_not_work(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        ready = await here.service.readiness()
        assert (ready.ready, ready.sessions) == (True, {"connected": 1})

        def broken(*_: object) -> bytes:
            raise VaultError("the key is gone")

        here.sealer.unseal = broken  # type: ignore[method-assign]
        here.here.failing.failing = {"ping"}
        ready = await here.service.readiness()
        assert not ready.ready
        assert [problem.partition(":")[0] for problem in ready.problems] == ["database", "key"]
        assert (await here.service.counts()).accounts == 1


# ── stopping ──


async def test_a_stopping_service_takes_nothing_and_lets_every_caller_go(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        sent = await here.ask()
        await here.performed()
        unsent = await here.ask()
        await until(lambda: len(here.here.discord.uploads) == 2)
        await here.service.drain()
        assert (await sent).status is JobStatus.SUBMITTED
        answer = await unsent
        assert (answer.status, answer.code) == (JobStatus.FAILED, 502)
        assert "stopped before" in (answer.error or "")
        with pytest.raises(Unavailable):
            await (await here.ask())


async def test_a_picture_that_is_being_fetched_at_the_stop_makes_no_job(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.fetcher.ends = asyncio.get_running_loop().create_future()
        asked = await here.ask()
        await until(lambda: len(here.fetcher.urls) == 1)
        await here.service.drain()
        with pytest.raises(Unavailable):
            await asyncio.wait_for(asked, 5)
        assert await here.here.store.running_jobs(1) == []


async def test_a_caller_that_hangs_up_stops_the_fetch(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.fetcher.ends = asyncio.get_running_loop().create_future()
        asked = await here.ask()
        await until(lambda: len(here.fetcher.urls) == 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await until(here.fetcher.ends.cancelled)


async def test_a_job_that_is_being_accepted_at_the_stop_is_answered(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        accepting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        real: Callable[..., Any] = here.here.store.add_job

        async def slowly(*args: Any) -> Any:
            job = await real(*args)
            await accepting
            return job

        here.here.store.add_job = slowly  # type: ignore[method-assign]
        asked = await here.ask()
        await until(lambda: bool(here.service._submitting))
        draining = asyncio.create_task(here.service.drain())
        await here.here.clock.elapse(0)
        assert not draining.done()
        accepting.set_result(None)
        await draining
        answer = await asyncio.wait_for(asked, 5)
        assert (answer.status, answer.code) == (JobStatus.FAILED, 502)


async def test_a_job_that_comes_out_of_the_fetch_after_the_stop_is_not_accepted(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        await here.service.drain()
        with pytest.raises(Unavailable):
            await here.service._accept(user, DESCRIBE, cast(Any, None), [], [])


async def test_a_stop_with_the_store_down_lets_every_caller_go(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        sent = await here.ask()
        await here.performed()
        unsent = await here.ask()
        await until(lambda: len(here.here.discord.uploads) == 2)
        here.here.failing.failing = {"commit"}
        with capture_logs() as logs:
            await here.service.drain()
        assert "service.unsent_left" in [line["event"] for line in logs]
        assert (await sent).status is JobStatus.SUBMITTED
        # not called ended, because it could not be recorded as such
        assert (await unsent).status is JobStatus.CREATED
