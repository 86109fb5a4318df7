from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from tests.build import replace
from tests.fakes import FakeSealer
from tests.harness.desk import (
    ACCOUNT,
    answer,
    create,
    desk,
    opened,
    said,
    told,
    until,
)
from waystation.gateway_events import CaughtUp, Disconnected
from waystation.jobs import JobStatus
from waystation.wire.snowflake import snowflake_at


def _id_now(now: datetime, number: int = 0) -> str:
    return str(snowflake_at(now, number))


async def test_the_saved_sequence_is_that_of_the_last_committed_event(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job, sequence=7))
        await until(lambda: here.owner.jobs[0].interaction_id is not None)
        assert await here.session() == opened(7)


async def test_a_sequence_that_advances_without_changes_is_saved_now_and_then(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(create(said("801", channel="1"), sequence=9))
        await here.quiet()
        assert await here.session() == opened(1)
        await here.pass_time(31)

        async def saved() -> bool:
            return await here.session() == opened(9)

        await until(saved)


async def test_the_next_process_knows_what_discord_has_said_before_its_asks(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(create(said("801"), sequence=9))
        await until(lambda: here.owner.newest_seen == "801")
        job = await here.send()
        await here.restart()
        stored = await here.whole_session()
        assert (stored, here.owner.newest_seen) == (replace(opened(9), newest="801"), "801")
        assert (await here.job(job.jobid)).asked_after == "801"


async def test_a_session_with_the_same_number_as_the_last_one_is_saved_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2")))

        async def saved() -> bool:
            return await here.session() == opened(1, "session-2")

        await until(saved)


async def test_a_new_session_is_saved_only_when_the_gap_has_been_read_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job))
        await until(lambda: here.owner.jobs[0].bound)
        reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        here.discord.history_ends.append(reading)
        here.discord.history.append(answer(job, _id_now(here.clock.now())))
        here.discord.say(
            Disconnected("gone"), CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2"))
        )
        await until(lambda: len(here.discord.reads) == 1)
        # killed now, the next process would not skip what is being read
        assert await here.session() == opened(2)
        assert not here.owner.caught_up
        reading.set_result(None)
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        await until(lambda: here.owner.caught_up)
        assert await here.session() == opened(1, "session-2")


async def test_a_commit_that_passes_no_event_seals_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[str] = []
    seal = FakeSealer.seal

    def counted(self: FakeSealer, table: str, row_id: str, value: bytes) -> bytes:
        sealed.append(table)
        return seal(self, table, row_id, value)

    monkeypatch.setattr(FakeSealer, "seal", counted)
    async with desk(tmp_path) as here:
        await here.start()
        sealed.clear()
        job = await here.send()
        assert sealed == []
        here.discord.say(told(job, sequence=7))
        await until(lambda: here.owner.in_flight is None)
        assert sealed == ["gateway_sessions"]
