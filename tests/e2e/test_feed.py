"""`GET /v2/events`: nothing is left out and nothing told twice, whatever becomes of the service."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Install, eventually
from tests.e2e.databases import on_postgresql_too, on_sqlite_alone
from tests.e2e.event_source import ENDS, EventSource
from tests.e2e.process import ground

pytestmark = on_postgresql_too


async def test_a_reader_that_resumes_over_kills_reads_each_event_once(tmp_path: Path) -> None:
    dice = random.Random(seed := random.randrange(10**6))
    print(f"seed {seed}")
    small = {"picture_size": 64}
    async with ground(tmp_path, accounts=2, speed=40.0, options=small, first_answer_s=6) as here:
        await here.settle_in(accounts=2)
        source = EventSource(here.ada)
        reading = asyncio.create_task(source.run())
        await eventually(lambda: bool(source.read))
        posts: list[asyncio.Task[Any]] = []
        for _ in range(3):
            posts += [here.ask("imagine", prompt=f"fox {len(posts)} {n}") for n in range(3)]
            # a reader without an id yet would be told to list its jobs
            await _hear(source, 1 + dice.randrange(6))
            here.kill()
            await here.restart()
            await here.connected(2)
        posts.append(here.ask("info"))
        await asyncio.gather(*posts, return_exceptions=True)
        jobs = await here.final()
        await eventually(lambda: source.ends() == len(jobs))
        reading.cancel()
        with here.records() as records:
            shown = [e for e in records.events() if e["kind"] in ("Acknowledged", "Progressed")]
        assert source.connections > 3
        (first, *others) = source.read
        assert first == ("", "reset", {})
        eras = {id.partition("-")[0] for id, _, _ in others}
        assert len(eras) == 1
        numbers = [int(id.partition("-")[2]) for id, _, _ in others]
        assert numbers == list(range(1, len(shown) + 2 * len(jobs) + 1))
        ended = {data["jobid"]: data for _, name, data in others if name in ENDS}
        assert set(ended) == {job["jobid"] for job in jobs}
        previews = [data.get("attachments", ()) for _, name, data in others if name == "progress"]
        assert any(picture["url"] for pictures in previews for picture in pictures)


async def _hear(source: EventSource, more: int) -> None:
    least = len(source.read) + more
    await eventually(lambda: len(source.read) >= least)


async def test_the_streams_of_two_users_have_nothing_in_common(install: Install) -> None:
    async with install(accounts=2) as here:
        people = [await here.person(), await here.person("bob@example.org")]
        for person, account in zip(people, here.sim.accounts, strict=True):
            await person.set_up(account)
        await here.connected(2)
        sources = [EventSource(person) for person in people]
        reading = [asyncio.create_task(source.run()) for source in sources]
        await eventually(lambda: all(source.read for source in sources))
        jobs = [[await person.run("info") for _ in range(2)] for person in people]
        await eventually(lambda: all(source.ends() == 2 for source in sources))
        for source, own in zip(sources, jobs, strict=True):
            assert {data["jobid"] for _, _, data in source.read[1:]} == {
                job["jobid"] for job in own
            }
        for task in reading:
            task.cancel()


@on_sqlite_alone
@pytest.mark.parametrize("cursor", ["", "00000000-3"])
async def test_a_backup_that_is_put_back_resets_the_reader(tmp_path: Path, cursor: str) -> None:
    async with ground(tmp_path) as here:
        ada = await here.settle_in()
        source = EventSource(ada, last=cursor or None)
        reading = asyncio.create_task(source.run())
        await eventually(lambda: bool(source.read))
        await ada.run("info")
        await eventually(lambda: source.ends() == 1)
        copy = tmp_path / "copy.db"
        assert (await here.run("backup", str(copy)))[0] == 0
        await here.stop()
        assert (await here.run("restore", str(copy), "--yes"))[0] == 0
        await here.start()
        await eventually(lambda: source.read[-1][1] == "reset")
        await here.connected()
        job = await ada.run("info")
        await eventually(lambda: source.ends() == 2)
        reading.cancel()
        assert source.read[-1][2]["jobid"] == job["jobid"]
        assert [name for _, name, _ in source.read].count("reset") == 2
