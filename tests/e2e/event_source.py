"""A reader of `GET /v2/events`, as a browser is one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.e2e.conftest import Person

__all__ = ["ENDS", "EventSource"]

ENDS = ("completed", "moderated", "failed", "cancelled")


@dataclass
class EventSource:
    """Reads a stream as a browser does: it resumes from the last id that it has read whole."""

    who: Person
    read: list[tuple[str, str, Any]] = field(default_factory=list)
    """Id, name and data of each event, of all connections."""
    last: str | None = None
    connections: int = 0

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                await self._connection()
            await asyncio.sleep(0.01)

    async def _connection(self) -> None:
        headers = {"Authorization": f"Bearer {self.who.token}"}
        if self.last is not None:
            headers["Last-Event-ID"] = self.last
        async with self.who.http.get(f"{self.who.url}/v2/events", headers=headers) as answer:
            assert answer.status == 200
            self.connections += 1
            frame: dict[str, str] = {}
            async for line in answer.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    frame[name] = value
                elif frame:
                    self._take(frame)
                    frame = {}

    def _take(self, frame: dict[str, str]) -> None:
        if "data" in frame:
            self.read.append((frame.get("id", ""), frame["event"], json.loads(frame["data"])))
            self.last = frame.get("id", self.last)

    def ends(self) -> int:
        return sum(name in ENDS for _, name, _ in self.read)
