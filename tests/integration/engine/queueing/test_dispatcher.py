from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.build import account, replace, setup
from tests.harness.desk import ACCOUNT, acknowledged, described, told, until
from tests.harness.house import DESCRIBE, House, house
from waystation.actions import Outcome, Refused, Unknown
from waystation.engine.account.owner import Owner
from waystation.engine.queueing.dispatcher import LONGEST_ROUND_S
from waystation.engine.request import JobRequest
from waystation.errors import StoreError, Unreachable, Withheld
from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.steps import NOTHING
from waystation.ports import Standing
from waystation.sidelining import Cause

QUEUED = replace(DESCRIBE, queue=True, max_jobs=1)
HOUR_S = 3600.0
REFUSAL = Cause(400, "10003", "{}")


async def busy(here: House) -> Job:
    """Let the only slot be taken; return the job that has it."""
    await here.live()
    asked = await here.ask(replace(DESCRIBE, max_jobs=1))
    (job,) = await here.performed()
    here.here.discord.say(told(job), acknowledged(job))
    await asked
    return job


async def waits(here: House, request: JobRequest = QUEUED) -> Job:
    job = await (await here.ask(request))
    assert job.waiting
    return job


async def why(here: House, job: Job) -> str:
    place = await here.service.place(await here.here.job(job.jobid))
    assert place is not None
    return place.why


async def test_a_job_is_sent_when_a_slot_is_free(tmp_path: Path) -> None:
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        assert await why(here, job) == "The slot is in use."
        here.here.discord.say(described(running))
        await until(lambda: len(here.here.discord.performed) == 2)
        sent = await here.here.becomes(job.jobid, JobStatus.SUBMITTED)
        assert (sent.account_id, sent.jobid) == (ACCOUNT.account_id, job.jobid)
        # its picture is still there, should it be refused for the moment (R13)
        assert await here.here.store.inputs_of(job.jobid) is not None
        here.here.discord.say(told(sent), acknowledged(sent, "801"), described(sent, "801"))
        await here.here.becomes(job.jobid, JobStatus.COMPLETED)
        assert await here.here.store.inputs_of(job.jobid) is None


async def test_a_job_that_discord_refuses_for_the_moment_is_sent_again_with_a_new_nonce(
    tmp_path: Path,
) -> None:
    """R13, R12."""
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        limited = Refused(429, '{"retry_after":60}', "rate_limited", 60.0)
        here.here.discord.outcomes.append(cast(Outcome, limited))
        here.here.discord.say(described(running))
        await until(lambda: len(here.here.discord.performed) == 2)

        async def is_back() -> bool:
            return (await here.here.job(job.jobid)).waiting

        await until(is_back)
        back = await here.here.job(job.jobid)
        assert (back.status, back.nonce, back.slot) == (JobStatus.CREATED, None, False)
        assert (await why(here, job)).startswith("It was refused for the moment")
        await here.here.clock.elapse(15)
        assert await why(here, job) == "Discord asks to wait until 2026-01-02 03:05:05 UTC."
        assert len(here.here.discord.performed) == 2
        await here.here.clock.elapse(60)
        await until(lambda: len(here.here.discord.performed) == 3)
        nonces = [one.nonce for one in here.here.discord.performed]
        assert len(set(nonces)) == 3
        sent = await here.here.becomes(job.jobid, JobStatus.SUBMITTED)
        assert sent.nonce == nonces[-1]


async def test_a_job_that_was_put_back_is_sent_again_after_ten_seconds(tmp_path: Path) -> None:
    async with house(tmp_path, dispatches=True) as here:
        await here.live()
        limited = Refused(429, '{"retry_after":0.5}', "rate_limited", 0.5)
        here.here.discord.outcomes.append(cast(Outcome, limited))
        await waits(here)
        await here.here.clock.elapse(9)
        assert len(here.here.discord.performed) == 1
        await here.here.clock.elapse(2)
        await until(lambda: len(here.here.discord.performed) == 2)


