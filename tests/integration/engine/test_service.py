from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.build import replace
from tests.harness.desk import (
    ACCOUNT,
    acknowledged,
    described,
    told,
    until,
)
from tests.harness.house import DESCRIBE, INFO, house
from waystation.actions import Accepted, Outcome
from waystation.engine.choice import Chosen
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import (
    Halted,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    StoreError,
    Unavailable,
    VaultError,
)
from waystation.jobs import JobStatus

# ── submitting ──


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
        for ask in (service.reads.get_job, service.reads.family, service.cancel):
            with pytest.raises(NotFound, match=f"^Unable to locate job {job.jobid}$"):
                await ask(eve, job.jobid)
        assert await here.service.reads.running_jobs(eve) == []
        assert await here.service.reads.running_jobs(await here.user()) == [job.jobid]


async def test_a_cancel_answers_the_first_final_status(tmp_path: Path) -> None:
    """R26."""
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


async def test_a_job_can_be_cancelled_before_its_account_has_it(tmp_path: Path) -> None:
    """R26: it is in the store a moment before its owner hears of it."""
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        asked = await here.ask(INFO)
        while not (jobids := await here.service.reads.running_jobs(user)):
            await asyncio.sleep(0)
        assert (await here.service.cancel(user, jobids[0])).status is JobStatus.CANCELLED
        assert (await asked).status is JobStatus.CANCELLED


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


# ── upkeep ──


async def test_readiness_names_what_does_not_work(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        ready = await here.service.readiness()
        assert (ready.ready, ready.sessions) == (True, {"connected": 1})
        assert ready.warnings == ()
        here.clock_warning = "clock: this host is 8 s ahead of Discord."
        ready = await here.service.readiness()
        assert (ready.ready, ready.warnings) == (True, (here.clock_warning,))

        def broken(*_: object) -> bytes:
            raise VaultError("the key is gone")

        here.sealer.unseal = broken  # type: ignore[method-assign, assignment]
        here.here.failing.failing = {"ping"}
        here.here.clock.advance(1)
        ready = await here.service.readiness()
        assert not ready.ready
        assert [problem.partition(":")[0] for problem in ready.problems] == ["database", "key"]
        assert (await here.service.counts()).accounts == 1


async def test_waits_are_told_in_seconds(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        await here.ask()
        await here.performed(1)
        here.here.clock.advance(30)
        waits = here.service.waits(await here.service.counts())
        assert (waits["job"], waits["slot"], waits["callback"], waits["account"]) == (30, 30, 0, 0)
        owner.disconnected()
        here.here.clock.advance(7)
        waits = here.service.waits(await here.service.counts())
        assert (waits["job"], waits["account"]) == (37, 7)


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
        # its caller has its jobid, and the next start sends it
        assert (answer.status, answer.code) == (JobStatus.CREATED, 200)
        assert await here.here.store.inputs_of(answer.jobid) is not None
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
            await asyncio.wait_for(asked, 30)
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

        here.here.store.add_job = slowly  # type: ignore[method-assign, assignment]
        asked = await here.ask()
        await until(lambda: bool(here.service._submitting))
        draining = asyncio.create_task(here.service.drain())
        await here.here.clock.elapse(0)
        assert not draining.done()
        accepting.set_result(None)
        await draining
        answer = await asyncio.wait_for(asked, 30)
        assert (answer.status, answer.code) == (JobStatus.CREATED, 200)
        await here.here.quiet()
        assert here.here.discord.performed == [], "nothing is asked any more"


async def test_a_stop_waits_for_what_is_being_sent(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        here.here.discord.outcomes.append(outcome)
        asked = await here.ask()
        await here.performed()
        draining = asyncio.create_task(here.service.drain())
        assert (await asked).status is JobStatus.SUBMITTED
        await here.here.quiet()
        assert not draining.done()
        outcome.set_result(Accepted())
        await draining


async def test_a_job_that_comes_out_of_the_fetch_after_the_stop_is_not_accepted(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        await here.service.drain()
        with pytest.raises(Unavailable):
            await here.service._accept(user, DESCRIBE, cast(Any, None), Chosen([]), [])


async def test_a_stop_with_the_store_down_lets_every_caller_go(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        sent = await here.ask()
        await here.performed()
        unsent = await here.ask()
        await until(lambda: len(here.here.discord.uploads) == 2)
        here.here.failing.failing = {"commit"}
        await here.service.drain()
        assert (await sent).status is JobStatus.SUBMITTED
        assert (await unsent).status is JobStatus.CREATED


@pytest.mark.parametrize(("request_", "status"), [(DESCRIBE, 412), (INFO, 400)])
async def test_a_reply_url_that_cannot_be_called_is_refused_at_once(
    tmp_path: Path, request_: JobRequest, status: int
) -> None:
    async with house(tmp_path) as here:
        request = replace(request_, reply_url="http://10.0.0.1/x")
        with pytest.raises(InvalidRequest) as caught:
            await (await here.ask(request))
        assert caught.value.message == "replyUrl cannot be called: 10.0.0.1 is a private address"
        assert caught.value.status_hint == status
        assert here.fetcher.urls == []
