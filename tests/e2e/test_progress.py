"""Callbacks that tell progress: by default of seed_async, of other verbs when asked for (R41)."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Install, Installation, eventually

SMALL = {"picture_size": 64}


def _told(here: Installation, jobid: str) -> list[str]:
    return [body["status"] for _, body in here.outside.callbacks if body["jobid"] == jobid]


async def _ended(here: Installation, jobid: str) -> list[str]:
    await eventually(lambda: "completed" in _told(here, jobid))
    return _told(here, jobid)


async def test_seed_async_starts_and_tells_its_start(install: Install) -> None:
    async with install(sim_options=SMALL, speed=20.0) as here:
        ada = await here.ready()
        grid = await ada.final((await ada.ask("imagine", prompt="a red fox"))["jobid"])
        url = f"{here.outside.url}/callback"
        job = await ada.ask("seed_async", jobid=grid["jobid"], replyUrl=url)
        assert job["status"] == "started"
        assert await _ended(here, job["jobid"]) == ["started", "completed"]
        ids = [headers["webhook-id"] for headers, _ in here.outside.callbacks]
        assert len(set(ids)) == len(ids)


async def test_seed_async_can_be_told_to_keep_its_progress(install: Install) -> None:
    async with install(sim_options=SMALL, speed=20.0) as here:
        ada = await here.ready()
        grid = await ada.final((await ada.ask("imagine", prompt="a red fox"))["jobid"])
        url = f"{here.outside.url}/callback"
        body = {"jobid": grid["jobid"], "replyUrl": url, "replyProgress": False}
        job = await ada.ask("seed_async", **body)
        assert await _ended(here, job["jobid"]) == ["completed"]


async def test_an_imagine_tells_its_progress_when_asked(install: Install) -> None:
    async with install(sim_options=SMALL, speed=5.0) as here:
        ada = await here.ready()
        url = f"{here.outside.url}/callback"
        job = await ada.ask("imagine", prompt="a red fox", replyUrl=url, replyProgress=True)
        told = await _ended(here, job["jobid"])
        assert told[0] == "started"
        assert "progress" in told
        assert told.count("completed") == 1
        assert told[-1] == "completed"


async def test_progress_that_nobody_takes_does_not_keep_the_end(install: Install) -> None:
    async with install(sim_options=SMALL, speed=50.0) as here:
        ada = await here.ready()
        here.outside.answer = lambda: 500 if len(here.outside.callbacks) < 2 else 200
        url = f"{here.outside.url}/callback"
        job = await ada.ask("imagine", prompt="a red fox", replyUrl=url, replyProgress=True)
        assert (await _ended(here, job["jobid"]))[-1] == "completed"


@pytest.mark.parametrize("value", ["yes", 1, []])
async def test_reply_progress_is_true_or_false(install: Install, value: object) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        body = {"prompt": "a red fox", "replyProgress": value}
        status, answer, _ = await ada.call("POST", "/v2/jobs/imagine", body)
        assert (status, answer["error"]) == (400, "replyProgress must be true or false")
