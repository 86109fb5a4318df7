"""Gateway server: a child that greets every account and sends prepared frames when told to.

Each connection's frames are compressed before the order comes, so that sending costs it little.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop
from aiohttp import web
from backports import zstd

from benchmarks.children import Order, obey
from benchmarks.frames import AskedJob, frames

__all__: list[str] = []

_HEARTBEAT_MS = 41_250
_IDENTIFY, _HEARTBEAT = 2, 1


class _Gateway:
    """All connections, by token."""

    def __init__(self) -> None:
        self.url = ""
        self._accounts: dict[str, Any] = {}
        self._go = asyncio.Event()
        self._prepared = asyncio.Semaphore(0)
        self._read_back = asyncio.Semaphore(0)

    async def obey(self, order: Order) -> Order:
        """Expect `accounts`, or `wait` until all are caught up, or send and say since when."""
        if "accounts" in order:
            self._go = asyncio.Event()
            self._accounts = {account["token"]: account for account in order["accounts"]}
            return {"url": self.url}
        if order.get("wait"):
            for _ in self._accounts:
                await self._prepared.acquire()
                await self._read_back.acquire()
            return {}
        began = time.time()
        self._go.set()
        return {"began_s": began}

    async def address(self, request: web.Request) -> web.Response:
        """GET /gateway."""
        return web.json_response({"url": self.url.replace("http", "ws", 1)})

    async def history(self, request: web.Request) -> web.Response:
        """GET a channel's messages, once after READY: there is nothing to read back."""
        self._read_back.release()
        return web.json_response([])

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one gateway connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        packed = _PACKERS[request.query["compress"]]()
        await socket.send_bytes(packed(_frame(10, {"heartbeat_interval": _HEARTBEAT_MS})))
        async with asyncio.TaskGroup() as tasks:
            async for received in socket:
                frame = msgspec.json.decode(received.data)
                if frame["op"] == _IDENTIFY:
                    account = self._accounts[frame["d"]["token"]]
                    await socket.send_bytes(packed(_ready(account, self.url)))
                    prepared = [packed(each) for each in _frames_of(account)]
                    self._prepared.release()
                    tasks.create_task(self._send(socket, prepared))
        return socket

    async def _send(self, socket: web.WebSocketResponse, prepared: list[bytes]) -> None:
        await self._go.wait()
        for message in prepared:
            await socket.send_bytes(message)


def _zstd() -> Callable[[bytes], bytes]:
    stream = zstd.ZstdCompressor()
    return lambda frame: stream.compress(frame, zstd.ZstdCompressor.FLUSH_BLOCK)


def _zlib() -> Callable[[bytes], bytes]:
    stream = zlib.compressobj()
    return lambda frame: stream.compress(frame) + stream.flush(zlib.Z_SYNC_FLUSH)


_PACKERS = {"zstd-stream": _zstd, "zlib-stream": _zlib}


def _frame(op: int, data: Any) -> bytes:
    return msgspec.json.encode({"t": None, "s": None, "op": op, "d": data})


def _ready(account: Any, url: str) -> bytes:
    data = {
        "session_id": f"session-{account['user']}",
        "user": {"id": account["user"], "username": "owner"},
        "resume_gateway_url": url.replace("http", "ws", 1),
        "guilds": [_guild(account, number) for number in range(account.get("guilds", 0))],
    }
    return msgspec.json.encode({"t": "READY", "s": 1, "op": 0, "d": data})


def _guild(account: Any, number: int) -> Any:
    """Return a server of the size that READY has of it: channels, roles, emojis."""
    base = int(account["guild"]) + 1_000 * number
    return {
        "id": str(base),
        "joined_at": "2023-01-01T00:00:00+00:00",
        "large": True,
        "member_count": 20_000 + number,
        "properties": {"id": str(base), "name": f"server {number}", "owner_id": "7"},
        "channels": [
            {
                "id": str(base + each),
                "type": 0,
                "name": f"channel-{each}",
                "topic": f"rules and talk about subject {each} of server {number}",
                "permission_overwrites": [
                    {"id": str(base), "type": 0, "allow": "0", "deny": "1024"}
                ],
                "last_message_id": str(base + 7 * each),
            }
            for each in range(60)
        ],
        "roles": [
            {"id": str(base + each), "name": f"role {each}", "permissions": "2248473465835073"}
            for each in range(30)
        ],
        "emojis": [{"id": str(base + each), "name": f"emoji{each}"} for each in range(50)],
    }


def _frames_of(account: Any) -> Any:
    jobs = [AskedJob(**job) for job in account["jobs"]]
    where = (account["guild"], account["channel"], account["user"])
    return frames(*where, jobs, account["foreign_per_own"], account["seed"])


async def _main() -> None:
    gateway = _Gateway()
    app = web.Application()
    app.router.add_get("/", gateway.serve)
    app.router.add_get("/api/v9/gateway", gateway.address)
    app.router.add_get("/api/v9/channels/{channel}/messages", gateway.history)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    gateway.url = f"http://{host}:{port}"
    try:
        await obey(gateway.obey)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(_main())
