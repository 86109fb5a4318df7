"""Streams of either kind: they are few, say that they live, and hold up nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from tests.build import replace
from tests.harness.desk import acknowledged, described, told, until
from tests.harness.face import ask
from tests.harness.house import DESCRIBE
from tests.harness.streams import place
from waystation.actions import Outcome, Refused
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
        assert stream.text.count("id:") == len([one for one in stream.events if one[0]])
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


@KINDS
async def test_a_stream_tells_each_change_of_a_job_of_the_queue(
    tmp_path: Path, all_jobs: bool
) -> None:
    async with place(tmp_path, dispatches=True) as at:
        here, alone = at.here, replace(DESCRIBE, max_jobs=1)
        stream = at.stream()
        following = asyncio.create_task(stream.run())
        await until(lambda: bool(stream.events))
        asked = await here.ask(alone)
        (running,) = await here.performed()
        here.here.discord.say(told(running), acknowledged(running))
        await asked
        job = await (await here.ask(replace(alone, queue=True, reply_ref="fox")))
        if not all_jobs:
            stream.gone.set()
            await following
            stream = at.stream(job.jobid)
            following = asyncio.create_task(stream.run())

        def heard() -> list[tuple[str, object]]:
            return [
                (name, data) for _, name, data in stream.events if data.get("jobid") == job.jobid
            ]

        await until(lambda: len(heard()) == 1)
        limited = Refused(429, '{"retry_after":0.5}', "rate_limited", 0.5)
        here.here.discord.outcomes.append(cast(Outcome, limited))
        here.here.discord.say(described(running))
        await until(lambda: len(heard()) == 3)
        given = {"jobid": job.jobid, "status": "created"}
        reason = "Discord /interactions failed with HTTP status 429"
        assert heard() == [
            ("created", {**given, "verb": "describe", "replyRef": "fox", "waiting": True}),
            ("granted", {**given, "channel": running.channel}),
            ("waiting", {**given, "waiting": True, "reason": reason}),
        ]
        stream.gone.set()
        await following
