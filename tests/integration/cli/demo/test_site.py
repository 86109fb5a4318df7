"""The demo's own web server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from waystation.cli.demo.site import Site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    picture = tmp_path / "fox.webp"
    picture.write_bytes(b"RIFF....WEBP")
    found = Site(picture)
    await found.start()
    yield found
    await found.stop()


async def test_it_shows_the_picture_under_its_kind_of_name(site: Site) -> None:
    assert site.picture_url.startswith("http://127.0.0.1:")
    assert site.picture_url.endswith("/picture.webp")
    async with aiohttp.ClientSession() as http, http.get(site.picture_url) as answer:
        assert await answer.read() == b"RIFF....WEBP"


async def test_callbacks_are_kept_until_their_job_is_asked_for(site: Site) -> None:
    async with aiohttp.ClientSession() as http:
        for jobid in ("job:1", "job:2"):
            async with http.post(site.callback_url, json={"jobid": jobid}) as answer:
                assert answer.status == 200
    assert await site.callback("job:2", 5) == {"jobid": "job:2"}
    # it came before the one that was asked for
    assert await site.callback("job:1", 5) == {"jobid": "job:1"}


async def test_no_callback_in_time_is_none(site: Site) -> None:
    assert await site.callback("job:1", 0.01) is None
