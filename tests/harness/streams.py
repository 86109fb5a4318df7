"""A stream of events over the real service and store, read as a browser reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from tests.fakes import FakeSealer
from tests.harness.house import DESCRIBE, House, house
from tests.limits import BODY
from waystation.api.asgi import create_face
from waystation.jobs import Job

__all__ = ["EventSource", "Place", "Stream", "place"]


@dataclass
class Stream:
    """One request for a stream, and what came of it."""

    app: ASGIApp
    path: str
    headers: Mapping[str, str]
    status: int = 0
    answered: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    slow: asyncio.Event | None = None

    async def run(self) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": self.path,
            "query_string": b"",
            "headers": [(key.encode(), value.encode()) for key, value in self.headers.items()],
            "client": ("127.0.0.1", 1),
        }
        first = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            for message in first:
                return message
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.answered = {key.decode(): value.decode() for key, value in message["headers"]}
                return
            self.text += message["body"].decode()
            self.begun.set()
            if self.slow is not None:
                await self.slow.wait()

        await self.app(scope, receive, send)

    @property
    def events(self) -> list[tuple[str, str, Any]]:
        """Id, name and data of each event that was read whole."""
        found = []
        for block in self.text.split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if "data" in lines:
                data = json.loads(lines["data"])
                found.append((lines.get("id", ""), lines["event"], data))
        return found


@dataclass
class Place:
    here: House
    app: ASGIApp
    bearer: Mapping[str, str]
    sent: int = 0
    """Jobs so far."""

    def stream(self, jobid: str = "", after: str | None = None) -> Stream:
        """Return a stream of one job, or of all."""
        last = {} if after is None else {"last-event-id": after}
        path = f"/v2/jobs/{jobid}/events" if jobid else "/v2/events"
        return Stream(self.app, path, {**self.bearer, **last})

    async def job(self) -> Job:
        """Let a job be asked, and return it once it was; no other may be running."""
        await self.here.service.submit(await self.here.user(), DESCRIBE, 0)
        self.sent += 1
        (job,) = await self.here.performed(self.sent)
        return job


@asynccontextmanager
async def place(directory: Path, *, dispatches: bool = False) -> AsyncIterator[Place]:
    async with house(directory, dispatches=dispatches) as here:
        await here.live()
        await here.here.store.change_user(1, {"token_hash": FakeSealer().hash_token("open")})
        face = create_face(here.service, new_request_id=lambda: "request", limits=BODY)
        yield Place(here, face.app, {"authorization": "Bearer user:1-open"})


@dataclass
class EventSource:
    """Resumes as a browser does: from the last id that it has read, of whatever connection."""

    at: Place
    jobid: str = ""
    read: list[tuple[str, str, Any]] = field(default_factory=list)
    _last: str | None = None

    async def connect(self) -> Stream:
        self.stream = self.at.stream(self.jobid, self._last)
        self.reading = asyncio.create_task(self.stream.run())
        await self.stream.begun.wait()
        return self.stream

    async def cut(self) -> None:
        self.stream.gone.set()
        await self.reading
        self.read += self.stream.events
        self._last = next((one for one, _, _ in reversed(self.read) if one), self._last)
