"""A small server that answers the client as told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from waystation.client import Client

TOKEN = "user:1-secret"
JOB = "job:20260101000000000-user:1-channel:2-bot:midjourney"


DROPPED = web.Response()
"""Stands for no answer: the connection breaks after the request was read."""


class Stub:
    """Answers each request with the next of `answers` (the last one again and again)."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], web.Response]] = []
        self.requests: list[dict[str, Any]] = []
        self.url = ""

    def say(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        if body is None:
            self.answers.append(lambda: web.Response(status=status, headers=headers))
        else:
            self.answers.append(lambda: web.json_response(body, status=status, headers=headers))

    def drop(self) -> None:
        self.answers.append(lambda: DROPPED)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        seen: dict[str, Any] = {
            "method": request.method,
            "path": request.raw_path,
            "jobid": request.query.get("jobid"),
            "authorization": request.headers.get("Authorization"),
            "key": request.headers.get("Idempotency-Key"),
        }
        if request.content_type == "multipart/form-data":
            form = await request.post()
            seen["form"] = {
                name: (part.filename, part.file.read()) if isinstance(part, web.FileField) else part
                for name, part in form.items()
            }
        elif request.can_read_body:
            seen["json"] = await request.json()
        self.requests.append(seen)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        said = answer()
        if said is DROPPED and request.transport is not None:
            request.transport.abort()
        return said


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    found = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def pauses() -> list[float]:
    return []


@pytest.fixture
async def client(stub: Stub, pauses: list[float]) -> AsyncIterator[Client]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with Client(stub.url, TOKEN, sleep=sleep) as made:
        yield made
