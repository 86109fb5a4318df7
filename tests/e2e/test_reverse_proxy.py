"""Behind a reverse proxy: callers are told apart by what a trusted proxy says, and nobody else.

The whole of 127.0.0.0/8 is loopback, so one machine can be several callers.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from tests.e2e.conftest import Install
from tests.e2e.proxied import OTHER, WRONG, exhaust, status_of

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


@contextlib.asynccontextmanager
async def reverse_proxy(target: str) -> AsyncIterator[str]:
    """Forward everything; add the address of who called, as proxies do."""

    async def forward(request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        known = [headers.pop("X-Forwarded-For", ""), request.remote or ""]
        headers["X-Forwarded-For"] = ", ".join(part for part in known if part)
        headers["X-Forwarded-Proto"] = "https"
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                request.method,
                target + request.path_qs,
                headers=headers,
                data=await request.read(),
            ) as answer,
        ):
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    app = web.Application(client_max_size=12 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def test_behind_a_proxy_each_caller_is_counted_alone(install: Install) -> None:
    async with install() as here, reverse_proxy(here.url) as url:
        ada = await here.person()
        await exhaust(url, ada)
        assert await status_of(url, WRONG) == 429
        assert await status_of(url, WRONG, OTHER) == 401


async def test_a_good_token_goes_on_working_beside_many_wrong_ones(install: Install) -> None:
    async with install() as here, reverse_proxy(here.url) as url:
        ada = await here.person()
        await exhaust(url, ada)
        assert await status_of(url, ada.token) == 200


async def test_a_caller_cannot_pass_for_another_through_a_proxy(install: Install) -> None:
    async with install() as here, reverse_proxy(here.url) as url:
        ada = await here.person()
        await exhaust(url, ada, {"X-Forwarded-For": OTHER})
        assert await status_of(url, WRONG, OTHER) == 401
        assert await status_of(url, WRONG, headers={"X-Forwarded-For": "8.8.8.8"}) == 429


async def test_an_untrusted_proxy_is_taken_for_the_caller(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        await exhaust(here.url, ada, {"X-Forwarded-For": OTHER})
        assert await status_of(here.url, WRONG, headers={"X-Forwarded-For": "8.8.8.8"}) == 429
        assert await status_of(here.url, WRONG, OTHER) == 401


async def test_without_trusted_proxies_the_header_is_never_read(install: Install) -> None:
    async with install(trusted_proxies=[]) as here, reverse_proxy(here.url) as url:
        ada = await here.person()
        await exhaust(url, ada)
        assert await status_of(url, WRONG, OTHER) == 429


async def test_a_picture_sent_through_a_proxy_is_described(install: Install) -> None:
    async with install() as here, reverse_proxy(here.url) as url:
        ada = await here.person()
        await here.equip(ada)
        ada.url = url
        status, job, _ = await ada.describe(here.photo())
        assert status == 200, job
        assert (await ada.final(job["jobid"]))["status"] == "completed"
