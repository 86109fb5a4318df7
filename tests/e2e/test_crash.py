"""SIGKILL between any two steps of a job, then a restart: nothing lost, doubled or swapped (R30).

Each crash is a row: how far the job had come, and what was about to happen. What Discord does while
the service is dead is the other dimension: it keeps the session, forgets it, or forgets it while
the account's owner describes the same picture by hand in the same channel.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.conftest import eventually
from tests.e2e.crashes import ASKED, Absence, Crash, crashed, the_page, while_away
from tests.e2e.process import ground

NOT_ASKED = (Crash("attachments"), Crash("upload"))
"""Before the nonce is committed."""


ROWS = [
    pytest.param(crash, absence, id=f"{crash}, {absence}")
    for crash in ASKED
    for absence in (Absence.RESUMABLE, Absence.BY_HAND)
]
"""`Absence.FORGOTTEN` is the easier half of BY_HAND; tests/soak has it."""


@pytest.mark.parametrize(("crash", "absence"), ROWS)
async def test_a_describe_that_reached_discord_completes_with_its_own_prompts(
    tmp_path: Path, crash: Crash, absence: Absence
) -> None:
    async with crashed(tmp_path, crash) as here:
        await while_away(here, absence)
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", (job, here.service.log)
        said = job["embeds"][0]["description"]
        assert all(prompt in said for prompt in the_page(here)["prompts"])
        assert len(here.interactions) == 1
        assert await here.outside.callback() == job


@pytest.mark.parametrize("crash", NOT_ASKED, ids=str)
async def test_a_describe_whose_nonce_was_not_committed_is_never_sent(
    tmp_path: Path, crash: Crash
) -> None:
    async with crashed(tmp_path, crash) as here:
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"]) == ("failed", 502)
        assert "restarted before the job was sent" in job["error"]
        assert await here.outside.callback() == job
        assert here.interactions == []
        # the slot is free and the channel is not blocked
        status, answer, _ = await here.ask()
        assert status == 200, answer
        await here.final()


@pytest.mark.parametrize("absence", [Absence.RESUMABLE, Absence.BY_HAND], ids=str)
async def test_a_committed_nonce_is_never_sent_by_the_next_process(
    tmp_path: Path, absence: Absence
) -> None:
    # the command index is read between the commit of the nonce and the interaction
    async with crashed(tmp_path, Crash("index"), first_answer_s=3) as here:
        await while_away(here, absence)
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"]) == ("failed", 502)
        assert "did not reply" in job["error"]
        assert here.interactions == []
        assert await here.outside.callback() == job


async def test_a_request_that_discord_never_executed_is_not_repeated(tmp_path: Path) -> None:
    async with ground(tmp_path, first_answer_s=3) as here:
        await here.settle_in()
        here.sim.fault("reset_before", count=1)
        here.doors.at("interactions", here.kill)
        asked = here.ask()
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"]) == ("failed", 502)
        assert len(here.interactions) == 1
        assert here.sim.book == []


async def test_a_job_that_waited_behind_an_unbound_one_is_not_sent_after_the_crash(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("INTERACTION_CREATE")
        first = here.ask()
        await here.recorded("Submitted")
        second = here.ask(describeUrl=here.photo("wide.png"))
        # its picture is with Discord, and it waits for its turn (R15)
        await eventually(lambda: here.doors.passed.count("upload") == 2)
        here.kill()
        await here.service.ended()
        here.doors.release()
        await asyncio.wait({first, second})
        first.exception(), second.exception()
        await here.restart()
        sent, unsent = await here.final()
        assert (sent["status"], unsent["status"], unsent["code"]) == ("completed", "failed", 502)
        assert here.interactions == [sent["nonce"]]


async def test_an_answer_that_comes_after_the_restart_completes_the_job(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.sim.fault("late_message", seconds=3.0, count=1)
        here.doors.at("MESSAGE_CREATE", here.kill)
        asked = here.ask()
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        # without its session it identifies at once, and finds no more than the empty message
        with here.records() as records:
            records.rows("delete from gateway_sessions")
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", job
        assert len(here.interactions) == 1
