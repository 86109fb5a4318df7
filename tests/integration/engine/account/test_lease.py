from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.build import replace
from tests.harness.desk import (
    ACCOUNT,
    LIMITS,
    desk,
    until,
)
from tests.harness.leases import claim
from waystation.errors import LeaseLost


async def test_the_lease_is_renewed_long_before_it_runs_out(tmp_path: Path) -> None:
    limits = replace(LIMITS, lease_s=30)
    async with desk(tmp_path, limits) as here:
        await here.start()
        assert here.owner.request_timeout_s() == 10
        for _ in range(10):
            await here.pass_time(10)
            await until(lambda: here.owner._held().lease.ends == here.clock.monotonic() + 30)
        assert len(here.discord.transports) == 1


@pytest.mark.parametrize("jump", [timedelta(hours=1), -timedelta(hours=1)])
async def test_a_lease_is_kept_whatever_the_wall_clock_is_set_to(
    tmp_path: Path, jump: timedelta
) -> None:
    async with desk(tmp_path, replace(LIMITS, lease_s=30)) as here:
        await here.start()
        for _ in range(4):
            here.clock.set_wall(jump)
            await here.pass_time(10)
            await until(lambda: here.owner._held().lease.ends == here.clock.monotonic() + 30)
        assert (len(here.discord.transports), here.owner._held().lease.epoch) == (1, 1)


async def test_a_request_is_shorter_than_what_remains_of_the_lease(tmp_path: Path) -> None:
    """R17."""
    async with desk(tmp_path) as here:
        await here.start()
        run = here.node.current
        assert run is not None
        run.ends = here.clock.monotonic() + 4
        assert here.owner.request_timeout_s() == 3
        run.ends = here.clock.monotonic() + 1
        with pytest.raises(LeaseLost):
            here.owner.request_timeout_s()


async def test_a_lease_that_was_lost_breaks_the_hold_and_the_node_begins_anew(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, replace(LIMITS, lease_s=30)) as here:
        await here.start()
        first = here.node.current
        await here.store._write(lambda database: database.run("end_nodes"))
        with capture_logs() as logs:
            await here.pass_time(10)
            await until(lambda: here.discord.transports[0].closed)
        assert "owner.hold_broken" in [line["event"] for line in logs]
        await here.pass_until(lambda: here.owner.caught_up)
        second = here.node.current
        assert first is not None and second is not None and first.node_id != second.node_id
        assert here.owner._held().lease.epoch == 2


async def test_an_account_that_was_given_back_can_be_taken_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        with pytest.raises(LeaseLost):
            await claim(here.store, ACCOUNT.account_id, "other")
        await here.owner.give_back()
        assert await claim(here.store, ACCOUNT.account_id, "other") == 2
