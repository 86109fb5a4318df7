from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.build import account, setup
from tests.unit.engine.desk import ACCOUNT, until
from tests.unit.engine.house import DESCRIBE, INFO, house
from waystation.engine.service import JobRequest
from waystation.errors import Busy, Halted, InvalidRequest, Throttled


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
            setup(replace(second, sealed_token=here.sealer.seal("accounts", "account-2", b"token")))
        )
        assert await refused(INFO) == "discord, server or channel value is missing"
        await here.here.halt_in_store()
        assert "pending moderation message" in await refused(DESCRIBE)
        stranger = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        with pytest.raises(InvalidRequest, match=r"^Configuration not found$"):
            await here.service.submit(stranger, DESCRIBE)
