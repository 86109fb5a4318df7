from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.build import change, halt, replace
from tests.harness.desk import (
    ACCOUNT,
    PICTURE,
    Desk,
    desk,
    until,
)
from waystation import sentences
from waystation.actions import Outcome, Refused
from waystation.engine.account.queue import Waiting
from waystation.errors import (
    RequestRefused,
    Unreachable,
)
from waystation.jobs import Failed, JobStatus
from waystation.ports import Mail
from waystation.sidelining import Trouble, is_sidelined

# ── ends ──

HALTED = Failed(596, "Pending mod message", "look")


async def test_an_account_that_is_halted_while_a_job_waits_ends_it_with_596(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        first = await here.send()
        second = await here.submit()
        await here.owner.step(
            lambda conversation, now: conversation.ended(first.jobid, HALTED, now, "look")
        )
        failed = await here.becomes(second.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error, failed.error_details) == (
            596,
            "The account was halted before the job was sent to Discord",
            "look",
        )
        assert len(here.discord.performed) == 1


async def test_a_halt_that_only_the_store_knows_is_found_by_the_commit(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        epoch = here.owner._held().lease.epoch
        job = await here.add()
        await here.store.commit(change(epoch=epoch, halt=halt()))
        here.owner.submit(Waiting(job, (PICTURE,)))
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.code == 596
        assert here.discord.performed == []


async def test_a_job_of_an_account_that_works_again_is_not_called_one_of_a_removed_one(
    tmp_path: Path,
) -> None:
    """The owner still knows the account as halted; its reset is stored already."""
    async with desk(tmp_path) as here:
        await here.start()
        here.owner.account = replace(here.owner.account, halt="look")
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error, failed.error_details) == (
            502,
            "The account was halted and reset before the job was sent to Discord",
            sentences.NOTHING_SENT,
        )
        assert here.discord.performed == []


async def test_a_job_on_an_account_that_is_removed_meanwhile_fails(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await here.store.remove_account(ACCOUNT.account_id, here.clock.now())
        job = await here.add_anyhow()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (
            502,
            "The account was removed before the job was sent to Discord",
        )


async def test_a_submission_that_never_left_ends_the_job_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.outcomes.append(Unreachable("no connection to Discord"))
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error) == (502, "no connection to Discord")
        # and the next one has its turn
        await here.send()


# ── sidelining (R50) ──

MISSING = Refused(403, '{"code": 50001}', "account", discord_code="50001")


async def _refused(here: Desk, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        here.discord.outcomes.append(outcome)
        job = await here.submit()
        await here.becomes(job.jobid, JobStatus.FAILED)


async def test_three_same_refusals_of_the_account_sideline_it_and_tell_its_owner_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await _refused(here, MISSING, MISSING)
        assert not await _mails(here)
        await _refused(here, MISSING)
        assert is_sidelined(await _trouble(here), here.clock.now())
        (mail,) = await _mails(here)
        assert mail.to == "owner@example.org"
        assert "HTTP status 403 with code 50001" in mail.body and '{"code": 50001}' in mail.body
        assert f"accounts reset {ACCOUNT.channel}" in mail.body
        await here.clock.elapse(600)
        await _refused(here, MISSING)
        trouble = await _trouble(here)
        assert trouble is not None and trouble.span == timedelta(minutes=20)
        assert not await _mails(here)


@pytest.mark.parametrize(
    "other",
    [
        Refused(400, '{"code": 10008}', "target", discord_code="10008"),
        Refused(400, '{"code": 50035}', "invalid", discord_code="50035"),
        Refused(429, "{}", "rate_limited", 0.0),
    ],
)
async def test_a_refusal_that_a_caller_has_caused_neither_counts_nor_forgives(
    tmp_path: Path, other: Refused
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await _refused(here, other, other, other, MISSING, other, MISSING)
        assert not is_sidelined(await _trouble(here), here.clock.now())
        await _refused(here, MISSING)
        assert is_sidelined(await _trouble(here), here.clock.now())


async def test_a_job_that_is_done_brings_a_sidelined_account_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        await _refused(here, MISSING, MISSING, MISSING)
        await here.send()
        await until(lambda: not is_sidelined(here.owner.account.trouble, here.clock.now()))
        assert here.owner.account.trouble == await _trouble(here)


async def test_a_refused_upload_or_command_index_counts_as_well(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        refused = RequestRefused(403, "{}", "account", "50001")
        for _ in range(2):
            here.discord.upload_ends.append(refused)
            job = await here.submit()
            await here.becomes(job.jobid, JobStatus.FAILED)
        here.discord.outcomes.append(refused)
        job = await here.submit("info")
        await here.becomes(job.jobid, JobStatus.FAILED)
        assert is_sidelined(await _trouble(here), here.clock.now())


async def _trouble(here: Desk) -> Trouble | None:
    account = await here.store.get_account(ACCOUNT.account_id)
    assert account is not None
    return account.trouble


async def _mails(here: Desk) -> Sequence[Mail]:
    now = here.clock.now()
    return await here.store.claim_mails(now, now + timedelta(days=1), 9)
