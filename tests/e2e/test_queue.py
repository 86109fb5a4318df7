"""Jobs that wait for a slot instead of being refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Install, Installation, Person
from tests.e2e.databases import on_postgresql_too, on_sqlite_alone
from tests.e2e.process import ground
from waystation import sentences
from waystation.app import open_state
from waystation.discord_refusals import TOKEN_REJECTED
from waystation.store.sqlite.database import Database
from waystation.store.transactions import queue

pytestmark = on_postgresql_too


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


async def test_a_service_killed_between_grant_and_ask_asks_once_after_the_start(
    tmp_path: Path,
) -> None:
    """R12: the account has the job, and no nonce is committed; the next start sends it."""
    async with ground(tmp_path, speed=20.0) as here:
        await here.settle_in(maxJobs=1)
        await here.ask("imagine", prompt="a badger")
        job = await queued(here.ada, "describe", describeUrl=here.photo())
        # the upload comes after the grant, and before the nonce
        here.doors.at("attachments", here.kill)
        await here.service.ended()
        with here.records() as records:
            (row,) = [one for one in records.jobs() if one["jobid"] == job["jobid"]]
            assert (row["account_id"] != "", row["nonce"]) == (True, None)
        await here.restart()
        rows = await here.final()
        assert [row["status"] for row in rows] == ["completed"] * 2
        assert len(here.sim.book) == len(here.interactions) == 2


@on_sqlite_alone
async def test_a_pinned_job_of_a_halted_account_waits_while_others_flow(install: Install) -> None:
    async with install(accounts=2, speed=20.0) as here:
        ada = await here.person()
        one, two = await here.equip(ada, 2, maxJobs=1)
        await here.connected(2)
        await fill(here, ada, channel=one)
        await fill(here, ada, channel=two)
        pinned = await queued(ada, channel=one)
        assert f"-channel:{one}-" in pinned["jobid"]
        free = await queued(ada)
        assert free["queue"]["position"] == 2
        async with open_state(here.settings) as state:
            await state.store._write(lambda database: _halt(database, one))
        done = await ada.final(free["jobid"])
        assert (done["status"], done["channel"]) == ("completed", two)
        waits = await ada.job(pinned["jobid"])
        assert waits["status"] == "created"
        assert waits["queue"]["why"] == f"The account of channel {one} is halted: look"
        # a person has dealt with it
        status, _, _ = await ada.call("POST", f"/v2/account/midjourney/{one}/reset")
        assert status == 204
        assert (await ada.final(pinned["jobid"]))["channel"] == one


def _halt(database: Database, channel: str) -> None:
    database.connection.execute(
        "update accounts set halt = 'look', halted_at = 1 where channel = ?", (channel,)
    )


async def test_users_of_one_account_have_turns(install: Install) -> None:
    """Lesson 9: A floods, B sends one job: B is next."""
    async with install(speed=40.0) as here:
        ada, bob = await here.person(), await here.person("bob@example.org")
        (channel,) = await here.equip(ada, maxJobs=1)
        async with open_state(here.settings) as state:
            (account,) = await state.store.list_accounts(ada.user_id)
            await state.store.sharing.share(account.account_id, bob.user_id)
        await here.connected()
        first, _, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": "fox", "queue": True})
        assert first == 200
        flood = [await queued(ada) for _ in range(5)]
        single = await queued(bob)
        assert single["queue"]["position"] == 2
        assert (await bob.final(single["jobid"]))["channel"] == channel
        assert (await ada.job(flood[0]["jobid"]))["status"] != "completed"
        for job in flood:
            await ada.final(job["jobid"])


async def test_a_user_s_default_a_key_and_a_wait_work_with_waiting_jobs(install: Install) -> None:
    async with install(speed=20.0) as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=1)
        await here.connected()
        await here.change(ada, queues=True)
        await fill(here, ada)
        key = {"headers": {"Idempotency-Key": "fox-1"}}
        body = {"prompt": "a fox"}
        status, job, _ = await ada.call("POST", "/v2/jobs/imagine", body, **key)
        assert (status, job["status"]) == (201, "created")
        status, again, headers = await ada.call("POST", "/v2/jobs/imagine", body, **key)
        assert (status, again["jobid"]) == (201, job["jobid"])
        assert headers["Idempotency-Replayed"] == "true"
        refused, _, _ = await ada.call("POST", "/v2/jobs/imagine", {**body, "queue": False})
        assert refused == 429
        found = await ada.call("GET", "/v2/jobs/search?status=created")
        assert [one["jobid"] for one in found[1]["jobs"]] == [job["jobid"]]
        assert found[1]["jobs"][0]["queue"]["why"] == "The slot is in use."
        wait = {"headers": {"Prefer": "wait=60"}}
        _, ended, _ = await ada.call("GET", f"/v2/jobs/{job['jobid']}", **wait)
        assert ended["status"] == "completed"
        async with here.http.get(f"{here.url}/metrics") as answer:
            text = await answer.text()
        assert "waystation_jobs_waiting 0.0" in text
        assert 'waystation_longest_wait_seconds{of="queued"} 0.0' in text


@pytest.mark.parametrize("fault", ["queue_full", "rate_limited_bucket"])
async def test_a_job_that_is_refused_for_the_moment_is_asked_again(
    install: Install, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R13."""
    monkeypatch.setattr(queue, "PUT_BACK", timedelta(seconds=0.3))
    monkeypatch.setattr(queue, "RESTS", timedelta(seconds=0.6))
    async with install(speed=20.0) as here:
        ada = await here.ready()
        waits: dict[str, Any] = {"retry_after": 0.2} if fault.startswith("rate_limited") else {}
        here.sim.fault(fault, count=2, command="imagine", **waits)
        _, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": "a fox", "queue": True})
        done = await ada.final(job["jobid"])
        assert done["status"] == "completed", done
        with here.records() as records:
            nonces = [one for one in records.events() if one["kind"] == "Submitted"]
        assert len(nonces) == 3


@pytest.mark.parametrize("fault", ["rate_limited_bucket", "server_error_before"])
@pytest.mark.parametrize("route", ["attachments", "upload"])
async def test_a_picture_that_cannot_be_uploaded_for_now_is_tried_again(
    install: Install, fault: str, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PUT_BACK", timedelta(seconds=0.3))
    async with install(speed=20.0) as here:
        ada = await here.ready()
        waits: dict[str, Any] = {"retry_after": 0.2} if fault.startswith("rate_limited") else {}
        here.sim.fault(fault, count=6, route=route, **waits)
        _, job, _ = await ada.describe(here.photo(), queue=True)
        assert (await ada.final(job["jobid"]))["status"] == "completed"


async def test_the_reason_of_a_halt_is_its_owners_to_read(install: Install) -> None:
    async with install() as here:
        ada, bob = await here.ready(), await here.person("bob@example.org")
        channel = here.sim.accounts[0].channel_id
        await here.share(channel, bob)
        here.sim.fault("unauthorized_401", count=1)
        await ada.call("POST", "/v2/jobs/imagine", {"prompt": "a fox"})
        status, own, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": "a fox"})
        assert (status, own["errorDetails"]) == (596, TOKEN_REJECTED)
        for body in ({"prompt": "a fox"}, {"prompt": "a fox", "queue": True}):
            status, told, _ = await bob.call("POST", "/v2/jobs/imagine", body)
            assert (status, told["errorDetails"]) == (596, sentences.OWNERS_HALT)
