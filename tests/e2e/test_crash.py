"""SIGKILL between any two steps of a job, then a restart: nothing lost, doubled or swapped (R30).

Each crash is a row: how far the job had come, and what was about to happen. What Discord does while
the service is dead is the other dimension: it keeps the session, forgets it, or forgets it while
the account's owner describes the same picture by hand in the same channel.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import eventually
from tests.e2e.crashes import ASKED, Absence, Crash, crashed, the_page, while_away
from tests.e2e.databases import on_postgresql_too, on_sqlite_alone
from tests.e2e.process import Ground, ground
from tests.e2e.records import Row
from tests.e2e.relations import Seen, mask_of
from tests.harness.png import png_chunk
from tests.pictures import proof
from waystation.simulator.payload import Payload

pytestmark = on_postgresql_too

NOT_ASKED = (Crash("attachments"), Crash("upload"))
"""Before the nonce is committed."""


Waits = Awaitable[asyncio.Task[tuple[int, Any, Any]]]

KINDS: dict[str, Callable[[Ground, Payload, Payload], Waits]] = {}
"""Jobs by what they need to be asked."""


def kind(name: str) -> Callable[[Any], Any]:
    def register(ask: Any) -> Any:
        KINDS[name] = ask
        return ask

    return register


@kind("pictures by URL")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    return here.ask("blend", blendUrls=[here.photo(), here.photo("wide.png")])


@kind("a file")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    form = aiohttp.FormData()
    form.add_field("describeFile", proof("tall.png").build(), filename="a.png")
    return asyncio.ensure_future(here.ada.call("POST", "/v2/jobs/describe", data=form))


@kind("a press")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    return here.ask("button", jobid=grid["jobid"], button="V2")


@kind("a press with a mask")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    (picture,) = single["attachments"]
    async with here.http.get(picture["url"]) as answer:
        seen = Seen(single, [await answer.read()])
    mask = base64.b64encode(mask_of(seen)).decode()
    return here.ask("button", jobid=single["jobid"], button="Vary (Region)", mask=mask)


@kind("a press of which the parent is gone")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    asked = here.ask("button", jobid=grid["jobid"], button="V3")
    with here.records() as records:
        await eventually(lambda: len(records.jobs()) == 4)
        records.rows("update jobs set buttons = null where jobid = ?", grid["jobid"])
    return asked


@kind("a message to react to")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    return here.ask("seed", jobid=grid["jobid"])


@kind("nothing")
async def _(here: Ground, grid: Payload, single: Payload) -> Any:
    return here.ask("imagine", prompt="a blue fox")


ROWS = [
    pytest.param(crash, absence, id=f"{crash}, {absence}")
    for crash in ASKED
    for absence in (Absence.RESUMABLE, Absence.BY_HAND)
]
"""`Absence.FORGOTTEN` is the easier half of BY_HAND; tests/soak has it."""


@pytest.mark.parametrize(("crash", "absence"), ROWS)
async def test_a_describe_that_reached_discord_completes_with_its_own_prompts(
    tmp_path: Path, crash: Crash, absence: Absence
) -> None:
    async with crashed(tmp_path, crash) as here:
        await while_away(here, absence)
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", (job, here.service.log)
        said = job["embeds"][0]["description"]
        assert all(prompt in said for prompt in the_page(here)["prompts"])
        assert len(here.interactions) == 1
        assert await here.outside.callback() == job


@pytest.mark.parametrize("crash", NOT_ASKED, ids=str)
async def test_a_describe_whose_nonce_was_not_committed_is_sent_by_the_next_process(
    tmp_path: Path, crash: Crash
) -> None:
    async with crashed(tmp_path, crash) as here:
        del here.outside.pictures["tall.png"]  # it is not fetched again
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", (job, here.service.log)
        said = job["embeds"][0]["description"]
        assert all(prompt in said for prompt in the_page(here)["prompts"])
        assert len(here.interactions) == 1
        assert await here.outside.callback() == job


@pytest.mark.parametrize("moment", ["attachments", "interactions", "MESSAGE_UPDATE"])
async def test_a_post_that_broke_off_and_is_repeated_by_its_key_makes_one_job(
    tmp_path: Path, moment: str
) -> None:
    async with ground(tmp_path, first_answer_s=3) as here:
        ada = await here.settle_in()
        key = {"Idempotency-Key": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}
        body = {"describeUrl": here.photo()}
        here.doors.at(moment, here.kill)
        asked = asyncio.ensure_future(ada.call("POST", "/v2/jobs/describe", body, headers=key))
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        await here.restart()
        answers = []

        async def is_answered() -> bool:
            answers.append(await ada.call("POST", "/v2/jobs/describe", body, headers=key))
            return answers[-1][0] == 200

        await eventually(is_answered)
        assert {status for status, _, _ in answers} <= {200, 409}
        assert all("Retry-After" in heads for status, _, heads in answers if status == 409)
        _, answer, heads = answers[-1]
        assert heads["Idempotency-Replayed"] == "true"
        assert (await ada.final(answer["jobid"]))["status"] == "completed"
        assert len(await here.final()) == len(here.interactions) == 1


async def test_a_job_of_which_every_process_dies_before_it_was_asked_is_sent_once(
    tmp_path: Path,
) -> None:
    async with crashed(tmp_path, Crash("upload")) as here:
        for moment in ("attachments", "upload"):
            here.doors.at(moment, here.kill)
            await here.restart()
            await here.service.ended()
        await here.restart()
        assert (await here.only_job())["status"] == "completed"
        assert len(here.interactions) == 1


async def test_a_job_that_found_no_process_in_time_is_never_sent(tmp_path: Path) -> None:
    async with crashed(tmp_path, Crash("upload"), send_within_s=0) as here:
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"]) == ("failed", 502)
        assert job["error"] == "Waystation was down when the job's turn came"
        assert job["errorDetails"].startswith("Nothing was submitted to Midjourney")
        assert await here.outside.callback() == job
        assert here.interactions == []
        # the slot is free and the channel is not blocked
        status, answer, _ = await here.ask()
        assert status == 200, answer
        await here.final()


@on_sqlite_alone
async def test_a_crash_while_a_large_picture_is_written_leaves_neither_job_nor_rows(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        with here.records() as records:
            # as if it had died there: the second part is not written
            records.rows(
                "create trigger dies before insert on job_input_parts when new.number = 1 "
                "begin select raise(abort, 'dies here'); end"
            )
            records.rows(
                "create trigger stays before delete on job_inputs "
                "begin select raise(abort, 'and stays'); end"
            )
            status, answer, _ = await here.ask(describeUrl=large_photo(here))
            assert (status, "jobid" in answer) == (503, False)
            here.kill()
            await here.service.ended()
            assert [row["jobid"] for row in inputs(here)] == [None]
            records.rows("drop trigger dies")
            records.rows("drop trigger stays")
        await here.start()
        assert inputs(here) == []
        status, _, _ = await here.ask(describeUrl=large_photo(here))
        assert status == 200
        assert (await here.only_job())["status"] == "completed"
        assert inputs(here) == []


async def test_a_large_picture_is_sent_by_the_next_process_byte_for_byte(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.at("upload", here.kill)
        asked = here.ask(describeUrl=large_photo(here))
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        assert [row["bytes"] > 2 << 20 for row in inputs(here)] == [True]
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", job
        assert all(
            prompt in job["embeds"][0]["description"] for prompt in the_page(here)["prompts"]
        )


def large_photo(here: Ground) -> str:
    """Return the URL of a picture of more than two parts."""
    head, tail = proof("tall.png").build().split(b"IEND")
    # a chunk that nobody reads, before the last one
    padding = png_chunk(b"teXt", b"x" * (5 << 19))
    return here.outside.picture("large.png", head[:-4] + padding + head[-4:] + b"IEND" + tail)


def inputs(here: Ground) -> list[Row]:
    with here.records() as records:
        return records.rows("select jobid, bytes from job_inputs")


@pytest.mark.parametrize("absence", [Absence.RESUMABLE, Absence.BY_HAND], ids=str)
async def test_a_committed_nonce_is_never_sent_by_the_next_process(
    tmp_path: Path, absence: Absence
) -> None:
    # the command index is read between the commit of the nonce and the interaction
    async with crashed(tmp_path, Crash("index"), first_answer_s=3) as here:
        await while_away(here, absence)
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"]) == ("failed", 502)
        assert "did not reply" in job["error"]
        assert here.interactions == []
        assert await here.outside.callback() == job


async def test_a_request_that_discord_never_executed_is_not_repeated(tmp_path: Path) -> None:
    async with ground(tmp_path, first_answer_s=3) as here:
        await here.settle_in()
        here.sim.fault("reset_before", count=1)
        here.doors.at("interactions", here.kill)
        asked = here.ask()
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        await here.restart()
        job = await here.only_job()
        assert (job["status"], job["code"]) == ("failed", 502)
        assert len(here.interactions) == 1
        assert here.sim.book == []


@pytest.mark.parametrize(
    ("kind", "stop"), [*((kind, "kill") for kind in KINDS), ("a file", "stop")]
)
async def test_a_job_that_waited_for_its_turn_is_sent_by_the_next_process(
    tmp_path: Path, kind: str, stop: str
) -> None:
    """Whatever it needs: pictures by URL or as files, a message to press, a mask, nothing."""
    async with ground(tmp_path) as here:
        ada = await here.settle_in()
        grid = await ada.run("imagine", prompt="a red fox in the snow --v 7")
        single = await ada.run("button", jobid=grid["jobid"], button="U1")
        here.doors.hold("INTERACTION_CREATE")
        first = here.ask(describeUrl=here.photo("wide.png"))
        await eventually(lambda: len(here.interactions) == 3)
        waits = await KINDS[kind](here, grid, single)
        with here.records() as records:
            await eventually(lambda: waits.done() or len(records.jobs()) == 4)
        assert not waits.done(), waits.result()
        if stop == "kill":
            here.kill()
            await here.service.ended()
        else:
            assert await here.stop() == 0
        here.doors.release()
        await asyncio.wait({first, waits})
        if stop == "stop":
            # its caller can read it after the start
            status, answer, _ = waits.result()
            assert (status, answer["status"]) == (200, "started")
        first.exception(), waits.exception()
        assert len(here.interactions) == 3
        here.outside.pictures.clear()
        await here.restart()
        rows = await here.final()
        assert [row["status"] for row in rows] == ["completed"] * 4, (rows[-1], here.service.log)
        # a reaction is no interaction, and a mask goes to a host of its own
        assert len(here.interactions) == (3 if rows[-1]["verb"] == "seed" else 4)
        assert len(set(here.interactions)) == len(here.interactions)
        assert inputs(here) == []


async def test_an_answer_that_comes_after_the_restart_completes_the_job(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.sim.fault("late_message", seconds=3.0, count=1)
        here.doors.at("MESSAGE_CREATE", here.kill)
        asked = here.ask()
        await here.service.ended()
        await asyncio.wait({asked})
        asked.exception()
        # without its session it identifies at once, and finds no more than the empty message
        with here.records() as records:
            records.rows("delete from gateway_sessions")
        await here.restart()
        job = await here.only_job()
        assert job["status"] == "completed", job
        assert len(here.interactions) == 1
