"""The stream of a job's events over the real service and store, read as a browser reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from tests.fakes import FakeSealer
from tests.harness.desk import acknowledged, described, told, until
from tests.harness.face import ask
from tests.harness.house import DESCRIBE, House, house
from tests.limits import BODY
from waystation.api import events
from waystation.api.asgi import create_face
from waystation.api.events import STREAMS
from waystation.jobs import Job, JobStatus


@dataclass
class Stream:
    """One request for a stream, and what came of it."""

    app: ASGIApp
    path: str
    headers: Mapping[str, str]
    status: int = 0
    answered: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event | None = None

    async def run(self) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": self.path,
            "query_string": b"",
            "headers": [(key.encode(), value.encode()) for key, value in self.headers.items()],
            "client": ("127.0.0.1", 1),
        }
        first = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            for message in first:
                return message
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.answered = {key.decode(): value.decode() for key, value in message["headers"]}
                return
            self.text += message["body"].decode()
            self.begun.set()
            if self.slow is not None:
                await self.slow.wait()

        await self.app(scope, receive, send)

    @property
    def events(self) -> list[tuple[str, str, Any]]:
        """Id, name and data of each event that was read whole."""
        found = []
        for block in self.text.split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if "data" in lines:
                data = json.loads(lines["data"])
                found.append((lines.get("id", ""), lines["event"], data))
        return found


@dataclass
class Place:
    here: House
    app: ASGIApp
    bearer: Mapping[str, str]

    def stream(self, jobid: str, after: str | None = None) -> Stream:
        last = {} if after is None else {"last-event-id": after}
        return Stream(self.app, f"/v2/jobs/{jobid}/events", {**self.bearer, **last})

    async def job(self) -> Job:
        await self.here.service.submit(await self.here.user(), DESCRIBE, 0)
        (job,) = await self.here.performed()
        return job


@asynccontextmanager
async def place(directory: Path) -> AsyncIterator[Place]:
    async with house(directory) as here:
        await here.live()
        await here.here.store.change_user(1, {"token_hash": FakeSealer().hash_token("open")})
        face = create_face(here.service, new_request_id=lambda: "request", limits=BODY)
        yield Place(here, face.app, {"authorization": "Bearer user:1-open"})


async def test_a_stream_tells_each_event_once_and_ends_with_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 3600.0)
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream(job.jobid)
        reading = asyncio.create_task(stream.run())
        await stream.begun.wait()
        assert stream.text == "retry: 3000\n\n"
        assert stream.answered["content-type"] == "text/event-stream"
        assert stream.answered["x-accel-buffering"] == "no"
        assert "content-length" not in stream.answered
        at.here.here.discord.say(told(job), acknowledged(job))
        await until(lambda: len(stream.events) == 1)
        at.here.here.discord.say(described(job))
        await reading
        names = [name for _, name, _ in stream.events]
        assert names == ["started", "completed"]
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


async def test_a_stream_holds_up_no_shutdown(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream(job.jobid)
        reading = asyncio.create_task(stream.run())
        await stream.begun.wait()
        await at.here.service.drain()
        await reading
        assert stream.text.endswith("retry: 1000\n\n")
        late = at.stream(job.jobid)
        await late.run()
        assert late.text.endswith("retry: 1000\n\n")


async def test_a_silent_stream_says_that_it_lives_without_an_id_and_ends_with_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.01)
    async with place(tmp_path) as at:
        job = await at.job()
        stream = at.stream(job.jobid)
        reading = asyncio.create_task(stream.run())
        await until(lambda: stream.text.count(": still here\n\n") >= 2)
        assert stream.events == []
        await at.here.here.store.change_user(1, {"token_hash": b"another"})
        await reading


async def test_a_user_has_so_many_streams_and_a_caller_that_goes_gives_one_back(
    tmp_path: Path,
) -> None:
    async with place(tmp_path) as at:
        job = await at.job()
        streams = [at.stream(job.jobid) for _ in range(STREAMS)]
        running = [asyncio.create_task(one.run()) for one in streams]
        for one in streams:
            await one.begun.wait()
        refused = await ask(at.app, "GET", f"/v2/jobs/{job.jobid}/events", headers=at.bearer)
        assert (refused.status, refused.json["error"]) == (
            429,
            "20 streams of this user are open already",
        )
        streams[0].gone.set()
        await running[0]
        another = at.stream(job.jobid)
        reading = asyncio.create_task(another.run())
        await another.begun.wait()
        assert another.status == 200
        for each in (*streams, another):
            each.gone.set()
        await asyncio.gather(reading, *running)
        assert not at.here.here.feed._watching


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
        assert [name for _, name, _ in stream.events] == ["started", "completed"]


async def test_a_resumed_stream_that_dies_before_its_first_event_keeps_its_place(
    tmp_path: Path,
) -> None:
    """The reader has the id of the last event alone; control frames carry none."""
    async with place(tmp_path) as at:
        job = await at.job()
        at.here.here.discord.say(told(job), acknowledged(job))
        await at.here.here.becomes(job.jobid, JobStatus.STARTED)
        reader = _Reader(at, job.jobid)
        first = await reader.connect()
        await until(lambda: bool(first.events))
        await reader.cut()
        for _ in range(3):
            died = await reader.connect()
            await reader.cut()
            assert died.events == []
        last = await reader.connect()
        at.here.here.discord.say(described(job))
        await reader.reading
        await reader.cut()
        assert [name for _, name, _ in reader.read] == ["started", "completed"]
        assert last.headers["last-event-id"] == first.events[0][0]


class _Reader:
    """Resumes as a browser does: from the last id that it has read, of whatever connection."""

    def __init__(self, at: Place, jobid: str) -> None:
        self._at = at
        self._jobid = jobid
        self._last: str | None = None
        self.read: list[tuple[str, str, Any]] = []

    async def connect(self) -> Stream:
        self.stream = self._at.stream(self._jobid, self._last)
        self.reading = asyncio.create_task(self.stream.run())
        await self.stream.begun.wait()
        return self.stream

    async def cut(self) -> None:
        self.stream.gone.set()
        await self.reading
        self.read += self.stream.events
        self._last = next((one for one, _, _ in reversed(self.read) if one), self._last)


@pytest.mark.parametrize("jobid", ["job:1", "job:20260102030405000-user:2-channel:1-bot:x"])
async def test_an_unknown_job_has_no_stream(tmp_path: Path, jobid: str) -> None:
    async with place(tmp_path) as at:
        answered = await ask(at.app, "GET", f"/v2/jobs/{jobid}/events", headers=at.bearer)
        assert answered.status == 404
        head = await ask(at.app, "HEAD", f"/v2/jobs/{jobid}/events", headers=at.bearer)
        assert head.status == 405
