from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.build import replace, setup
from tests.fakes import START, FakeSealer
from tests.harness.desk import (
    ACCOUNT,
    LIMITS,
    PICTURE,
    Desk,
    acknowledged,
    answer,
    create,
    described,
    desk,
    info,
    opened,
    said,
    told,
    until,
)
from waystation import sentences
from waystation.actions import Press, Unknown
from waystation.engine.account.queue import Waiting
from waystation.engine.inputs import Asked
from waystation.errors import StoreError, Unreachable
from waystation.gateway_events import CaughtUp, Disconnected, HumanCheckSeen
from waystation.jobs import JobStatus, Source
from waystation.midjourney.conversation import Conversation
from waystation.sentences import Sentence
from waystation.wire.snowflake import snowflake_at


def _id_now(now: datetime, number: int = 0) -> str:
    return str(snowflake_at(now, number))


# ── the whole life ──


async def test_a_describe_runs_from_acceptance_to_its_callback(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job), acknowledged(job), described(job))
        done = await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert await here.kinds(job.jobid) == [
            "Submitted",
            "InteractionSeen",
            "Acknowledged",
            "Completed",
        ]
        assert done.hash is None and done.message_id == "800"
        (callback,) = await here.store.find_callbacks(job.jobid)
        assert b'"status":"completed"' in callback.body
        await until(lambda: here.nudges == 1)
        await until(lambda: here.owner.jobs == ())


