"""Bare parts: a child that does what a describe cannot do without, each as plainly as possible.

One shared HTTP session with kept connections, bodies prebuilt, nothing checked but the status, one
row of a job's size per commit in a thread of its own. No guard, no types, no events.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import apsw
import msgspec
import uvloop
from PIL import Image

from benchmarks.children import Order, obey

__all__ = ["BESIDE"]

_ROW_BYTES = 2_000
"""About what a described job takes."""

_COMMITS_PER_DESCRIBE = 2

BESIDE = "beside the sum: Pillow opens the picture"
"""The one part that is not counted: a gateway could pass pictures on unseen."""


class _Parts:
    """The parts, by name."""

    def __init__(self, order: Order, http: aiohttp.ClientSession) -> None:
        self._order = order
        self._api = f"{order['discord_url']}/api/v9"
        self._http = http
        self._headers = {
            "Authorization": order["account"]["token"],
            "Content-Type": "application/json",
        }
        self._picture = b""
        self._uploaded = "picture.webp"
        self._command: dict[str, Any] = {}
        self._nonce = time.time_ns()
        self._thread = ThreadPoolExecutor(1)
        self._database = _database(Path(order["folder"]))
        self.parts: dict[str, Callable[[], Awaitable[None]]] = {
            "fetch the picture": self.fetch,
            "upload: slot and PUT": self.upload,
            "interaction": self.interact,
            "two commits": self.commit,
            BESIDE: self.open_picture,
        }

    async def prepare(self) -> None:
        """Learn the command's id and version."""
        guild = self._order["account"]["guild_id"]
        url = f"{self._api}/guilds/{guild}/application-command-index"
        async with self._http.get(url, headers=self._headers) as answer:
            index = msgspec.json.decode(await answer.read())
        self._command = next(
            command
            for command in index["application_commands"]
            if command["name"] == "describe"
            and command["application_id"] == self._order["application_id"]
        )

    async def fetch(self) -> None:
        """GET the picture."""
        async with self._http.get(self._order["picture_url"]) as answer:
            self._picture = await answer.read()

    async def upload(self) -> None:
        """POST for a place, PUT the bytes there."""
        file = {"id": "0", "filename": "picture.webp", "file_size": len(self._picture)}
        body = msgspec.json.encode({"files": [file]})
        channel = self._order["account"]["channel_id"]
        slot = await self._post(f"/channels/{channel}/attachments", body)
        place = slot["attachments"][0]
        async with self._http.put(place["upload_url"], data=self._picture) as answer:
            await answer.read()
            answer.raise_for_status()
        self._uploaded = place["upload_filename"]

    async def interact(self) -> None:
        """POST the interaction."""
        self._nonce += 1
        account = self._order["account"]
        file = {"id": "0", "filename": "picture.webp", "uploaded_filename": self._uploaded}
        body = {
            "type": 2,
            "application_id": self._order["application_id"],
            "guild_id": account["guild_id"],
            "channel_id": account["channel_id"],
            "session_id": "0123456789abcdef",
            "nonce": str(self._nonce),
            "data": {
                "version": self._command["version"],
                "id": self._command["id"],
                "name": "describe",
                "type": 1,
                "options": [{"type": 11, "name": "image", "value": 0}],
                "attachments": [file],
            },
        }
        await self._post("/interactions", msgspec.json.encode(body))

    async def commit(self) -> None:
        """Write a row and flush it to disk, twice."""
        loop = asyncio.get_running_loop()
        for _ in range(_COMMITS_PER_DESCRIBE):
            await loop.run_in_executor(self._thread, self._write)

    async def open_picture(self) -> None:
        """Let Pillow look at the picture, as everyone must who passes on strangers' files."""
        with Image.open(BytesIO(self._picture)) as image:
            image.verify()

    def _write(self) -> None:
        self._database.execute("begin immediate")
        self._database.execute("insert into rows (body) values (?)", ("x" * _ROW_BYTES,))
        self._database.execute("commit")

    async def _post(self, path: str, body: bytes) -> Any:
        async with self._http.post(self._api + path, data=body, headers=self._headers) as answer:
            answer.raise_for_status()
            text = await answer.read()
        return msgspec.json.decode(text) if text else None


def _database(folder: Path) -> apsw.Connection:
    connection = apsw.Connection(str(folder / "bare.db"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", 2)
    connection.execute("create table if not exists rows (number integer primary key, body text)")
    return connection


async def _spent(do: Callable[[], Awaitable[None]], times: int, at_once: int) -> float:
    """Return the processor seconds of doing something so many times."""
    places = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with places:
            await do()

    before = time.process_time()
    await asyncio.gather(*(one() for _ in range(times)))
    return time.process_time() - before


async def _main() -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        parts: _Parts | None = None

        async def do(order: Order) -> Order:
            nonlocal parts
            if parts is None:
                parts = _Parts(order, http)
                await parts.prepare()
                gc.freeze()
            spent = {}
            for name, part in parts.parts.items():
                spent[name] = await _spent(part, order["times"], order["at_once"])
            return spent

        await obey(do)


if __name__ == "__main__":
    uvloop.run(_main())
