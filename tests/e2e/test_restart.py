"""A restart and the jobs that it goes on with, and processes beside a running service."""

from __future__ import annotations

import asyncio
import json
import resource
from pathlib import Path

from tests.e2e.conftest import eventually, post_office
from tests.e2e.databases import on_each_database, on_sqlite_alone
from tests.e2e.process import Child, Ground, ground
from waystation.simulator.discord.sessions import Disturbance

pytestmark = on_each_database

RESUME = 6


def ids(here: Ground) -> list[str]:
    """Return the `webhook-id` of every callback that arrived, in order."""
    return [headers["webhook-id"] for headers, _ in here.outside.callbacks]


# ── callbacks and mails ──


async def test_a_callback_that_was_cut_off_arrives_again_under_the_same_id(tmp_path: Path) -> None:
    async with ground(tmp_path, callback_timeout_s=0.5) as here:
        await here.settle_in()

        def die() -> int:
            here.outside.answer = lambda: 200
            here.kill()
            return 200

        here.outside.answer = die
        await here.ask()
        await here.service.ended()
        assert len(ids(here)) == 1
        await here.restart()
        # not before the claim of the process that is gone has run out
        body = await here.outside.callback(2)
        assert len(set(ids(here))) == 1
        assert body == await here.only_job()
        with here.records() as records:
            await eventually(lambda: records.callbacks()[0]["status"] == "delivered")
            (attempt,) = records.rows("select * from callback_attempts")
        assert attempt["status"] == 200


async def test_a_callback_that_was_never_tried_goes_out_after_the_restart(tmp_path: Path) -> None:
    async with ground(tmp_path, callback_timeout_s=0.5) as here:
        await here.settle_in()
        here.doors.hold("MESSAGE_UPDATE")
        await here.ask()
        with here.records() as records:
            here.doors.release()
            # killed as soon as the end is on disk, whatever has become of its callback by then
            while records.jobs()[0]["status"] != "completed":
                await asyncio.sleep(0)
            here.kill()
        await here.restart()
        job = await here.only_job()
        assert await here.outside.callback() == job
        with here.records() as records:
            await eventually(lambda: records.callbacks()[0]["status"] == "delivered")
        assert len(set(ids(here))) == 1


