"""An installation moves from SQLite to PostgreSQL in the middle of its work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.conftest import eventually
from tests.e2e.process import Ground, ground
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.settings import load

pytestmark = needs_postgresql

KEY = {"Idempotency-Key": "a-fox-once"}


async def post(here: Ground, verb: str, expected: int = 200, **body: Any) -> dict[str, Any]:
    headers = body.pop("headers", {})
    status, job, _ = await here.ada.call("POST", f"/v2/jobs/{verb}", body, headers=headers)
    assert status == expected, job
    assert isinstance(job, dict)
    return job


async def feed_of(here: Ground) -> tuple[str, list[str]]:
    """Return the era of the feed and the events of all jobs so far."""
    with here.records() as records:
        (era,) = records.rows("select value from meta where name = 'feed_era'")
        rows = records.rows("select place, jobid, number from feed order by place")
    return era["value"], [f"{row['place']} {row['jobid']} {row['number']}" for row in rows]


async def test_everything_goes_on_after_the_move(
    tmp_path: Path, postgresql: Cluster, postgresql_database: str
) -> None:
    async with ground(tmp_path, speed=50.0) as here:
        await here.settle_in(maxJobs=1)
        # a callback that is owed
        here.outside.answer = lambda: 503
        owed = await post(here, "shorten", prompt="a fox", replyUrl=f"{here.outside.url}/callback")
        await here.outside.callback(1)
        with here.records() as records:
            await eventually(lambda: records.callbacks()[0]["attempts"] == 1)
        # a job that runs, and two that wait: one of them with sealed pictures
        here.doors.hold("MESSAGE_UPDATE")
        running = await post(here, "imagine", prompt="a badger", headers=KEY)
        plain = await post(here, "imagine", 201, prompt="a fox in the snow", queue=True)
        pictures = [here.photo("tall.png"), here.photo("wide.png")]
        sealed = await post(here, "blend", 201, queue=True, blendUrls=pictures)
        with here.records() as records:
            (inputs,) = records.rows("select count(*) as n from job_input_parts")
        assert inputs["n"] == 1
        events = await feed_of(here)

        assert await here.stop() == 0
        url = postgresql.pooled_url(postgresql_database)
        code, printed, complaints = await here.run("migrate", "--to", url)
        assert code == 0, complaints
        assert "were compared" in printed

        # by accident on the old file
        code, _, complaints = await here.run("serve", "--port", "0")
        assert code == 1 and "was moved to" in complaints

        here.environment["WAYSTATION_DATABASE_URL"] = url
        here.settings = load(flags={}, environ=here.environment)
        assert await feed_of(here) == events
        here.outside.answer = lambda: 200
        here.doors.release()
        await here.start()
        # the Idempotency-Key still names its job
        status, again, headers = await here.ada.call(
            "POST", "/v2/jobs/imagine", {"prompt": "a badger"}, headers=KEY
        )
        assert (status, again["jobid"]) == (200, running["jobid"])
        assert headers["Idempotency-Replayed"] == "true"
        rows = await here.final()
        assert {row["jobid"]: row["status"] for row in rows} == {
            job["jobid"]: "completed" for job in (owed, running, plain, sealed)
        }, [row["error_details"] for row in rows]
        asked = [page["verb"] for page in here.sim.book]
        assert sorted(asked) == ["blend", "imagine", "imagine", "shorten"]
        body = await here.outside.callback(2)
        assert body == await here.ada.job(owed["jobid"])
        ids = {headers["webhook-id"] for headers, _ in here.outside.callbacks}
        assert len(ids) == 1
        # a new job has a place of its own, after those of before
        await post(here, "imagine", prompt="one more")
        await here.final()
        status, found, _ = await here.ada.call("GET", "/v2/jobs/search?text=the%20snow")
        assert [job["jobid"] for job in found["jobs"]] == [plain["jobid"]]


async def test_a_target_that_a_service_uses_is_refused(
    tmp_path: Path, postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.pooled_url(postgresql_database)
    async with ground(tmp_path / "there", database_url=url) as there:
        await there.settle_in()
        async with ground(tmp_path / "here", database_url="") as here:
            await here.settle_in()
            assert await here.stop() == 0
            code, _, complaints = await here.run("migrate", "--to", url)
            assert code == 1 and "is not empty" in complaints
            # the file is as it was
            await here.start()
            await here.connected()
