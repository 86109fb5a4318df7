"""Files of jobs, read through the service by a token or by a signed link (R47)."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from tests.e2e.conftest import Install, Installation, Person, eventually

SMALL = {"picture_size": 64}

HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
}


def place(job: dict[str, Any], number: int = 0) -> str:
    return f"/v2/media/{quote(job['jobid'], safe=':')}/{number}"


async def raw(here: Installation, path: str, person: Person | None, **headers: str) -> Any:
    """Return status, headers and bytes."""
    if person is not None:
        headers["Authorization"] = f"Bearer {person.token}"
    async with here.http.get(here.url + path, headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


def size_of(data: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(BytesIO(data)) as image:
        return image.format, image.size


async def test_a_file_is_read_through_the_service_when_its_link_has_ended(install: Install) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        here.sim.fault("expired_links", command="imagine")
        job = await ada.run("imagine", prompt="a red fox")
        status, headers, data = await raw(here, place(job), ada)
        assert (status, size_of(data)[0]) == (200, "WEBP")
        assert headers["content-type"] == "image/webp"
        assert int(headers["content-length"]) == len(data) == job["attachments"][0]["size"]
        digits = job["jobid"][4:21]
        assert headers["content-disposition"] == f'inline; filename="{digits}-0.webp"'
        assert {name: headers[name] for name in HEADERS} == HEADERS
        again = {"If-None-Match": headers["etag"]}
        assert (await raw(here, place(job), ada, **again))[0] == 304
        status, headers, part = await raw(here, place(job), ada, Range="bytes=5-14")
        assert (status, part) == (206, data[5:15])
        assert headers["content-range"] == f"bytes 5-14/{len(data)}"


async def test_a_grid_is_had_as_four_pictures_without_a_press(install: Install) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        whole = size_of((await raw(here, place(job), ada))[2])[1]
        tiles = set()
        for tile in range(1, 5):
            status, headers, data = await raw(here, f"{place(job)}?tile={tile}", ada)
            assert (status, headers["content-type"]) == (200, "image/webp")
            assert size_of(data)[1] == (whole[0] // 2, whole[1] // 2)
            tiles.add(data)
        assert len(tiles) == 4
        status, headers, data = await raw(here, f"{place(job)}?size=320&format=avif", ada)
        assert (headers["content-type"], size_of(data)[0]) == ("image/avif", "AVIF")


async def test_a_link_needs_no_token_until_the_key_is_rotated(install: Install) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        status, link, _ = await ada.call("POST", f"{place(job)}/link", {"tile": 2, "days": 1})
        assert status == 201
        assert link["url"] == here.url + link["path"]
        status, headers, data = await raw(here, link["path"], None)
        assert (status, headers["content-type"]) == (200, "image/webp")
        assert (await raw(here, f"{place(job)}?tile=2", ada))[2] == data
        for changed in (
            link["path"].replace("tile=2", "tile=3"),
            link["path"].replace("expires=1", "expires=2"),
            link["path"].replace("tile=2&", ""),
            link["path"].replace("/0?", "/1?"),
            link["path"][:-1],
        ):
            assert changed != link["path"]
            status, _, told = await raw(here, changed, None)
            assert (status, b"signature" in told) == (401, True)
        assert (await ada.call("POST", "/v2/media/key/rotate"))[0] == 204
        assert (await raw(here, link["path"], None))[0] == 401
        assert (await raw(here, place(job), None))[0] == 401


async def test_a_download_carries_the_prompt_and_a_shared_link_does_not(install: Install) -> None:
    async with install(sim_options=SMALL) as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red <fox> --seed 42")
        shown = (await raw(here, place(job), ada))[2]
        status, headers, data = await raw(here, f"{place(job)}?download=1", ada)
        assert status == 200
        digits = job["jobid"][4:21]
        assert headers["content-disposition"] == f'attachment; filename="{digits}-0.webp"'
        assert int(headers["content-length"]) == len(data)
        assert {name: headers[name] for name in HEADERS} == HEADERS
        with Image.open(BytesIO(data)) as image, Image.open(BytesIO(shown)) as before:
            told = image.info["xmp"].decode()
            assert image.tobytes() == before.tobytes()
        assert "a red &lt;fox&gt;" in told
        assert job["jobid"] in told
        assert ">42<" in told
        for form, kind in (("png", "PNG"), ("jpeg", "JPEG")):
            data = (await raw(here, f"{place(job)}?download=1&tile=2&format={form}", ada))[2]
            with Image.open(BytesIO(data)) as image:
                assert image.format == kind
                assert "a red" in str(image.info["xmp"])
        _, link, _ = await ada.call("POST", f"{place(job)}/link", {})
        for extra in ("", "&download=1"):
            shared = (await raw(here, link["path"] + extra, None))[2]
            assert shared == shown
            assert b"a red" not in shared


async def test_files_of_many_jobs_come_as_one_zip_file(install: Install) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        jobs = [await ada.run("imagine", prompt=f"a {color} fox") for color in ("red", "blue")]
        described = await ada.run("describe", describeUrl=here.photo())
        named = [job["jobid"] for job in (*jobs, described)]
        headers = {"Authorization": f"Bearer {ada.token}"}
        url = f"{here.url}/v2/media/zip"
        async with here.http.post(url, json={"jobs": named}, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "application/zip")
            data = await answer.read()
        with zipfile.ZipFile(BytesIO(data)) as file:
            assert file.testzip() is None
            names = [f"{job['jobid'][4:21]}-0.webp" for job in jobs]
            assert file.namelist()[:2] == names
            assert b"a red fox" in file.read(names[0])
            assert b"a blue fox" in file.read(names[1])
        here.sim.fault("unknown_message_404", route="cdn", count=1)
        async with here.http.post(url, json={"jobs": named[:2]}, headers=headers) as answer:
            data = await answer.read()
        with zipfile.ZipFile(BytesIO(data)) as file:
            assert file.namelist() == [names[1], "missing.txt"]
            told = file.read("missing.txt").decode()
            assert told == f"{named[0]} 0: The file is no longer at Discord\n"


async def test_a_zip_file_that_nobody_reads_on_lets_the_next_one_begin(install: Install) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        headers = {"Authorization": f"Bearer {ada.token}"}
        url, body = f"{here.url}/v2/media/zip", {"jobs": [job["jobid"]]}
        here.sim.fault("hang_before", route="cdn", count=1, seconds=60.0)
        first = await here.http.post(url, json=body, headers=headers)
        status, told, _ = await ada.call("POST", "/v2/media/zip", body)
        assert status == 429
        assert told["error"].startswith("A ZIP file of this user is being read already")
        first.close()

        async def is_free() -> bool:
            return bool((await ada.call("POST", "/v2/media/zip", body))[0] == 200)

        await eventually(is_free)


@pytest.mark.parametrize(
    "body",
    [{}, {"jobs": []}, {"jobs": "job:1"}, {"jobs": [1]}, {"jobs": ["job:1"] * 201}, {"jobs": {}}],
)
async def test_a_zip_file_needs_a_list_of_jobs(install: Install, body: dict[str, Any]) -> None:
    async with install() as here:
        ada = await here.ready()
        status, told, _ = await ada.call("POST", "/v2/media/zip", body)
        assert (status, told["error"]) == (400, "jobs must be a list of 1 to 200 jobids")
        for jobid in ("job:1", "job:\x00", "x" * 5_000):
            assert (await ada.call("POST", "/v2/media/zip", {"jobs": [jobid]}))[0] == 404


@pytest.mark.parametrize(
    ("fault", "params", "status"),
    [
        ("server_error_before", {}, 502),
        ("reset_before", {}, 502),
        ("unknown_message_404", {}, 410),
        ("rate_limited_proxy", {}, 502),
    ],
)
async def test_a_file_that_cannot_be_read_is_told_as_such(
    install: Install, fault: str, params: dict[str, Any], status: int
) -> None:
    async with install(sim_options=SMALL, media="refresh") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox")
        here.sim.fault(fault, route="cdn", **params)
        answer, headers, told = await raw(here, place(job), ada)
        assert (answer, headers["content-type"]) == (status, "application/json"), told
