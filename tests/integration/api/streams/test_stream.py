"""Streams of either kind: they are few, say that they live, and hold up nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.desk import until
from tests.harness.face import ask
from tests.harness.streams import place
from waystation.api.streams import stream as streams
from waystation.api.streams.stream import STREAMS

KINDS = pytest.mark.parametrize("all_jobs", [False, True])


@KINDS
async def test_a_stream_holds_up_no_shutdown(tmp_path: Path, all_jobs: bool) -> None:
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream("" if all_jobs else job.jobid)
        reading = asyncio.create_task(stream.run())
        await stream.begun.wait()
        await at.here.service.drain()
        await reading
        assert stream.text.endswith("retry: 1000\n\n")
        late = at.stream("" if all_jobs else job.jobid)
        await late.run()
        assert late.text.endswith("retry: 1000\n\n")


@KINDS
async def test_a_silent_stream_says_that_it_lives_without_an_id_and_ends_with_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_jobs: bool
) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_S", 0.01)
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream("" if all_jobs else job.jobid)
        reading = asyncio.create_task(stream.run())
        await until(lambda: stream.text.count(": still here\n\n") >= 2)
        assert "id:" not in stream.text
        await at.here.here.store.change_user(1, {"token_hash": b"another"})
        await reading


async def test_a_user_has_so_many_streams_and_a_caller_that_goes_gives_one_back(
    tmp_path: Path,
) -> None:
    async with place(tmp_path) as at:
        job = await at.job()
        opened = [at.stream(job.jobid if number % 2 else "") for number in range(STREAMS)]
        running = [asyncio.create_task(one.run()) for one in opened]
        for one in opened:
            await one.begun.wait()
        for path in ("/v2/events", f"/v2/jobs/{job.jobid}/events"):
            refused = await ask(at.app, "GET", path, headers=at.bearer)
            assert (refused.status, refused.json["error"]) == (
                429,
                "20 streams of this user are open already",
            )
        opened[0].gone.set()
        await running[0]
        another = at.stream()
        reading = asyncio.create_task(another.run())
        await another.begun.wait()
        assert another.status == 200
        for each in (*opened, another):
            each.gone.set()
        await asyncio.gather(reading, *running)
        assert not at.here.here.feed._watching
