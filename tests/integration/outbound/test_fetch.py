from __future__ import annotations

import asyncio
import gzip
import threading
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Literal

import aiohttp
import pytest
from aiohttp import web
from PIL import Image
from structlog.testing import capture_logs
from yarl import URL

from tests.build import replace
from tests.harness.png import huge_png
from tests.integration.outbound.conftest import Serve, ServeRaw
from tests.limits import FETCH
from waystation.errors import PreconditionFailed
from waystation.outbound import fetch as fetch_module
from waystation.outbound.connector import guarded_session
from waystation.outbound.fetch import PictureFetcher
from waystation.ports import Fetched, Fetcher


def encoded(data: bytes, encoding: str) -> bytes:
    """Return data under a content encoding."""
    if encoding == "br":
        compressed: bytes = pytest.importorskip("brotli").compress(data, quality=3)
        return compressed
    return gzip.compress(data, 9) if encoding == "gzip" else zlib.compress(data)


def png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 6), (10, 120, 200)).save(out, "PNG")
    return out.getvalue()


PNG = png()


async def give_png(request: web.Request) -> web.Response:
    return web.Response(body=PNG, content_type="text/html")


@pytest.fixture
def fetcher(session: aiohttp.ClientSession) -> PictureFetcher:
    return PictureFetcher(session, replace(FETCH, timeout_s=5), "white")


async def failure(fetcher: Fetcher, url: str, frank: bool = False) -> str:
    """Return the sentence a fetch fails with."""
    with pytest.raises(PreconditionFailed) as caught:
        await fetcher.fetch(url, frank)
    return caught.value.message


async def test_a_picture_is_fetched_and_named_by_its_content(
    fetcher: Fetcher, serve: Serve
) -> None:
    fetched = await fetcher.fetch(await serve(give_png), False)
    assert fetched.data == PNG
    assert (fetched.content_type, fetched.extension) == ("image/png", "png")


