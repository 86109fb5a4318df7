"""Jobs that wait for a slot instead of being refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.conftest import Install, Installation, Person
from tests.e2e.process import ground


async def queued(person: Person, verb: str = "imagine", **body: Any) -> dict[str, Any]:
    """Ask for a job that has to wait, and return what the POST answers."""
    if verb == "imagine":
        body = {"prompt": f"a fox, number {len(person.answers)}", **body}
    status, job, _ = await person.call("POST", f"/v2/jobs/{verb}", {"queue": True, **body})
    assert (status, job["status"]) == (201, "created"), job
    assert isinstance(job, dict)
    return job


async def fill(here: Installation, person: Person, jobs: int = 1, **body: Any) -> list[str]:
    """Take slots with jobs that go on until the simulator's clock is let go."""
    found = []
    for number in range(jobs):
        prompt = {"prompt": f"a badger, number {number}", **body}
        status, job, _ = await person.call("POST", "/v2/jobs/imagine", prompt)
        assert status == 200, job
        found.append(job["jobid"])
    return found


async def test_a_job_waits_for_a_slot_and_is_sent_when_one_is_free(install: Install) -> None:
    async with install(speed=20.0) as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=1)
        await here.connected()
        await fill(here, ada)
        job = await queued(ada)
        assert "-channel:0-" in job["jobid"]
        assert job["queue"]["position"] == 1
        assert job["queue"]["priority"] == 3
        assert job["queue"]["why"] == "The slot is in use."
        assert (await queued(ada))["queue"]["position"] == 2
        shown = await ada.job(job["jobid"])
        assert shown["queue"]["position"] == 1
        done = await ada.final(job["jobid"])
        assert done["status"] == "completed", done
        assert "queue" not in done
        assert done["channel"] == here.sim.accounts[0].channel_id
        assert done["jobid"] == job["jobid"]


async def test_a_post_of_the_queue_answers_as_always_where_a_slot_is_free(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        status, job, _ = await ada.call(
            "POST", "/v2/jobs/imagine", {"prompt": "a fox", "queue": True}
        )
        assert (status, job["status"]) == (200, "started")
        assert "queue" not in job
        assert "-channel:0-" not in job["jobid"]
        assert (await ada.final(job["jobid"]))["status"] == "completed"


async def test_a_waiting_job_is_cancelled_at_once(install: Install) -> None:
    async with install(speed=5.0) as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=1)
        await here.connected()
        await fill(here, ada)
        url = f"{here.outside.url}/callback"
        job = await queued(ada, replyUrl=url)
        status, answer, _ = await ada.call("DELETE", f"/v2/jobs/{job['jobid']}")
        assert (status, answer["status"]) == (200, "cancelled")
        assert (await ada.job(job["jobid"]))["status"] == "cancelled"
        assert (await here.outside.callback())["status"] == "cancelled"


async def test_jobs_that_wait_outlive_a_restart(tmp_path: Path) -> None:
    async with ground(tmp_path, speed=20.0) as here:
        await here.settle_in(maxJobs=1)
        await here.ask("imagine", prompt="a badger")
        waiting = [await queued(here.ada, prompt=f"fox {number}") for number in range(3)]
        here.kill()
        await here.restart()
        rows = await here.final()
        assert [row["status"] for row in rows] == ["completed"] * 4
        prompts = [page["prompt"] for page in here.sim.book]
        assert sorted(prompts) == ["a badger", "fox 0", "fox 1", "fox 2"]
        assert {row["jobid"] for row in rows} >= {job["jobid"] for job in waiting}
        with here.records() as records:
            assert records.rows("select * from queue") == []
