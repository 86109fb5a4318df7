"""A job that is read again and again: each read shows what was committed before it."""

from __future__ import annotations

from tests.e2e.conftest import Install
from tests.e2e.databases import on_postgresql_too
from waystation.clock import SystemClock

pytestmark = on_postgresql_too

SMALL = {"picture_size": 64}


async def test_a_read_sees_children_a_rotated_token_and_a_revoked_user_at_once(
    install: Install,
) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        parent = await ada.run("imagine", prompt="a red fox")
        assert "children" not in await ada.job(parent["jobid"])
        child = await ada.ask("button", jobid=parent["jobid"], button="U1")
        (born,) = (await ada.job(parent["jobid"]))["children"]
        assert born["jobid"] == child["jobid"]
        await ada.final(child["jobid"])
        await here.change(ada, revoked_at=SystemClock().now())
        status, _, _ = await ada.call("GET", f"/v2/jobs/?jobid={parent['jobid']}")
        assert status == 401
