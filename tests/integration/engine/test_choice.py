from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from tests.build import account, change, draft, failed, replace, setup
from tests.fakes import START
from tests.harness.desk import ACCOUNT, acknowledged, described, told, until
from tests.harness.house import DESCRIBE, INFO, House, house
from tests.harness.leases import claim
from tests.limits import SERVICE
from waystation.actions import Refused
from waystation.callbacks import Callback
from waystation.engine.choice import busy, jobs_a_minute
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import Busy, Halted, InvalidRequest, RateLimited, Throttled, Withheld
from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.commands import COMMANDS
from waystation.ports import Commit, NoSlot, Standing
from waystation.quotas import Quota
from waystation.store.sqlite.database import Database, queries


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


async def test_a_caller_who_has_read_that_a_job_is_over_gets_its_slot(tmp_path: Path) -> None:
    """R31: readers see what is committed before the account's owner has adopted it."""
    async with house(tmp_path) as here:
        await here.live()
        request = replace(DESCRIBE, max_jobs=1)
        asked = await here.ask(request)
        (job,) = await here.performed()
        here.here.discord.say(told(job), acknowledged(job))
        assert (await asked).status is JobStatus.STARTED
        committing, adopt = here.here.store.commit, asyncio.Event()

        async def commit_and_wait(step: Commit) -> Sequence[Callback] | None:
            claimed = await committing(step)
            await adopt.wait()
            return claimed

        here.here.store.commit = commit_and_wait  # type: ignore[method-assign]
        here.here.discord.say(described(job))

        async def is_over() -> bool:
            return (await here.here.job(job.jobid)).status is JobStatus.COMPLETED

        await until(is_over)
        assert [one.jobid for one in here.pool.holding(ACCOUNT.account_id)] == [job.jobid]
        here.here.store.commit = committing  # type: ignore[method-assign]
        looked, holding = asyncio.Event(), here.pool.holding

        def look(account_id: str) -> Sequence[Job]:
            looked.set()
            return holding(account_id)

        here.pool.holding = look  # type: ignore[method-assign]
        next_one = await here.ask(request)
        await looked.wait()
        adopt.set()
        await here.performed(2)
        next_one.cancel()


async def test_jobs_without_a_slot_wait_in_a_short_lane(tmp_path: Path) -> None:
    """R16."""
    async with house(tmp_path) as here:
        await here.live()
        asked = [await here.ask(INFO) for _ in range(SERVICE.lane)]
        await until(lambda: len(here.pool.jobs(ACCOUNT.account_id)) == SERVICE.lane)
        with pytest.raises(Throttled, match=f"{SERVICE.lane} jobs without a slot"):
            await (await here.ask(INFO))
        for one in asked:
            one.cancel()


async def test_the_asked_account_is_named(tmp_path: Path) -> None:
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
            setup(replace(second, sealed_token=here.sealer.seal("accounts", "account-2", b"token")))
        )
        assert await refused(INFO) == "discord, server or channel value is missing"
        await here.here.halt_in_store()
        assert "pending moderation message" in await refused(DESCRIBE)
        stranger = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        with pytest.raises(InvalidRequest, match=r"^Configuration not found$"):
            await here.service.submit(stranger, DESCRIBE)


# ── Discord's wait (R16) ──

LIMITED = '{"message":"You are being rate limited.","retry_after":300}'


async def test_while_every_account_waits_for_discord_a_caller_is_told_at_once_and_truly(
    tmp_path: Path,
) -> None:
    """R16: nothing is fetched or written; the seconds are those that remain."""
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.outcomes.append(Refused(429, LIMITED, "rate_limited", 300.0))
        assert (await (await here.ask())).code == 429
        here.fetcher.urls.clear()
        await here.here.clock.elapse(11)
        for request in (DESCRIBE, INFO):
            with pytest.raises(RateLimited) as caught:
                await (await here.ask(request))
            assert caught.value.message == "Discord /interactions failed with HTTP status 429"
            assert caught.value.retry_after_s == 289
            assert caught.value.details == LIMITED.replace("300", "289")
            assert caught.value.executing_jobs is None
        assert here.fetcher.urls == []
        assert (await here.here.store.counts()).jobs_by_status == {"failed": 1}
        # and the first is asked as soon as the wait is over
        await here.here.clock.elapse(290)
        asked = await here.ask()
        await here.performed(2)
        asked.cancel()