async def test_a_callback_that_was_refused_waits_through_the_restart(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.outside.answer = lambda: 500
        await here.ask()
        await here.outside.callback(1)
        with here.records() as records:
            await eventually(lambda: records.callbacks()[0]["attempts"] == 1)
            due = records.callbacks()[0]["next_attempt_at"]
            here.kill()
            here.outside.answer = lambda: 200
            await here.restart()
            await here.outside.callback(2)
            await eventually(lambda: records.callbacks()[0]["status"] == "delivered")
            first, second = records.rows("select * from callback_attempts order by number")
        assert (first["status"], second["status"]) == (500, 200)
        assert second["at"] >= due
        assert len(set(ids(here))) == 1


async def test_a_mail_that_could_not_go_out_goes_out_after_the_restart(tmp_path: Path) -> None:
    async with ground(tmp_path, mail_timeout_s=0.5) as here, post_office() as office:
        held: list[asyncio.StreamWriter] = []
        stuck = await asyncio.start_server(lambda _, back: held.append(back), "127.0.0.1", 0)
        port = stuck.sockets[0].getsockname()[1]
        # a mail server that accepts connections and says nothing
        here.environment["WAYSTATION_SMTP_URL"] = f"smtp://127.0.0.1:{port}/?starttls=false"
        here.environment["WAYSTATION_MAIL_FROM"] = "waystation@example.org"
        await here.settle_in()
        here.sim.fault("pending_mod_message", count=1)
        status, _, _ = await here.ask()
        assert status == 596
        with here.records() as records:
            await eventually(lambda: len(records.mails()) == 1)
        here.kill()
        here.environment["WAYSTATION_SMTP_URL"] = office.url
        await here.restart()
        await eventually(lambda: len(office.mails) == 1)
        recipients, text = office.mails[0]
        assert recipients == ["ada@example.org"]
        assert here.sim.accounts[0].channel_id in text
        # the halt has survived, too
        status, answer, _ = await here.ask()
        assert (status, "jobid" in answer) == (596, False)
        stuck.close()
        for one in held:
            one.close()


# ── gateway sessions ──


async def test_a_killed_service_resumes_its_gateway_session(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        await here.ask()
        await here.only_job()
        here.kill()
        await here.restart()
        await here.connected()
        asked = [entry["d"] for entry in here.sim.log if entry.get("op") == RESUME]
        assert len(asked) == 1


async def test_infos_are_not_asked_again_when_their_replies_are_gone(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("MESSAGE_CREATE")
        asked = here.ask("info")
        await here.recorded("InteractionSeen")
        here.kill()
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        here.sim.drop(0, Disturbance.LOSE)
        here.doors.release()
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"], job["error"]) == ("failed", 502, "reply lost")
        assert await here.outside.callback() == job
        assert len(here.interactions) == 1


async def test_an_info_whose_reply_is_replayed_completes(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.at("MESSAGE_CREATE", here.kill)
        asked = here.ask("info")
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed"
        assert await here.outside.callback() == job
        assert len(here.interactions) == 1


async def test_a_process_killed_while_it_reads_history_back_leaves_nothing_unread(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.at("MESSAGE_CREATE", here.kill)
        asked = here.ask()
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        here.sim.drop(0, Disturbance.LOSE)
        await here.sim.settled()
        # the second process identifies anew and dies before it has history
        here.doors.at("messages.read", here.kill)
        await here.start()
        await here.restart()
        assert (await here.only_job())["status"] == "completed"
        assert len(here.interactions) == 1


async def test_several_jobs_on_two_accounts_survive_together(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2) as here:
        await here.settle_in(2)
        here.doors.hold("MESSAGE_UPDATE", alone=True)
        pictures = ("tall.png", "wide.png", "crimson.png", "blue.png")
        for name in pictures:
            status, answer, _ = await here.ask(describeUrl=here.photo(name))
            assert status == 200, answer
        here.kill()
        await here.service.ended()
        here.doors.release()
        await here.start()
        jobs = await here.final()
        assert [job["status"] for job in jobs] == ["completed"] * len(pictures)
        assert len(set(here.interactions)) == len(here.interactions) == len(pictures)
        await here.outside.callback(len(pictures))


# ── the disk ──


@on_sqlite_alone
async def test_a_full_disk_stops_writing_and_loses_nothing(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("MESSAGE_UPDATE")
        status, started, _ = await here.ask()
        assert status == 200
        # for that process no file can be longer than half of SQLite's log any more
        log = here.settings.database_path.with_name("waystation.db-wal").stat().st_size
        pid = here.service.process.pid
        free = resource.prlimit(pid, resource.RLIMIT_FSIZE, (log // 2, resource.RLIM_INFINITY))
        here.doors.release()
        status, answer, _ = await here.ask(describeUrl=here.photo("wide.png"))
        assert (status, "jobid" in answer) == (503, False), answer
        await eventually(lambda: "owner.hold_broken" in here.service.log)
        # what is stored can be read
        job = await here.ada.job(started["jobid"])
        assert job["status"] in ("started", "progress")
        await here.sim.settled()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, free)
        job = await here.only_job()
        assert job["status"] == "completed"
        assert await here.outside.callback() == job
        assert len(here.interactions) == 1


# ── beside a running service ──


@on_sqlite_alone
async def test_a_second_service_on_the_same_database_ends_with_a_sentence(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        code, _, complaint = await here.run("serve", "--port", "0")
        assert code not in (0, None)
        assert "Another process serves the database" in complaint
        assert f"{tmp_path}" in complaint and "WAYSTATION_DATA_DIR" in complaint
        assert "Traceback" not in complaint
        # the first one has noticed nothing
        assert (await here.ask())[0] == 200
        await here.only_job()


async def test_users_doctor_and_migrate_work_beside_a_running_service(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        code, printed, complaint = await here.run(
            "users", "add", "--email", "bob@example.org", "--json"
        )
        assert code == 0, complaint
        bob = json.loads(printed)
        here.tokens.append(bob["token"].partition("-")[2])
        headers = {"Authorization": f"Bearer {bob['token']}"}
        async with here.http.get(here.url + "/v2/jobs", headers=headers) as answer:
            assert answer.status == 200
        code, _, complaint = await here.run("users", "revoke", "bob@example.org", "--json")
        assert code == 0, complaint
        async with here.http.get(here.url + "/v2/jobs", headers=headers) as answer:
            assert answer.status == 401
        for command in ("migrate", "doctor"):
            code, printed, complaint = await here.run(command, "--json")
            assert code in (0, 1), (printed, complaint)
            assert "Traceback" not in complaint
        assert (await here.ask())[0] == 200
        await here.only_job()


async def test_a_service_that_cannot_listen_says_so_and_locks_nothing(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        port = here.url.rpartition(":")[2]
        other = Child(
            {**here.environment, "WAYSTATION_DATA_DIR": str(tmp_path / "other")},
            tmp_path / "other.log",
        )
        await other.start("serve", "--port", port)
        assert await other.ended() not in (0, None)
        assert "Cannot listen" in other.log
