"""The stream of all jobs of a user over the real service and store, read as a browser reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes import FakeSealer
from tests.harness.desk import acknowledged, described, told, until
from tests.harness.face import ask
from tests.harness.streams import EventSource, Place, Stream, place
from waystation.api.streams import feed
from waystation.jobs import Job, JobStatus

RUN = ["created", "started", "completed"]


async def run(at: Place) -> Job:
    """Let one more job come to its end."""
    job = await at.job()
    seen, message, sequence = str(700 + at.sent), str(800 + at.sent), 3 * at.sent
    at.here.here.discord.say(
        told(job, seen, sequence),
        acknowledged(job, message, sequence + 1, seen),
        described(job, message, sequence + 2, seen),
    )
    return await at.here.here.becomes(job.jobid, JobStatus.COMPLETED)


async def heard(stream: Stream, count: int) -> None:
    await until(lambda: len(stream.events) >= count)


async def closed(stream: Stream, reading: asyncio.Task[None]) -> None:
    stream.gone.set()
    await reading


async def test_a_stream_begins_with_a_reset_and_tells_of_every_job(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        await run(at)
        stream = at.stream()
        reading = asyncio.create_task(stream.run())
        await heard(stream, 1)
        assert stream.text == "retry: 3000\n\nevent: reset\ndata: {}\n\n"
        assert stream.answered["content-type"] == "text/event-stream"
        second, third = await run(at), await run(at)
        await heard(stream, 7)
        await closed(stream, reading)
        assert [(name, data["jobid"]) for _, name, data in stream.events[1:]] == [
            ("created", second.jobid),
            ("started", second.jobid),
            ("completed", second.jobid),
            ("created", third.jobid),
            ("started", third.jobid),
            ("completed", third.jobid),
        ]
        read = await ask(at.app, "GET", f"/v2/jobs/{third.jobid}", headers=at.bearer)
        assert stream.events[-1][2] == read.json


async def test_a_stream_that_goes_on_tells_each_event_once(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        stream = at.stream()
        reading = asyncio.create_task(stream.run())
        await heard(stream, 1)
        for _ in range(3):
            await run(at)
        await heard(stream, 10)
        await closed(stream, reading)
        for number, (cursor, _, _) in enumerate(stream.events[1:], 1):
            again = at.stream(after=cursor)
            resumed = asyncio.create_task(again.run())
            await again.begun.wait()
            await run_until_read(again, 9 - number)
            await closed(again, resumed)
            assert again.events == stream.events[1 + number :]


async def run_until_read(stream: Stream, count: int) -> None:
    await heard(stream, count)
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "cursor",
    ["1", "x", "00000000-0", "00000000-1", "{era}-99", "{era}--1", "{era}-" + "9" * 19, "{era}-٣"],
)
async def test_a_cursor_that_the_store_cannot_place_is_told(tmp_path: Path, cursor: str) -> None:
    async with place(tmp_path) as at:
        await run(at)
        era = (await at.here.here.store.feeds.after(1, 0, 1)).era
        stream = at.stream(after=cursor.format(era=era))
        reading = asyncio.create_task(stream.run())
        await heard(stream, 1)
        last = await run(at)
        await heard(stream, 4)
        await closed(stream, reading)
        assert [(id, name) for id, name, _ in stream.events] == [
            ("", "reset"),
            (f"{era}-4", "created"),
            (f"{era}-5", "started"),
            (f"{era}-6", "completed"),
        ]
        assert stream.events[1][2]["jobid"] == last.jobid


async def test_a_cursor_of_purged_events_is_told(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        old, _ = await run(at), await run(at)
        store = at.here.here.store
        era = (await store.feeds.after(1, 0, 1)).era
        await store._write(
            lambda database: database.connection.execute(
                "delete from jobs where jobid = ?", (old.jobid,)
            )
        )
        for cursor, first in ((f"{era}-2", "reset"), (f"{era}-3", "created")):
            stream = at.stream(after=cursor)
            reading = asyncio.create_task(stream.run())
            await heard(stream, 1)
            await closed(stream, reading)
            assert stream.events[0][1] == first


async def test_a_slow_reader_holds_one_page_and_misses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE", 2)
    async with place(tmp_path) as at:
        stream = at.stream()
        reading = asyncio.create_task(stream.run())
        await heard(stream, 1)
        stream.slow = asyncio.Event()
        pages: list[int] = []
        real = at.here.service.reads.feed_after

        async def counted(*args: object) -> object:
            page = await real(*args)  # type: ignore[arg-type]
            pages.append(len(page.events))
            return page

        monkeypatch.setattr(at.here.service.reads, "feed_after", counted)
        for _ in range(4):
            await run(at)
        # it was woken many times and has read one page, as nobody took it
        assert sum(map(bool, pages)) == 1
        stream.slow.set()
        await heard(stream, 13)
        await closed(stream, reading)
        assert max(pages) == 2
        assert [name for _, name, _ in stream.events[1:]] == RUN * 4


async def test_a_reader_slower_than_the_retention_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE", 1)
    async with place(tmp_path) as at:
        stream = at.stream()
        reading = asyncio.create_task(stream.run())
        await heard(stream, 1)
        stream.slow = asyncio.Event()
        await run(at)
        await heard(stream, 2)
        gone = await run(at)
        await at.here.here.store._write(
            lambda database: database.connection.execute(
                "delete from jobs where jobid = ?", (gone.jobid,)
            )
        )
        stream.slow.set()
        await heard(stream, 3)
        await run(at)
        await heard(stream, 6)
        await closed(stream, reading)
        names = [name for _, name, _ in stream.events]
        assert names == ["reset", "created", "reset", *RUN]


async def test_a_resumed_stream_that_dies_before_its_first_event_keeps_its_place(
    tmp_path: Path,
) -> None:
    """The reader has the id of the last event alone; control frames carry none."""
    async with place(tmp_path) as at:
        reader = EventSource(at)
        first = await reader.connect()
        await heard(first, 1)
        await run(at)
        await heard(first, 4)
        await reader.cut()
        for _ in range(3):
            died = await reader.connect()
            await reader.cut()
            assert died.events == []
        await run(at)
        last = await reader.connect()
        await heard(last, 3)
        await reader.cut()
        assert [name for _, name, _ in reader.read] == ["reset", *RUN * 2]
        assert len({id for id, _, _ in reader.read[1:]}) == 6


async def test_a_user_hears_nothing_of_another_users_jobs(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        store = at.here.here.store
        bob = await store.add_user("bob@example.org", b"", at.here.here.clock.now())
        await store.change_user(bob.user_id, {"token_hash": FakeSealer().hash_token("other")})
        await run(at)
        era = (await store.feeds.after(1, 0, 1)).era
        for after in (None, f"{era}-1"):
            stream = at.stream(after=after)
            stream.headers = {
                **stream.headers,
                "authorization": f"Bearer user:{bob.user_id}-other",
            }
            reading = asyncio.create_task(stream.run())
            await heard(stream, 1)
            await run(at)
            await closed(stream, reading)
            assert stream.text == "retry: 3000\n\nevent: reset\ndata: {}\n\n"