async def test_a_wait_that_the_connection_knows_of_counts_as_well(tmp_path: Path) -> None:
    """A 429 of the whole token, had from an upload or from history."""
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "<html>")
        with pytest.raises(RateLimited) as caught:
            await (await here.ask())
        assert (caught.value.retry_after_s, caught.value.details) == (120, "<html>")


async def test_a_wait_that_a_caller_can_bear_is_borne(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(20.0, "")
        asked = await here.ask()
        await until(lambda: bool(here.pool.jobs(ACCOUNT.account_id)))
        assert here.here.discord.performed == []
        asked.cancel()


async def test_an_account_that_waits_is_not_drawn_while_another_does_not(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        request = replace(DESCRIBE, max_jobs=1)
        second = replace(account(2), max_jobs=1)
        sealed = here.sealer.seal("accounts", "account-2", b"token")
        await here.here.store.put_account(setup(replace(second, sealed_token=sealed)))
        choice = here.service._choice
        assert len((await choice.of(user, request, COMMANDS["describe"], None)).candidates) == 2
        here.here.discord.standing = Standing(61.0, "")
        drawn = (await choice.of(user, request, COMMANDS["describe"], None)).candidates
        assert [one.account_id for one in drawn] == ["account-2"]
        # some wait and the rest are full: 429 (a)
        job = await here.here.store.add_job(draft("account-2"), here.here.clock.now())
        assert isinstance(job, Job)
        here.pool.holding = lambda account_id: [job] if account_id == "account-2" else []  # type: ignore[method-assign]
        with pytest.raises(Busy) as caught:
            await choice.of(user, request, COMMANDS["describe"], None)
        assert caught.value.executing_jobs == (job.jobid,)


async def test_an_account_whose_uploads_wait_is_drawn_only_for_what_needs_none(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        withheld = Withheld("Discord asked to wait", 300.0, LIMITED)
        here.here.discord.upload_ends.append(withheld)
        assert (await (await here.ask())).code == 429
        imagine = JobRequest(verb="imagine", params={"prompt": "cat"})
        blend_files = JobRequest("blend", files={"blendFile_1": FilePart("a.png", b"a")})
        choice = here.service._choice
        for one, of in ((DESCRIBE, "describe"), (blend_files, "blend")):
            with pytest.raises(RateLimited) as caught:
                await choice.of(user, one, COMMANDS[of], None)
            assert caught.value.retry_after_s == 300
        assert len((await choice.of(user, imagine, COMMANDS["imagine"], None)).candidates) == 1
        second = replace(account(2), max_jobs=1)
        sealed = here.sealer.seal("accounts", "account-2", b"token")
        await here.here.store.put_account(setup(replace(second, sealed_token=sealed)))
        drawn = (await choice.of(user, DESCRIBE, COMMANDS["describe"], None)).candidates
        assert [one.account_id for one in drawn] == ["account-2"]
        assert len((await choice.of(user, imagine, COMMANDS["imagine"], None)).candidates) == 2


async def test_an_account_in_the_mode_that_waits_is_waited_for(tmp_path: Path) -> None:
    """It is no fault of the request that the account in its mode may not be asked now."""
    async with house(tmp_path) as here:
        await here.live()
        sealed = here.sealer.seal("accounts", "account-2", b"token")
        await here.here.store.put_account(setup(replace(account(2), sealed_token=sealed)))
        choice = here.service._choice

        async def mode_of(account_id: str) -> str | None:
            return "relax" if account_id == ACCOUNT.account_id else "fast"

        choice.mode_of = mode_of  # type: ignore[method-assign]
        here.here.discord.standing = Standing(300.0, "")
        request = replace(DESCRIBE, mode="relax")
        with pytest.raises(RateLimited):
            await choice.of(await here.user(), request, COMMANDS["describe"], None)
        with pytest.raises(InvalidRequest, match="turbo"):
            await choice.of(
                await here.user(), replace(request, mode="turbo"), COMMANDS["describe"], None
            )


# ── sidelining (R50) ──

UNKNOWN_CHANNEL = Refused(400, "{}", "account", discord_code="10003")


async def _chosen(here: House, **asked: object) -> set[str]:
    """Return the accounts that take a describe."""
    request = replace(DESCRIBE, **asked)
    chosen = await here.service._choice.of(await here.user(), request, COMMANDS["describe"], None)
    return {one.account_id for one in chosen.candidates}


async def test_a_sidelined_account_is_not_drawn_while_another_is_usable(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        second = account(2)
        sealed = here.sealer.seal("accounts", second.account_id, b"token")
        await here.here.store.put_account(setup(replace(second, sealed_token=sealed)))
        for _ in range(3):
            assert await _chosen(here) == {ACCOUNT.account_id, second.account_id}
            here.here.discord.outcomes.append(UNKNOWN_CHANNEL)
            job = await (await here.ask(replace(DESCRIBE, channel=ACCOUNT.channel)))
            assert (job.status, job.code) == (JobStatus.FAILED, 502)
        assert await _chosen(here) == {second.account_id}
        # whoever names its channel gets it
        assert await _chosen(here, channel=ACCOUNT.channel) == {ACCOUNT.account_id}
        # ten minutes bring it back on trial
        await here.here.clock.elapse(599)
        assert await _chosen(here) == {second.account_id}
        await here.here.clock.elapse(1)
        assert await _chosen(here) == {ACCOUNT.account_id, second.account_id}


async def test_a_sidelined_account_is_drawn_when_no_other_is_usable(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        for _ in range(3):
            here.here.discord.outcomes.append(UNKNOWN_CHANNEL)
            await (await here.ask())
        assert await _chosen(here) == {ACCOUNT.account_id}


async def test_a_reset_brings_a_sidelined_account_back(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        for _ in range(3):
            here.here.discord.outcomes.append(UNKNOWN_CHANNEL)
            await (await here.ask())
        await here.accounts.reset(await here.user(), ACCOUNT.channel)
        account = await here.accounts.get(await here.user(), ACCOUNT.channel)
        assert account.trouble is None
        # and its count begins anew
        here.here.discord.outcomes.append(UNKNOWN_CHANNEL)
        await (await here.ask())
        account = await here.accounts.get(await here.user(), ACCOUNT.channel)
        assert account.trouble is not None and account.trouble.in_a_row == 1


async def test_an_account_takes_so_many_jobs_a_minute(tmp_path: Path) -> None:
    async with house(tmp_path, a_minute=2) as here:
        await here.live()
        user = await here.user()
        for _ in range(2):
            asked = await here.ask(INFO)
            while not (jobids := await here.service.reads.running_jobs(user)):
                await asyncio.sleep(0)
            await here.service.cancel(user, jobids[0])
            await asked
        with pytest.raises(
            Throttled, match="2 jobs were taken for this account within a minute; wait"
        ) as raised:
            await (await here.ask(INFO))
        assert raised.value.quota == Quota("jobs", 2, 0, 60, 60, ACCOUNT.channel)
        assert raised.value.retry_after_s == 60
        here.here.clock.advance(61)
        (await here.ask(INFO)).cancel()


def test_without_pacing_jobs_are_not_counted() -> None:
    assert jobs_a_minute(50, 0) is None
    assert jobs_a_minute(24, 2.5) == 24 + 15 + 24


@pytest.mark.parametrize("count", [10, 400])
async def test_a_job_costs_as_many_statements_however_many_accounts_its_user_has(
    tmp_path: Path, count: int
) -> None:
    """All but one are full: the writer asks for no other."""
    async with house(tmp_path) as here:
        await here.live()
        store = here.here.store
        for number in range(2, count + 1):
            await store.put_account(setup(account(number)))
        taken = await store.add_job(draft("account-1"), here.here.clock.now())
        full = [cast(Job, taken)] * 3
        free = f"account-{count - 1}"
        here.pool.holding = lambda account_id: [] if account_id == free else full  # type: ignore[method-assign]
        await store.list_accounts(1)
        read, written = counted(store._connections.near), counted(store._connections.writer)
        user = await here.user()
        chosen = await here.service._choice.of(user, DESCRIBE, COMMANDS["describe"], None)
        candidates = chosen.candidates
        assert candidates[0].account_id == free
        assert {one.account_id for one in candidates} == {
            f"account-{number}" for number in range(1, count + 1)
        }
        job = await store.add_job(
            draft(*(one.account_id for one in candidates)), here.here.clock.now()
        )
        assert isinstance(job, Job) and job.account_id == free
        assert [one for one in read if one not in ("begin", "commit")] == [
            "user_by_id",
            "accounts_version",
            "failings",
        ]
        assert written.count("room") == 1


async def test_the_draw_goes_by_free_slots_and_by_what_failed_lately(tmp_path: Path) -> None:
    """Weights 30, 20 and 15: none is left out, and after a quarter of an hour all count alike."""
    async with house(tmp_path) as here:
        await here.live()
        store, now = here.here.store, here.here.clock.now()
        for number in (2, 3):
            await store.put_account(setup(account(number)))
        busy = await store.add_job(draft("account-2"), now)
        failing = await store.add_job(draft("account-3"), now)
        assert isinstance(busy, Job) and isinstance(failing, Job)
        epoch = await claim(store, "account-3", "me")
        lost = change(failed(failing), account_id="account-3", epoch=epoch, at=now)
        await store.commit(lost)
        held = {"account-2": [busy]}
        here.pool.holding = lambda account_id: held.get(account_id, [])  # type: ignore[method-assign]
        here.here.ids.below = Random(4).randrange  # type: ignore[method-assign, assignment]

        async def drawn(draws: int = 1_300) -> Counter[str]:
            user, found = await here.user(), Counter[str]()
            for _ in range(draws):
                choice = here.service._choice.of(user, DESCRIBE, COMMANDS["describe"], None)
                found[(await choice).candidates[0].account_id] += 1
            return found

        found = await drawn()
        expected = {"account-1": 600, "account-2": 400, "account-3": 300}
        assert all(abs(found[one] - number) < 90 for one, number in expected.items()), found
        here.here.clock.advance(16 * 60)
        found = await drawn(1_600)
        expected = {"account-1": 600, "account-2": 400, "account-3": 600}
        assert all(abs(found[one] - number) < 90 for one, number in expected.items()), found


def counted(database: Database) -> list[str]:
    """Return a list that names each statement from now on."""
    named: list[str] = []
    names = {
        one: name
        for name, text in queries().items()
        for one in (text, *text.rstrip(";").split(";\n"))
    }
    run = database._execute

    def noted(text: str, *values: Any) -> object:
        named.append(names[text])
        return run(text, *values)

    database._execute = cast(Any, noted)
    return named


@pytest.mark.parametrize(
    ("free_in_s", "told_s"), [(None, 10), (24.2, 25), (600, 600), (0, 5), (-30, 5)]
)
@pytest.mark.parametrize("jobs", [(), ("job:1",)])
def test_a_full_account_says_when_its_first_slot_is_free(
    free_in_s: float | None, told_s: int, jobs: tuple[JobId, ...]
) -> None:
    free_at = None if free_in_s is None else START + timedelta(seconds=free_in_s)
    error = busy(NoSlot(3, jobs, free_at), COMMANDS["imagine"], START)
    assert (error.retry_after_s, error.executing_jobs) == (told_s, jobs or None)