async def test_the_request_asks_for_identity_and_carries_the_url_as_given(
    fetcher: Fetcher, serve: Serve
) -> None:
    seen: list[tuple[str, str]] = []

    async def note(request: web.Request) -> web.Response:
        seen.append((request.raw_path, request.headers["Accept-Encoding"]))
        return web.Response(body=PNG)

    await fetcher.fetch(await serve(note) + "/a%2fb%7E.png?sig=%2bx+y#part", False)
    assert seen == [("/a%2fb%7E.png?sig=%2bx+y", "identity")]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_up_to_five_redirects_are_followed(
    fetcher: Fetcher, serve: Serve, status: int
) -> None:
    async def step(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        if left == 0:
            return web.Response(body=PNG)
        return web.Response(status=status, headers={"Location": f"/{left - 1}"})

    base = await serve(step)
    assert (await fetcher.fetch(f"{base}/5", False)).data == PNG
    assert await failure(fetcher, f"{base}/6") == f"GET {base}/6 failed with more than 5 redirects"


async def test_each_redirect_is_judged_like_the_first_url(fetcher: Fetcher, serve: Serve) -> None:
    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    base = await serve(redirect)
    port = URL(base).port
    blocked = [f"http://[::1]:{port}/", "http://169.254.169.254/latest/", "http://10.0.0.1/"]
    for to in blocked:
        url = f"{base}/?to={to}"
        assert await failure(fetcher, url) == f"GET {url} failed with no connection to the host"
    url = f"{base}/?to=file:///etc/passwd"
    reason = "a redirect to a URL that is neither http nor https"
    assert await failure(fetcher, url) == f"GET {url} failed with {reason}"


async def test_a_redirect_to_somewhere_else_carries_no_password(
    fetcher: Fetcher, serve: Serve
) -> None:
    seen: list[tuple[str, str | None]] = []

    async def second(request: web.Request) -> web.Response:
        seen.append(("second", request.headers.get("Authorization")))
        return web.Response(body=PNG)

    there = await serve(second)

    async def first(request: web.Request) -> web.Response:
        seen.append(("first", request.headers.get("Authorization")))
        return web.Response(status=302, headers={"Location": there})

    here = (await serve(first)).replace("http://", "http://user:pw@")
    await fetcher.fetch(here, False)
    assert seen == [("first", "Basic dXNlcjpwdw=="), ("second", None)]


async def test_a_failing_source_is_told_by_its_status_alone_when_it_is_private(
    fetcher: Fetcher, serve: Serve
) -> None:
    async def missing(request: web.Request) -> web.Response:
        return web.Response(status=404, text="internal details")

    url = await serve(missing)
    assert await failure(fetcher, url) == f"GET {url} failed with HTTP status 404"


async def test_a_failing_public_source_is_quoted_to_500_printable_characters(
    fetcher: Fetcher, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "routable", lambda address: True)

    async def missing(request: web.Request) -> web.Response:
        return web.Response(status=404, body=b"not\r\n\x00 \x1b[31mhere \xff" + b"x" * 9000)

    url = await serve(missing)
    start = f"GET {url} failed with HTTP status 404. Response body "
    sentence = await failure(fetcher, url)
    assert sentence.startswith(start + "not [31mhere �xxx")
    assert len(sentence) == len(start) + 500
    assert sentence.isprintable()


async def test_a_failing_source_that_breaks_off_its_body_still_has_a_status(
    fetcher: Fetcher, serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "routable", lambda address: True)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 99\r\n\r\n")

    url = await serve_raw(talk)
    assert await failure(fetcher, url) == f"GET {url} failed with HTTP status 500. Response body "


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", PNG[:40], b"BM" + bytes(80)])
async def test_a_file_that_is_no_picture_has_an_unknown_mime_type(
    fetcher: Fetcher, serve: Serve, body: bytes
) -> None:
    async def give(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="image/png")

    url = await serve(give)
    assert await failure(fetcher, url) == f"{url} unknown mime type"


async def test_a_body_that_says_it_is_too_large_is_not_read(
    session: aiohttp.ClientSession, serve_raw: ServeRaw
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        await reader.read()

    url = await serve_raw(talk)
    fetcher = PictureFetcher(session, replace(FETCH, max_bytes=1000, timeout_s=5), "white")
    reason = "a body larger than 1000 bytes"
    assert await failure(fetcher, url) == f"GET {url} failed with {reason}"


async def test_an_endless_body_is_cut_off_at_the_limit(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    cut = asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(65536))
        finally:
            cut.set()

    url = await serve(pour)
    fetcher = PictureFetcher(session, replace(FETCH, max_bytes=200_000, timeout_s=5), "white")
    reason = "a body larger than 200000 bytes"
    assert await failure(fetcher, url) == f"GET {url} failed with {reason}"
    await asyncio.wait_for(cut.wait(), 30)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_the_limit_counts_after_decoding(
    session: aiohttp.ClientSession,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
) -> None:
    bomb = encoded(bytes(300_000_000), encoding)
    read: list[int] = []
    real = aiohttp.StreamReader.iter_any

    def counted(self: aiohttp.StreamReader) -> object:
        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in real(self):
                read.append(len(chunk))
                yield chunk

        return chunks()

    monkeypatch.setattr(aiohttp.StreamReader, "iter_any", counted)

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": encoding})

    url = await serve(give)
    fetcher = PictureFetcher(session, replace(FETCH, max_bytes=1_000_000, timeout_s=5), "white")
    reason = "a body larger than 1000000 bytes"
    assert await failure(fetcher, url) == f"GET {url} failed with {reason}"
    assert sum(read) < 3_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_an_encoded_picture_is_decoded(fetcher: Fetcher, serve: Serve, encoding: str) -> None:
    body = encoded(PNG, encoding)

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    assert (await fetcher.fetch(await serve(give), False)).data == PNG


async def test_too_many_pixels_are_refused_before_decoding(fetcher: Fetcher, serve: Serve) -> None:
    """R43."""

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=huge_png(60_000, 60_000))

    url = await serve(give)
    assert await failure(fetcher, url) == f"{url} has more than 50000000 pixels"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "a broken connection"),
        (b"garbage\r\n\r\n", "an answer that cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "an answer that cannot be read"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
            "an answer that cannot be read",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
            "an answer that cannot be read",
        ),
    ],
    ids=["nothing", "garbage", "short", "bad gzip", "long header"],
)
async def test_a_server_that_talks_nonsense_is_a_reason(
    fetcher: Fetcher, serve_raw: ServeRaw, said: bytes, reason: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    url = await serve_raw(talk)
    assert await failure(fetcher, url) == f"GET {url} failed with {reason}"


async def test_a_server_that_hangs_is_a_time_out(
    session: aiohttp.ClientSession, serve_raw: ServeRaw
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    url = await serve_raw(talk)
    fetcher = PictureFetcher(session, replace(FETCH, timeout_s=0.05), "white")
    assert await failure(fetcher, url) == f"GET {url} failed with a time-out"


async def test_a_server_that_trickles_is_a_time_out(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.01)

    url = await serve(trickle)
    fetcher = PictureFetcher(session, replace(FETCH, timeout_s=0.1), "white")
    assert await failure(fetcher, url) == f"GET {url} failed with a time-out"


@pytest.mark.parametrize("url", ["gopher://x/", "http:///x", "http://a b/", "http://[::1", "x"])
async def test_a_url_nobody_can_ask_for_is_refused_at_once(fetcher: Fetcher, url: str) -> None:
    assert (await failure(fetcher, url)).startswith(f"GET {url} failed with a URL ")


async def test_an_endless_url_is_not_echoed_in_full(fetcher: Fetcher) -> None:
    assert len(await failure(fetcher, "http://x.test/" + "a" * 1_000_000)) < 1200


async def test_the_caller_reads_its_own_url_and_the_log_no_secret_of_it(
    strict_session: aiohttp.ClientSession,
) -> None:
    url = "http://user:pw@127.0.0.1:9/a.png?token=abc"
    with capture_logs() as logs:
        sentence = await failure(PictureFetcher(strict_session, FETCH, "white"), url)
    assert sentence == f"GET {url} failed with no connection to the host"
    assert "http://127.0.0.1:9/a.png" in repr(logs)
    assert "pw" not in repr(logs)
    assert "abc" not in repr(logs)


async def test_bytes_that_a_caller_sent_are_judged_alike(fetcher: Fetcher) -> None:
    assert (await fetcher.inspect(PNG, "describeFile")).extension == "png"
    for data, sentence in (
        (b"", "describeFile unknown mime type"),
        (PNG[:-20], "describeFile unknown mime type"),
        (huge_png(60_000, 60_000), "describeFile has more than 50000000 pixels"),
        (bytes(11 * 1024 * 1024), "describeFile is larger than 10485760 bytes"),
    ):
        with pytest.raises(PreconditionFailed) as caught:
            await fetcher.inspect(data, "describeFile")
        assert caught.value.message == sentence
        if "mime" in sentence:
            taken = "image/png, image/jpeg, image/webp, image/gif"
            assert caught.value.details == f"Accepted are {taken}."


def fits(mask: Fetched) -> None:
    """Take a mask of any size."""


def mask(shade: int) -> bytes:
    out = BytesIO()
    Image.new("L", (4, 4), shade).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("repaints", ["white", "black"])
async def test_a_mask_is_given_in_the_colours_that_midjourney_paints(
    session: aiohttp.ClientSession, repaints: Literal["white", "black"]
) -> None:
    taken = await PictureFetcher(session, FETCH, repaints).mask(mask(255), "mask", fits)
    with Image.open(BytesIO(taken.data)) as image:
        assert image.getpixel((0, 0)) == (255 if repaints == "white" else 0)
    assert taken.size == (4, 4)


async def test_a_mask_without_anything_white_is_refused(fetcher: PictureFetcher) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        await fetcher.mask(mask(90), "mask", fits)
    assert caught.value.message == "mask has no white pixels; white marks what to redraw"


async def test_a_mask_that_breaks_off_is_refused(fetcher: PictureFetcher) -> None:
    whole = mask(255)
    with pytest.raises(PreconditionFailed, match="unknown mime type"):
        await fetcher.mask(whole[: len(whole) - 20], "mask", fits)


@pytest.mark.parametrize("size", [(7000, 7100), (4097, 4096)])
async def test_a_huge_mask_is_refused_by_its_head(
    fetcher: PictureFetcher, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "brightest", lambda data: pytest.fail("decoded"))
    with pytest.raises(PreconditionFailed, match="pixels"):
        await fetcher.mask(huge_png(*size), "mask", fits)


async def test_a_mask_that_does_not_fit_is_not_decoded(
    fetcher: PictureFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "brightest", lambda data: pytest.fail("decoded"))

    def refuse(mask: Fetched) -> None:
        raise PreconditionFailed(f"not {mask.size}")

    with pytest.raises(PreconditionFailed, match="not"):
        await fetcher.mask(mask(255), "mask", refuse)


async def test_pictures_have_threads_of_their_own(
    fetcher: PictureFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    def look(data: bytes) -> int:
        names.append(threading.current_thread().name)
        return 255

    monkeypatch.setattr(fetch_module, "brightest", look)
    await asyncio.gather(*(fetcher.mask(mask(255), "mask", fits) for _ in range(20)))
    assert set(names) <= {"pictures_0", "pictures_1"}


@pytest.mark.parametrize("host", ["10.0.0.1", "inside.test"])
async def test_a_private_address_is_told_to_an_admin_and_in_the_log_alone(host: str) -> None:
    async def lookup(name: str) -> list[str]:
        return ["10.0.0.7"]

    url = f"http://{host}/x.png"
    async with guarded_session(lookup=lookup) as session:
        fetcher = PictureFetcher(session, replace(FETCH, timeout_s=5), "white")
        with capture_logs() as logs:
            for_others = await failure(fetcher, url)
        for_admin = await failure(fetcher, url, frank=True)
    assert for_others == f"GET {url} failed with no connection to the host"
    reason = f"{host} being a private address; WAYSTATION_ALLOW_NETWORKS can allow it"
    assert for_admin == f"GET {url} failed with {reason}"
    assert reason in [line.get("reason") for line in logs]