async def test_an_info_is_performed_without_a_picture(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send("info")
        here.discord.say(told(job), info(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert here.discord.uploads == []


# ── stopping ──


async def test_a_stop_saves_the_session_and_ends_the_run(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(create(said("801", channel="1"), sequence=9))
        await until(lambda: here.owner._held().session.now == opened(9, newest="801"))
        await here.owner.stop()
        assert here.running is not None
        await asyncio.wait_for(here.running, 30)
        assert await here.session() == opened(9)
        assert here.discord.now.closed


async def test_a_stop_with_the_store_down_still_ends_the_run(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(create(said("801", channel="1"), sequence=9))
        await until(lambda: here.owner._held().session.now == opened(9, newest="801"))
        here.failing.failing = True
        with capture_logs() as logs:
            await here.owner.stop()
        assert here.running is not None
        await asyncio.wait_for(here.running, 30)
        assert "owner.session_not_saved" in [line["event"] for line in logs]


async def test_a_stop_between_two_holds_ends_the_run_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.failing.failing = True
        here.run()
        await here.quiet()
        await here.owner.stop()
        assert here.running is not None
        await asyncio.wait_for(here.running, 30)


async def test_a_stop_while_the_lease_is_being_taken_ends_the_run(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.run()
        await here.owner.stop()
        assert here.running is not None
        await asyncio.wait_for(here.running, 30)
        assert all(transport.session is None for transport in here.discord.transports)


# ── the store fails (R36) ──


async def test_holds_that_break_one_after_the_other_wait_ever_longer(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.failing.failing = {"take"}
        began = here.clock.monotonic()
        waits = []
        with capture_logs() as logs:
            here.run()
            for seconds in (0.2, 1.0, 5.0, 15.0, 15.0):
                await here.quiet()
                waits.append(seconds)
                here.clock.advance(seconds - 0.01)
                await asyncio.sleep(0)
                # one is the lease's
                assert here.clock.sleepers == 2
                here.clock.advance(0.01)
                await until(lambda: here.clock.sleepers == 2)
        assert here.clock.monotonic() - began == pytest.approx(sum(waits))
        assert {line["event"] for line in logs} == {"node.began", "owner.hold_broken"}


async def test_a_hold_that_lasted_starts_the_waits_anew(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await here.pass_time(61)
        here.failing.failing = {"commit"}
        here.discord.say(create(said("801", content="what nobody knows"), sequence=9))
        await until(lambda: here.discord.transports[0].closed)
        here.failing.failing = False
        await here.quiet()
        here.clock.advance(0.1)
        await until(lambda: len(here.discord.transports) == 2)


async def test_an_error_of_our_own_does_not_end_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as here:
        with monkeypatch.context() as patched, capture_logs() as logs:

            def broken(self: Conversation, *, caught_up: bool) -> None:
                raise RuntimeError("a bug")

            patched.setattr(Conversation, "wake_at", broken)
            here.run()
            await here.quiet()
            here.owner.moved.ring()
            await until(lambda: "owner.hold_failed" in [line["event"] for line in logs])
        await here.pass_until(lambda: here.owner.caught_up)


# ── not held ──


# ── jobs of an earlier process ──


async def test_a_job_that_an_earlier_process_accepted_and_never_sent_is_sent(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        here.clock.advance(599)
        await here.restart()
        await until(lambda: len(here.discord.performed) == 1)
        assert [upload.data for upload in here.discord.uploads] == [PICTURE.data]
        sent = await here.job(job.jobid)
        assert (sent.status, sent.nonce) == (
            JobStatus.SUBMITTED,
            here.discord.performed[0].nonce,
        )
        # the next process does not send it again
        await here.restart()
        await here.quiet()
        assert len(here.discord.performed) == 1
        # and nothing is left of what it needed, once Discord shows that it has it
        here.discord.say(told(sent))
        await here.quiet()
        assert await here.store.inputs_of(job.jobid) is None


async def test_a_press_that_was_never_sent_is_sent_though_its_parent_is_gone(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        press = Press("801", 64, "MJ::JOB::upsample::1::uuid")
        source = Source("801", "uuid", press.custom_id)
        job = await here.accept("button", Asked(action=press, source=source))
        await here.restart()
        await until(lambda: len(here.discord.performed) == 1)
        assert here.discord.performed[0].action == press
        sent = await here.job(job.jobid)
        assert (sent.target, sent.source_hash, sent.pressed) == ("801", "uuid", press.custom_id)


async def test_a_job_without_pictures_needs_no_inputs_to_be_sent(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept("info")
        assert await here.store.inputs_of(job.jobid) is None
        await here.restart()
        await until(lambda: len(here.discord.performed) == 1)


async def test_a_job_that_waited_too_long_for_a_process_fails(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        here.clock.advance(601)
        await here.restart()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (502, sentences.DOWN_AT_TURN.text)
        assert failed.error_details == sentences.NOTHING_SENT
        assert here.discord.performed == []
        assert await here.store.inputs_of(job.jobid) is None
        assert len(await here.store.find_callbacks(job.jobid)) == 1


async def test_a_job_whose_inputs_are_gone_fails(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.add()
        await here.restart()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (
            502,
            "The database does not have what the job needs to be sent",
        )
        assert here.discord.performed == []


async def test_a_job_that_was_left_unsent_waits_for_its_turn_as_long_as_it_may_be_sent(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        here.clock.advance(100)
        here.discord.greets = False
        await here.take_over()
        await until(lambda: here.owner.state == "connecting")
        await here.quiet()
        await here.clock.elapse(499)
        assert (await here.job(job.jobid)).status is JobStatus.CREATED
        await here.clock.elapse(2)
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.error == sentences.CONNECTION_NOT_READY.said(time="10 minutes")


async def test_a_job_that_waits_for_the_next_start_can_be_cancelled(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        here.discord.upload_ends.append(asyncio.get_running_loop().create_future())
        await here.restart()
        await here.owner.cancel(job.jobid)
        assert (await here.job(job.jobid)).status is JobStatus.CANCELLED
        assert await here.store.inputs_of(job.jobid) is None
        await here.quiet()
        assert here.discord.performed == []


@pytest.mark.parametrize(
    ("sentence", "change"),
    [
        (sentences.HALTED_BEFORE, "halt = 'look', halted_at = 1"),
        (sentences.REMOVED_BEFORE, "removed_at = 1"),
    ],
)
async def test_a_job_that_was_left_unsent_ends_with_its_account(
    tmp_path: Path, sentence: Sentence, change: str
) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        await here.store._write(
            lambda database: database.connection.execute(f"update accounts set {change}")
        )
        await here.take_over()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.error == sentence.text
        assert here.discord.performed == []
        assert await here.store.inputs_of(job.jobid) is None


async def test_a_job_whose_nonce_was_committed_is_not_sent_again(tmp_path: Path) -> None:
    """R12."""
    async with desk(tmp_path) as here:
        await here.start()
        await here.send()
        await here.restart()
        await here.quiet()
        assert len(here.discord.performed) == 1


async def test_a_job_that_was_accepted_before_the_account_was_held_is_sent(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.failing.failing = True
        here.run()
        await here.quiet()
        job = await here.submit()
        assert here.owner.jobs == ()
        here.failing.failing = False
        here.clock.advance(1)
        await until(lambda: len(here.discord.performed) == 1)
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED


async def test_a_job_that_is_handed_over_after_it_was_taken_from_its_rows_is_sent_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        job = await here.accept()
        ends = asyncio.get_running_loop().create_future()
        here.discord.upload_ends.append(ends)
        await here.start()
        await until(lambda: len(here.discord.uploads) == 1)
        here.owner.submit(Waiting(job, (PICTURE,)))
        ends.set_result(None)
        await until(lambda: len(here.discord.performed) == 1)
        await here.quiet()
        assert (len(here.discord.uploads), len(here.discord.performed)) == (1, 1)


async def test_a_job_that_could_not_be_taken_from_its_rows_is_taken_when_it_is_given_again(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.accept()
        here.failing.failing = {"inputs_of"}
        with pytest.raises(StoreError):
            await here.owner.take(job)
        here.failing.failing = False
        await here.owner.take(job)
        await until(lambda: len(here.discord.performed) == 1)


async def test_a_job_that_was_queued_and_ended_meanwhile_is_not_taken_in_again(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(Disconnected("gone"))
        await until(lambda: not here.owner.caught_up)
        job = await here.submit()
        await here.owner.cancel(job.jobid)
        # the hold breaks before the submitter has looked at its queue again
        here.failing.failing = {"commit"}
        here.discord.say(create(said("801", content="what nobody knows"), sequence=9))
        await until(lambda: here.discord.transports[0].closed)
        here.failing.failing = False
        await here.pass_until(lambda: here.owner.caught_up)
        await until(lambda: not here.owner._submitter.queued)
        assert (await here.job(job.jobid)).status is JobStatus.CANCELLED
        assert here.discord.performed == []


# ── deadlines (R28) ──


async def test_a_silent_job_is_lost_after_a_last_look_at_history(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        await here.pass_time(60)
        lost = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (lost.code, lost.ghost, lost.slot) == (502, True, False)
        assert here.discord.reads


async def test_a_result_that_only_history_has_is_found_at_the_deadline(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        here.discord.history.append(answer(job, _id_now(here.clock.now())))
        await here.pass_time(60)
        await here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_nothing_is_judged_while_discord_cannot_be_heard(tmp_path: Path) -> None:
    """R28, I6."""
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(Disconnected("gone"))
        await until(lambda: not here.owner.caught_up)
        assert here.owner.state == "connecting"
        await here.pass_time(60 + 599)
        await here.quiet()
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        await here.pass_time(1)
        await here.becomes(job.jobid, JobStatus.FAILED)


async def test_a_job_that_cannot_be_sent_in_time_fails_unsent(tmp_path: Path) -> None:
    """R10."""
    async with desk(tmp_path) as here:
        here.discord.greets = False
        here.run()
        await until(lambda: bool(here.discord.transports))
        job = await here.submit()
        await here.pass_time(60)
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (
            502,
            "The account's connection to Discord was not ready within 60 seconds",
        )
        assert here.discord.performed == []


async def test_a_connection_that_is_lost_while_a_job_waits_is_named_so(tmp_path: Path) -> None:
    async with desk(tmp_path, replace(LIMITS, pacing_s=100)) as here:
        await here.start()
        await here.send()
        job = await here.submit()
        await here.pass_time(59)
        await here.quiet()
        here.discord.say(Disconnected("gone"))
        await until(lambda: not here.owner.caught_up)
        later = await here.submit()
        await here.pass_time(1)
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (
            502,
            "The account's connection to Discord was lost while the job waited",
        )
        await here.pass_time(60)
        failed = await here.becomes(later.jobid, JobStatus.FAILED)
        assert failed.error == "The account's connection to Discord was not ready within 60 seconds"


async def test_a_ghost_gives_its_slot_back_without_evidence(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job), acknowledged(job))
        await here.becomes(job.jobid, JobStatus.STARTED)
        await here.pass_time(1800)
        expired = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (expired.ghost, expired.slot) == (True, True)
        await here.pass_time(600)

        async def given_back() -> bool:
            return not (await here.job(job.jobid)).slot

        await until(given_back)
        # evidence that comes later is kept and changes no status
        here.discord.say(described(job))

        async def kept() -> bool:
            return (await here.job(job.jobid)).late is not None

        await until(kept)
        assert (await here.job(job.jobid)).status is JobStatus.FAILED
        assert len(await here.store.find_callbacks(job.jobid)) == 1


# ── halts, tokens, removal ──


async def test_a_rejected_token_halts_and_waits_for_a_person(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(HumanCheckSeen("Discord rejected the account's token", fatal=True))
        here.discord.now.end()
        await until(lambda: here.owner.state == "halted")
        assert not here.owner.caught_up
        assert len(here.discord.transports) == 1
        # a reset alone tries again
        await here.store.reset_account(ACCOUNT.account_id, here.clock.now())
        reset = await here.store.get_account(ACCOUNT.account_id)
        assert reset is not None
        await here.owner.revive(reset)
        await here.pass_until(lambda: here.owner.caught_up)
        assert len(here.discord.transports) == 2


async def test_a_changed_row_with_the_same_token_keeps_the_connection(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await here.owner.revive(replace(here.owner.account, max_jobs=7))
        assert here.owner.account.max_jobs == 7
        assert not here.discord.now.closed


async def test_a_token_of_another_discord_user_is_not_used(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.discord.greets = False
        here.run()
        await until(lambda: bool(here.discord.transports))
        here.discord.greet("somebody else")
        await until(lambda: here.owner.state == "halted")
        assert "another Discord user" in (here.owner.account.halt or "")
        assert not here.owner.caught_up


# ── messages ──


async def test_an_unclear_outcome_is_noted_and_left_to_the_gateway(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(Unknown("a time-out"))
        job = await here.submit()

        async def noted() -> bool:
            return await here.kinds(job.jobid) == ["Submitted", "Unclear"]

        await until(noted)
        job = await here.job(job.jobid)
        here.discord.say(told(job), acknowledged(job), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_history_that_cannot_be_read_is_tried_until_the_time_is_up(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        here.discord.history_ends.extend([Unreachable("down")] * 500)
        here.discord.say(
            Disconnected("gone"), CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2"))
        )
        for number in range(1, 121):
            await until(partial(lambda number: len(here.discord.reads) >= number, number))
            await here.quiet()
            assert not here.owner.caught_up
            here.clock.advance(5)
        # the deadline has passed meanwhile, and its grace counts from there: no second one
        await here.pass_until(lambda: here.owner.jobs[0].final, step_s=5)
        finished_at = (await here.job(job.jobid)).finished_at
        assert finished_at is not None
        assert timedelta(seconds=660) <= finished_at - START <= timedelta(seconds=700)


# ── a new token (R33) ──


async def renew(here: Desk, token: bytes = b"another token") -> None:
    sealed = FakeSealer().seal("accounts", ACCOUNT.account_id, token)
    await here.store.put_account(replace(setup(ACCOUNT), sealed_token=sealed))
    account = await here.store.get_account(ACCOUNT.account_id)
    assert account is not None
    await here.owner.revive(account)


async def test_a_new_token_lifts_the_halt_of_a_rejected_one_and_connects_at_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(HumanCheckSeen("no", fatal=True, token_rejected=True))
        here.discord.now.end()
        await until(lambda: here.owner.state == "halted")
        here.discord.remembers = False
        await renew(here)
        # no time passes
        await until(lambda: len(here.discord.transports) == 2 and here.owner.caught_up)
        assert (here.discord.now.token, here.discord.now.session) == ("another token", None)
        assert here.owner.account.usable


async def test_the_same_rejected_token_is_not_tried_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(HumanCheckSeen("no", fatal=True, token_rejected=True))
        here.discord.now.end()
        await until(lambda: here.owner.state == "halted")
        await here.owner.revive(here.owner.account)
        await here.quiet()
        assert len(here.discord.transports) == 1


async def test_a_token_that_was_replaced_halts_nothing_when_it_is_rejected(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        old = here.discord.now
        sealed = FakeSealer().seal("accounts", ACCOUNT.account_id, b"another token")
        await here.store.put_account(replace(setup(ACCOUNT), sealed_token=sealed))
        old.say(HumanCheckSeen("no", fatal=True, token_rejected=True))
        await here.quiet()
        account = await here.store.get_account(ACCOUNT.account_id)
        assert account is not None and account.halt is None
        await here.owner.revive(account)
        await until(lambda: here.discord.now is not old and here.owner.caught_up)


async def test_a_new_token_connects_although_a_person_must_still_look(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job), acknowledged(job), HumanCheckSeen("look", fatal=False))
        await until(lambda: here.owner.account.halt is not None)
        await renew(here)
        await until(lambda: len(here.discord.transports) == 2 and here.owner.caught_up)
        assert (here.owner.state, here.owner.account.halt) == ("connected", "look")
        here.discord.say(described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_a_token_that_comes_while_the_hold_is_taken_is_the_one_that_connects(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        reading, resume = asyncio.Event(), asyncio.Event()
        read = here.store.in_flight_jobs

        async def read_slowly(account_id: str) -> Any:
            reading.set()
            await resume.wait()
            return await read(account_id)

        here.store.in_flight_jobs = read_slowly  # type: ignore[method-assign]
        here.run()
        await reading.wait()
        await renew(here)
        resume.set()
        await until(lambda: here.owner.caught_up)
        assert here.discord.now.token == "another token"
