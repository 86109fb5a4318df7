"""Links of results that have ended: renewed for readers, and for each attempt of a callback."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Install, Installation

SMALL = {"picture_size": 64}


async def _status(here: Installation, job: dict[str, Any]) -> int:
    async with here.http.get(job["attachments"][0]["url"]) as answer:
        return answer.status


async def test_whoever_reads_a_job_gets_links_that_work(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        here.sim.fault("expired_links", command="imagine")
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": "a red fox"})
        assert status == 200, job
        for _ in range(2):
            assert await _status(here, await ada.final(job["jobid"])) == 200
        renewals = [e for e in here.sim.log if str(e.get("path")).endswith("refresh-urls")]
        assert len(renewals) == 1


async def test_a_callback_that_comes_late_brings_links_that_work(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        here.sim.fault("expired_links", command="imagine")
        url = f"{here.outside.url}/callback"
        body = {"prompt": "a red fox", "replyUrl": url}
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", body)
        assert status == 200, job
        told = await here.outside.callback()
        assert told["status"] == "completed"
        assert await _status(here, told) == 200
        with here.records() as records:
            (stored,) = records.callbacks()
        assert told["attachments"][0]["url"].encode() not in stored["body"]


async def test_while_discord_cannot_renew_the_old_link_is_told(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        here.sim.fault("expired_links", command="imagine")
        here.sim.fault("server_error_before", route="attachments.refresh")
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": "a red fox"})
        assert status == 200, job
        final = await ada.final(job["jobid"])
        assert (final["status"], await _status(here, final)) == ("completed", 404)