async def test_a_job_whose_request_never_left_is_sent_again_with_a_new_nonce(
    tmp_path: Path,
) -> None:
    """R13, R12."""
    async with house(tmp_path, dispatches=True) as here:
        await here.live()
        here.here.discord.outcomes.append(Unreachable("no connection to Discord"))
        job = await waits(here)
        assert await here.here.kinds(job.jobid) == ["Submitted", "PutBack"]
        await here.here.clock.elapse(11)
        await until(lambda: len(here.here.discord.performed) == 2)
        first, second = [one.nonce for one in here.here.discord.performed]
        assert first != second


async def test_a_job_whose_connection_broke_after_the_request_left_is_not_sent_again(
    tmp_path: Path,
) -> None:
    """R12."""
    async with house(tmp_path, dispatches=True) as here:
        await here.live()
        here.here.discord.outcomes.append(Unknown("the connection broke"))
        asked = await here.ask(QUEUED)
        (job,) = await here.performed()
        await here.here.clock.elapse(30)
        assert (await here.here.job(job.jobid)).status is JobStatus.SUBMITTED
        assert len(here.here.discord.performed) == 1
        asked.cancel()


async def test_a_post_of_the_queue_that_discord_refuses_answers_that_the_job_waits(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, dispatches=True) as here:
        await here.live()
        limited = Refused(429, '{"retry_after":300}', "rate_limited", 300.0)
        here.here.discord.outcomes.append(cast(Outcome, limited))
        job = await (await here.ask(QUEUED))
        assert job.waiting
        # and who asks now waits, too, instead of being told 429
        assert (await (await here.ask(QUEUED))).waiting


async def test_a_post_that_was_answered_since_its_job_was_put_back_waits_no_more(
    tmp_path: Path,
) -> None:
    """R11: whoever repeats it is told of the job, also after an account was given it again."""
    async with house(tmp_path, dispatches=True) as here:
        await here.live()
        limited = Refused(429, '{"retry_after":0.5}', "rate_limited", 0.5)
        here.here.discord.outcomes.append(cast(Outcome, limited))
        job, replayed = await here.service.submit_once(await here.user(), QUEUED, "key")
        assert job.waiting
        assert not replayed
        await here.here.clock.elapse(11)
        await until(lambda: len(here.here.discord.performed) == 2)
        again, replayed = await here.service.submit_once(await here.user(), QUEUED, "key")
        assert (again.jobid, again.status, replayed) == (job.jobid, JobStatus.SUBMITTED, True)


async def test_a_job_that_has_waited_a_day_fails_and_says_why(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, dispatches=True) as here:
        await busy(here)
        reply = {"reply_url": "https://example.org/callback"}
        job = await waits(here, replace(QUEUED, channel=ACCOUNT.channel, **reply))
        await here.here.halt_in_store()
        reason = await why(here, job)
        assert reason.startswith(f"The account of channel {ACCOUNT.channel} is halted: ")
        here.here.clock.advance(23.9 * HOUR_S)
        await here.here.clock.elapse(1)
        assert (await here.here.job(job.jobid)).waiting
        here.here.clock.advance(0.2 * HOUR_S)
        ended = await here.here.becomes(job.jobid, JobStatus.FAILED)
        assert ended.code == 502
        assert ended.error == f"Not sent within 24 hours: {reason}"
        assert (
            ended.error_details
            == "Nothing was submitted to Midjourney; the job can be submitted again."
        )
        (callback,) = await here.here.store.find_callbacks(job.jobid)
        assert callback.is_final
        assert len(here.here.discord.performed) == 1


