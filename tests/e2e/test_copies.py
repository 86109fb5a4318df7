"""Copies of the files of jobs: they stay when Discord's do not (R40)."""

from __future__ import annotations

import asyncio
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from tests.e2e.conftest import Install, Installation, Person, eventually
from tests.e2e.databases import on_postgresql_too, on_sqlite_alone, open_records
from tests.e2e.process import Ground, ground

SMALL = {"picture_size": 64}

pytestmark = on_postgresql_too


def place(job: dict[str, Any], number: int = 0) -> str:
    return f"/v2/media/{quote(job['jobid'], safe=':')}/{number}"


async def raw(
    here: Installation | Ground, path: str, person: Person, **headers: str
) -> tuple[int, Any, bytes]:
    headers["Authorization"] = f"Bearer {person.token}"
    async with here.http.get(here.url + path, headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


def files(folder: Path) -> list[Path]:
    """Return the files that lie there, without those that are on their way."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if len(path.parent.name) == 2)


async def copied(here: Installation | Ground) -> None:
    """Wait until the one file of all jobs is kept."""
    with open_records(here.settings) as records:
        kept = "select name from copies where name is not null"

        async def is_kept() -> bool:
            # the service runs in this loop, and may have all connections of the pooler
            return len(await asyncio.to_thread(records.rows, kept)) == 1

        await eventually(is_kept)


async def test_a_copy_is_answered_when_discord_has_lost_the_file(
    install: Install, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    async with install(sim_options=SMALL, media=f"local:{folder}") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        await copied(here)
        here.sim.fault("unknown_message_404", route="cdn", count=1000)
        status, headers, data = await raw(here, place(job), ada)
        assert (status, headers["content-type"]) == (200, "image/webp")
        assert data == files(folder)[0].read_bytes()
        assert int(headers["content-length"]) == len(data) == job["attachments"][0]["size"]
        status, headers, part = await raw(here, place(job), ada, Range="bytes=5-14")
        assert (status, part) == (206, data[5:15])
        assert headers["content-range"] == f"bytes 5-14/{len(data)}"
        status, _, small = await raw(here, f"{place(job)}?size=320&tile=2&format=webp", ada)
        assert (status, Image.open(BytesIO(small)).format) == (200, "WEBP")
        assert files(folder)[1].read_bytes() == small
        files(folder)[1].write_bytes(small + b"kept")
        status, _, again = await raw(here, f"{place(job)}?size=320&tile=2&format=webp", ada)
        assert (status, again) == (200, small + b"kept")


@on_sqlite_alone
async def test_nothing_is_copied_where_each_file_is_read_from_discord(
    install: Install, tmp_path: Path
) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        assert (await raw(here, place(job), ada))[0] == 200
        assert not (tmp_path / "data" / "media").exists()


async def test_a_copy_that_is_missing_is_read_from_discord_and_copied_anew(
    install: Install, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    async with install(sim_options=SMALL, media=f"local:{folder}") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        await copied(here)
        data = files(folder)[0].read_bytes()
        files(folder)[0].unlink()
        assert (await raw(here, place(job), ada))[2] == data
        await copied(here)


async def test_a_folder_that_is_lost_fails_no_job(install: Install, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    async with install(sim_options=SMALL, media=f"local:{folder}") as here:
        ada = await here.ready()
        shutil.rmtree(folder)
        job = await ada.run("imagine", prompt="a red fox", replyUrl=f"{here.outside.url}/callback")
        assert job["status"] == "completed"
        assert (await here.outside.callback())["status"] == "completed"
        assert (await raw(here, place(job), ada))[0] == 200


async def test_a_file_is_copied_after_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    async with ground(tmp_path, options=SMALL, media=f"local:{folder}") as here:
        await here.settle_in()
        await here.ask("imagine", prompt="a red fox")
        job = await here.only_job()
        here.kill()
        await here.restart()
        await copied(here)
        assert (await raw(here, place(job), here.ada))[2] == files(folder)[0].read_bytes()
