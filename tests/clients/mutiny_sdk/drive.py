"""Drives PyPI `mutiny-sdk`: imagine, one of the four, vary region, animate; prints what came of it.

The REST API is a public setting. Two addresses are constants of the package, so they are set from
outside: the gateway, and the host of the page of Vary (Region).

Arguments: base URL, gateway URL, token, guild id, channel id, prompt, path of a mask.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from mutiny import Config, JobSnapshot, Mutiny
from mutiny.discord import gateway_client

BASE_URL, GATEWAY_URL, TOKEN, GUILD, CHANNEL, PROMPT, MASK = sys.argv[1:]

PATIENCE_S = 60.0
ACTIVITY_HOST = "936929561302675456.discordsays.com"


class _Token:
    def get_token(self) -> str:
        return TOKEN


class _Redirected(httpx.AsyncHTTPTransport):
    """Stands for a name server that knows another address of one host."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == ACTIVITY_HOST:
            here = httpx.URL(BASE_URL)
            request.url = request.url.copy_with(scheme="http", host=here.host, port=here.port)
        return await super().handle_async_request(request)


async def _finished(client: Mutiny, handle: Any) -> JobSnapshot:
    job = await client.wait_for_job(handle.id, timeout_s=PATIENCE_S)
    assert job.output is not None, f"{job.kind}: {job.fail_reason}"
    return job


async def main() -> None:
    httpx.AsyncHTTPTransport, httpx._client.AsyncHTTPTransport = _Redirected, _Redirected
    gateway_client.GATEWAY_BASE = GATEWAY_URL
    config = Config.create(
        token_provider=_Token(),
        guild_id=GUILD,
        channel_id=CHANNEL,
        api_endpoint=f"{BASE_URL}/api/v9",
        cache={"disk_cache_enabled": False},
    )
    client = Mutiny(config)
    await client.start()
    assert await client.wait_ready(timeout_s=30)
    seen = {}
    grid = await _finished(client, await client.imagine(PROMPT))
    seen["imagined"] = asdict(grid)
    async with httpx.AsyncClient() as http:
        picture = (await http.get(grid.output.image_url)).content
    first, *_, last = client.split_image_result(grid.id, picture)
    mask = Path(MASK).read_bytes()
    region = await client.vary_region(first.image_bytes, mask, prompt=f"{PROMPT} in the snow")
    seen["region"] = asdict(await _finished(client, region))
    clip = await client.animate(last.image_bytes, motion="high")
    seen["animated"] = asdict(await _finished(client, clip))
    await client.close()
    print("RESULT " + json.dumps(seen), flush=True)


asyncio.run(main())