async def test_a_job_whose_day_ended_before_the_start_says_that_waystation_was_down(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await busy(here)
        job = await waits(here)
        here.here.clock.advance(25 * HOUR_S)
        # as a process does that starts now
        here.service.dispatcher._began = here.here.clock.now()
        await here.service.dispatcher.round()
        ended = await here.here.becomes(job.jobid, JobStatus.FAILED)
        reason = "Waystation was down when the job's turn came"
        assert ended.error == f"Not sent within 24 hours: {reason}"


async def test_nothing_is_given_before_the_account_is_caught_up(tmp_path: Path) -> None:
    """R28."""
    async with house(tmp_path) as here:
        running = await busy(here)
        job = await waits(here)
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        owner.disconnected("gone")
        assert (
            await why(here, job) == "Waystation is connecting to Discord, or cannot be heard there."
        )
        await here.here.store._write(
            lambda database: database.connection.execute("update jobs set slot = 0")
        )
        assert running.slot
        await here.service.dispatcher.round()
        assert (await here.here.job(job.jobid)).waiting


async def test_an_account_that_discord_asks_to_wait_is_given_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await waits(here)
        wait_s = await here.service.dispatcher.round()
        assert wait_s == LONGEST_ROUND_S
        assert (await here.here.job(job.jobid)).waiting
        here.here.discord.standing = None
        await here.service.dispatcher.round()
        assert (await here.here.job(job.jobid)).account_id == ACCOUNT.account_id


async def test_a_job_with_a_picture_waits_while_discord_asks_uploads_to_wait(
    tmp_path: Path,
) -> None:
    """R16: it is not given to the account and put back again and again."""
    async with house(tmp_path, dispatches=True) as here:
        await here.live()
        body = '{"message":"You are being rate limited.","retry_after":300}'
        here.here.discord.upload_ends.append(Withheld("Discord asked to wait", 300.0, body))
        job = await waits(here, replace(QUEUED, max_jobs=None))
        await here.here.clock.elapse(30)
        assert (await why(here, job)).startswith("Discord asks to wait until ")
        before = (await here.here.job(job.jobid)).version
        await here.here.clock.elapse(200)
        assert (await here.here.job(job.jobid)).version == before
        imagine = JobRequest("imagine", params={"prompt": "cat"}, queue=True)
        asked = await here.ask(imagine)
        await until(lambda: len(here.here.discord.performed) == 1)
        asked.cancel()
        await here.here.clock.elapse(100)
        await until(lambda: len(here.here.discord.performed) == 2)


async def test_an_account_takes_no_more_from_the_queue_than_it_may_within_a_minute(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, a_minute=1, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        here.here.discord.say(described(running))
        await here.here.becomes(running.jobid, JobStatus.COMPLETED)
        await here.here.clock.elapse(30)
        assert (await here.here.job(job.jobid)).waiting
        hurried = "As many jobs were taken as an account may take within a minute."
        assert await why(here, job) == hurried
        await here.here.clock.elapse(60)
        await until(lambda: len(here.here.discord.performed) == 2)


async def test_a_user_whose_one_account_is_shared_and_sidelined_waits_for_nothing(
    tmp_path: Path,
) -> None:
    """R50, R32: that its owner has another account helps nobody but its owner."""
    async with house(tmp_path) as here:
        await here.live()
        store = here.here.store
        second = account(2)
        sealed = here.sealer.seal("accounts", second.account_id, b"token")
        await store.put_account(setup(replace(second, sealed_token=sealed)))
        user = await store.add_user("bob@example.org", b"h", here.here.clock.now())
        await store.sharing.share(ACCOUNT.account_id, user.user_id)
        here.here.discord.standing = Standing(120.0, "")
        job = await here.service.submit(user, QUEUED)
        owners = await here.service.submit(await here.user(), QUEUED)
        assert (job.waiting, owners.waiting) == (True, False)
        for _ in range(3):
            owner = here.pool.get(ACCOUNT.account_id)
            assert owner is not None
            await owner.step(lambda conversation, now: NOTHING, refused=REFUSAL)
        here.here.discord.standing = None
        assert await why(here, job) == "It is about to be sent."
        await here.service.dispatcher.round()
        assert (await here.here.job(job.jobid)).account_id == ACCOUNT.account_id


async def test_a_job_tells_which_account_is_passed_over(tmp_path: Path) -> None:
    """R50."""
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        job = await waits(here)
        second = account(2, max_jobs=1)
        await here.here.store.put_account(setup(second))
        for _ in range(3):
            owner = here.pool.get(ACCOUNT.account_id)
            assert owner is not None
            await owner.step(lambda conversation, now: NOTHING, refused=REFUSAL)
        here.here.discord.standing = None
        assert await why(here, job) == (
            "Waystation is connecting to Discord, or cannot be heard there. Discord keeps refusing "
            f"the account of channel {ACCOUNT.channel}, so others are preferred."
        )
        await here.service.dispatcher.round()
        assert (await here.here.job(job.jobid)).waiting


async def test_a_store_that_fails_once_holds_up_nobody_for_long(tmp_path: Path) -> None:
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        await waits(here)
        here.here.failing.failing = {"commit"}
        here.here.failing.failing = set()
        real, calls = here.here.store.queue.grant, 0

        async def breaks(opening: object, at: object) -> Job | None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise StoreError("The database is locked")
            return await real(opening, at)  # type: ignore[arg-type]

        here.here.store.queue.grant = breaks  # type: ignore[method-assign]
        here.here.discord.say(described(running))
        await until(lambda: calls >= 1)
        await here.here.clock.elapse(2)
        await until(lambda: len(here.here.discord.performed) == 2)


async def test_a_cancel_ends_a_waiting_job_at_once_and_nothing_is_sent(tmp_path: Path) -> None:
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        cancelled = await here.service.cancel(await here.user(), job.jobid)
        assert cancelled.status is JobStatus.CANCELLED
        here.here.discord.say(described(running))
        await here.here.becomes(running.jobid, JobStatus.COMPLETED)
        await here.here.quiet()
        assert len(here.here.discord.performed) == 1


async def test_a_cancel_counts_while_an_account_takes_the_job(tmp_path: Path) -> None:
    """R26: whoever takes the job reads its inputs first."""
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        reached, go_on = asyncio.Event(), asyncio.Event()
        real = here.here.store.inputs_of

        async def slow(jobid: JobId) -> object:
            found = await real(jobid)
            reached.set()
            await go_on.wait()
            return found

        here.here.store.inputs_of = slow  # type: ignore[method-assign, assignment]
        here.here.discord.say(described(running))
        await reached.wait()
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        await owner.cancel(job.jobid)
        with capture_logs() as logs:
            go_on.set()
            await here.here.quiet()
        assert (await here.here.job(job.jobid)).status is JobStatus.CANCELLED
        assert len(here.here.discord.performed) == 1
        assert logs == []


async def test_a_cancel_counts_between_a_grant_and_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R26."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    real = Owner.take

    async def slow(self: Owner, job: Job) -> None:
        reached.set()
        await go_on.wait()
        await real(self, job)

    monkeypatch.setattr(Owner, "take", slow)
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        here.here.discord.say(described(running))
        await reached.wait()
        cancelling = asyncio.create_task(here.service.cancel(await here.user(), job.jobid))
        await here.here.quiet()
        go_on.set()
        assert (await cancelling).status is JobStatus.CANCELLED
        await here.here.quiet()
        assert len(here.here.discord.performed) == 1


async def test_the_store_s_word_counts_where_a_job_is_gone_from_the_queue(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await busy(here)
        job = await waits(here)
        await here.service.cancel(await here.user(), job.jobid)
        again = await here.service._waiting.cancel(job)
        assert again.status is JobStatus.CANCELLED
        assert await here.service.place(job) is None


async def test_a_stop_gives_nothing_more(tmp_path: Path) -> None:
    async with house(tmp_path, dispatches=True) as here:
        running = await busy(here)
        job = await waits(here)
        await here.service.drain()
        here.here.discord.say(described(running))
        await here.here.becomes(running.jobid, JobStatus.COMPLETED)
        await asyncio.sleep(0)
        await here.service.dispatcher.round()
        assert (await here.here.job(job.jobid)).waiting
