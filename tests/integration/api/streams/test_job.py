"""The stream of a job's events over the real service and store, read as a browser reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.desk import acknowledged, described, told, until
from tests.harness.face import ask
from tests.harness.streams import EventSource, place
from waystation.api.streams import stream as streams
from waystation.jobs import JobStatus


async def test_a_stream_tells_each_event_once_and_ends_with_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE_S", 3600.0)
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream(job.jobid)
        reading = asyncio.create_task(stream.run())
        await stream.begun.wait()
        assert stream.text.startswith("retry: 3000\n\n")
        assert stream.answered["content-type"] == "text/event-stream"
        assert stream.answered["x-accel-buffering"] == "no"
        assert "content-length" not in stream.answered
        at.here.here.discord.say(told(job), acknowledged(job))
        await until(lambda: len(stream.events) == 2)
        at.here.here.discord.say(described(job))
        await reading
        names = [name for _, name, _ in stream.events]
        assert names == ["created", "started", "completed"]
        ids = [int(one) for one, _, _ in stream.events]
        assert ids == sorted(set(ids))
        read = await ask(at.app, "GET", f"/v2/jobs/{job.jobid}", headers=at.bearer)
        assert stream.events[-1][2] == read.json
        again = at.stream(job.jobid, str(ids[0]))
        await again.run()
        assert again.events == stream.events[1:]
        last = at.stream(job.jobid, str(ids[-1]))
        await last.run()
        assert (last.status, last.text) == (204, "")


@pytest.mark.parametrize("after", ["900", "x", "-1", "9" * 40, "1.5"])
async def test_a_cursor_that_the_store_cannot_place_is_told_and_starts_anew(
    tmp_path: Path, after: str
) -> None:
    async with place(tmp_path) as at:
        job = await at.job()
        at.here.here.discord.say(told(job), acknowledged(job), described(job))
        await at.here.here.becomes(job.jobid, JobStatus.COMPLETED)
        stream = at.stream(job.jobid, after)
        await stream.run()
        assert stream.events[0][:2] == ("", "reset")
        assert stream.events[-1][1] == "completed"


async def test_a_slow_reader_holds_one_piece_and_misses_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream(job.jobid)
        stream.slow = asyncio.Event()
        reading = asyncio.create_task(stream.run())
        await stream.begun.wait()
        at.here.here.discord.say(told(job), acknowledged(job), described(job))
        await at.here.here.becomes(job.jobid, JobStatus.COMPLETED)
        assert stream.text == "retry: 3000\n\n"
        stream.slow.set()
        await reading
        assert [name for _, name, _ in stream.events] == ["created", "started", "completed"]


async def test_a_resumed_stream_that_dies_before_its_first_event_keeps_its_place(
    tmp_path: Path,
) -> None:
    """The reader has the id of the last event alone; control frames carry none."""
    async with place(tmp_path) as at:
        job = await at.job()
        at.here.here.discord.say(told(job), acknowledged(job))
        await at.here.here.becomes(job.jobid, JobStatus.STARTED)
        reader = EventSource(at, job.jobid)
        first = await reader.connect()
        await until(lambda: len(first.events) == 2)
        await reader.cut()
        for _ in range(3):
            died = await reader.connect()
            await reader.cut()
            assert died.events == []
        last = await reader.connect()
        at.here.here.discord.say(described(job))
        await reader.reading
        await reader.cut()
        assert [name for _, name, _ in reader.read] == ["created", "started", "completed"]
        assert last.headers["last-event-id"] == first.events[1][0]


@pytest.mark.parametrize("jobid", ["job:1", "job:20260102030405000-user:2-channel:1-bot:x"])
async def test_an_unknown_job_has_no_stream(tmp_path: Path, jobid: str) -> None:
    async with place(tmp_path) as at:
        answered = await ask(at.app, "GET", f"/v2/jobs/{jobid}/events", headers=at.bearer)
        assert answered.status == 404
        head = await ask(at.app, "HEAD", f"/v2/jobs/{jobid}/events", headers=at.bearer)
        assert head.status == 405
