"""Files of jobs are read from Discord's hosts alone, in pieces (R42)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from tests.fakes import FakeClock, FakeIds
from tests.limits import BREAKER
from waystation.discord.media import DiscordMedia
from waystation.discord.site import Site, discord_session
from waystation.errors import MediaFailed, MediaGone, MediaLate, WaystationError

FILE = bytes(range(256)) * 1000

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def media(answer: Answer, silence_s: float = 5) -> AsyncIterator[tuple[DiscordMedia, str]]:
    app = web.Application()
    app.router.add_get("/fox.png", answer)
    async with TestServer(app) as server, discord_session() as http:
        base = str(server.make_url("")).rstrip("/")
        site = Site(base, http, FakeClock(), FakeIds(), BREAKER, media_hosts=("cdn.example",))
        yield DiscordMedia(site, silence_s), f"{base}/fox.png?ex=1&hm=2&"


async def read(source: DiscordMedia, link: str, *part: int) -> tuple[int | None, int, bytes]:
    async with source.open(link, *part) as file:
        return file.length, file.begins, b"".join([chunk async for chunk in file.chunks])


async def test_a_file_is_read_under_its_signed_link_as_it_is() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.Response(body=FILE)

    async with media(answer) as (source, link):
        assert await read(source, link) == (len(FILE), 0, FILE)
    (request,) = seen
    assert request.raw_path == "/fox.png?ex=1&hm=2&"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"].startswith("Waystation/")
    assert not {"Authorization", "Cookie", "Range"} & set(request.headers)


async def test_a_part_is_asked_for_and_its_place_told() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Range"] == "bytes=10-19"
        place = {"Content-Range": f"bytes 10-19/{len(FILE)}"}
        return web.Response(status=206, body=FILE[10:20], headers=place)

    async with media(answer) as (source, link):
        assert await read(source, link, 10, 19) == (len(FILE), 10, FILE[10:20])


async def test_a_source_that_knows_no_ranges_gives_the_whole_file() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=FILE)

    async with media(answer) as (source, link):
        assert await read(source, link, 10, 19) == (len(FILE), 0, FILE)


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (404, {}, MediaGone),
        (403, {}, MediaGone),
        (410, {}, MediaGone),
        (429, {}, MediaFailed),
        (500, {}, MediaFailed),
        (302, {"Location": "http://127.0.0.1:1/"}, MediaFailed),
        (206, {"Content-Range": "bytes */9"}, MediaFailed),
    ],
)
async def test_other_answers_are_errors_and_no_redirect_is_followed(
    status: int, headers: dict[str, str], error: type[WaystationError]
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    async with media(answer) as (source, link):
        with pytest.raises(error):
            await read(source, link)


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/fox.png",
        "https://cdn.example.evil/fox.png",
        "http://cdn.example/fox.png",
        "file:///etc/passwd",
        "/fox.png",
        "http://[",
        "",
    ],
)
async def test_nobody_but_discord_is_asked(link: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        raise AssertionError

    async with media(answer) as (source, _):
        with pytest.raises(MediaFailed):
            await read(source, link)


async def test_silence_and_a_broken_connection_are_told_apart() -> None:
    silent = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(FILE))})
        await response.prepare(request)
        await response.write(FILE[:1000])
        if request.headers.get("Range"):
            assert request.transport is not None
            request.transport.abort()
        else:
            await silent.wait()
        return response

    async with media(answer, silence_s=0.05) as (source, link):
        with pytest.raises(MediaLate):
            await read(source, link)
        with pytest.raises(MediaFailed):
            await read(source, link, 0, 9)
        silent.set()


async def test_a_host_that_does_not_answer_is_late_and_a_closed_port_unread() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with media(answer, silence_s=0.05) as (source, link):
        with pytest.raises(MediaLate):
            await read(source, link)
    async with discord_session() as http:
        site = Site("http://127.0.0.1:1", http, FakeClock(), FakeIds(), BREAKER)
        with pytest.raises(MediaFailed):
            await read(DiscordMedia(site), "http://127.0.0.1:1/fox.png")


async def test_encoded_bytes_have_no_known_length() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=FILE)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with media(answer) as (source, link):
        assert await read(source, link) == (None, 0, FILE)


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("https://discord.example/fox.png?ex=1", True),
        ("https://cdn.example/fox.png", True),
        ("https://a.cdn.example/fox.png", True),
        ("https://uploads.example/fox.png", False),
        ("http://cdn.example/fox.png", False),
        ("https://evil-cdn.example/fox.png", False),
    ],
)
async def test_media_hosts_are_a_list_of_their_own(target: str, allowed: bool) -> None:
    async with aiohttp.ClientSession() as http:
        site = Site("https://discord.example", http, FakeClock(), FakeIds(), BREAKER)
        site.upload_hosts, site.media_hosts = ("uploads.example",), ("cdn.example",)
        assert site.may_read(URL(target)) is allowed
