"""One user's names on a dead name server hold up nobody else (F9)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.conftest import eventually
from tests.e2e.dead_dns import DEAD
from tests.e2e.process import another_person, ground

MANY = 40


async def test_names_on_a_dead_name_server_hold_up_nobody_else(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2) as here:
        here.program = ("-m", "tests.e2e.dead_dns")
        ada = await here.settle_in(1)
        bob = await another_person(here, 1)
        port = here.outside.url.rsplit(":", 1)[1]
        for number in range(MANY):
            dead = f"http://{number}{DEAD}:{port}/callback"
            assert (await bob.call("POST", "/v2/jobs/info", {"replyUrl": dead}))[0] == 200
        hanging = [
            asyncio.ensure_future(bob.describe(f"http://picture-{number}{DEAD}/x.png"))
            for number in range(MANY)
        ]
        with here.records() as records:
            await eventually(lambda: len(records.callbacks()) >= MANY)
        # a name of her own must be looked up too, for the picture and for the callback
        named = here.photo().replace("127.0.0.1", "localhost")
        callback = f"http://localhost:{port}/callback"
        status, job, _ = await ada.describe(named, replyUrl=callback)
        assert status == 200, job
        assert (await ada.final(job["jobid"]))["status"] == "completed"
        assert (await here.outside.callback())["jobid"] == job["jobid"]
        assert not any(one.done() for one in hanging[:4])
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
