"""A raw client of the simulator: plain HTTP requests and WebSocket frames, nothing clever."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
from backports import zstd

from waystation.simulator.server import Simulator
from waystation.simulator.world import Account

__all__ = ["MARKER", "Answer", "Client", "Closed", "Socket"]

PATIENCE_S = 5.0
MARKER = "TEST_MARKER"
Json = dict[str, Any]


class Closed(Exception):
    """The server closed the socket."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Answer:
    """One HTTP answer, read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Socket:
    """One gateway connection."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, compress: str) -> None:
        self.ws = ws
        self.seq = 0
        self.ready: Json = {}
        self._decode = _decoder(compress)

    async def send(self, op: int, d: object = None) -> None:
        await self.ws.send_str(json.dumps({"op": op, "d": d}))

    async def receive(self) -> Json:
        """Return the next frame. Raises: Closed"""
        async with asyncio.timeout(PATIENCE_S):
            message = await self.ws.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise Closed(self.ws.close_code)
        raw = message.data if isinstance(message.data, bytes) else message.data.encode()
        frame: Json = json.loads(self._decode(raw))
        if frame.get("s"):
            self.seq = frame["s"]
        return frame

    async def until(self, name: str | int) -> list[Json]:
        """Return frames up to and including an event by name, or an opcode."""
        frames: list[Json] = []
        while not frames or name not in (frames[-1]["t"], frames[-1]["op"]):
            frames.append(await self.receive())
        return frames

    async def event(self, name: str) -> Json:
        data: Json = (await self.until(name))[-1]["d"]
        return data

    async def identify(self, token: str, **fields: object) -> Json:
        """Become ready; return READY's data."""
        await self.send(2, {"token": token, "capabilities": 16349, "properties": {}} | fields)
        self.ready = await self.event("READY")
        return self.ready

    async def resume(self, token: str, session_id: str, seq: int) -> None:
        await self.send(6, {"token": token, "session_id": session_id, "seq": seq})

    async def close_code(self) -> int | None:
        """Read until the server closes."""
        while True:
            try:
                await self.receive()
            except Closed as closed:
                return closed.code


def _decoder(compress: str) -> Callable[[bytes], bytes]:
    if compress == "zlib-stream":
        return zlib.decompressobj().decompress
    if compress == "zstd-stream":
        return zstd.ZstdDecompressor().decompress
    return lambda raw: raw


class Client:
    """Someone who holds an account's token."""

    def __init__(self, sim: Simulator, http: aiohttp.ClientSession, account: int = 0) -> None:
        self.sim = sim
        self.http = http
        self.account: Account = sim.accounts[account]
        self.socket: Socket | None = None
        self._nonce = 1000 * (account + 1)
        self.last_nonce = ""

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"Authorization": self.account.token} | options.pop("headers", {})
        url = path if path.startswith("http") else self.sim.url + path
        async with (
            asyncio.timeout(PATIENCE_S),
            self.http.request(method, url, headers=headers, **options) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Answer:
        return await self.request("POST", path, json=body, **options)

    async def connect(self, compress: str = "", query: str = "") -> Socket:
        """Open a gateway connection without saying anything."""
        url = self.sim.url.replace("http", "ws", 1) + "/?v=9&encoding=json"
        url += f"&compress={compress}" if compress else ""
        ws = await self.http.ws_connect(url + query, decode_text=False, max_msg_size=0)
        return Socket(ws, compress)

    async def identify(self, compress: str = "", **fields: object) -> Socket:
        """Open a gateway connection and become ready."""
        self.socket = await self.connect(compress)
        await self.socket.identify(self.account.token, **fields)
        return self.socket

    async def upload(self, data: bytes, filename: str = "cat.png") -> str:
        """Upload a file in three steps; return its upload name."""
        files = [{"id": "0", "filename": filename, "file_size": len(data)}]
        path = f"/api/v9/channels/{self.account.channel_id}/attachments"
        slot = (await self.post(path, {"files": files})).json["attachments"][0]
        async with self.http.put(
            slot["upload_url"], data=data, headers={"Content-Type": "image/png"}
        ) as response:
            assert response.status == 200
        name: str = slot["upload_filename"]
        return name

    async def version(self, verb: str) -> str:
        path = f"/api/v9/guilds/{self.account.guild_id}/application-command-index"
        commands = (await self.get(path)).json["application_commands"]
        found: str = [c for c in commands if c["name"] == verb][-1]["version"]
        return found

    def interaction(self, verb: str, upload: str | None = None, **changes: object) -> Json:
        """Return the body of an interaction with a fresh nonce."""
        self._nonce += 1
        self.last_nonce = f"14000000000000{self._nonce}"
        ids = {"describe": "1092492867185950852", "info": "972289487818334209"}
        data: Json = {"version": "1", "id": ids[verb], "name": verb, "type": 1, "options": []}
        if upload is not None:
            data["options"] = [{"type": 11, "name": "image", "value": 0}]
            data["attachments"] = [{"id": "0", "filename": "x", "uploaded_filename": upload}]
        body: Json = {
            "type": 2,
            "application_id": "936929561302675456",
            "guild_id": self.account.guild_id,
            "channel_id": self.account.channel_id,
            "session_id": self.socket.ready["session_id"] if self.socket else "none",
            "nonce": self.last_nonce,
            "data": data,
        }
        return body | changes

    async def ask(self, verb: str, upload: str | None = None, **changes: object) -> Answer:
        """Post an interaction."""
        body = self.interaction(verb, upload, **changes)
        return await self.post("/api/v9/interactions", body)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.001)

    async def hang_up(self, code: int) -> None:
        """Close the gateway connection and wait until the simulator has noticed."""
        assert self.socket is not None, "identify first"
        await self.socket.ws.close(code=code)
        await self.until(lambda: self.sim.read_log(kind="close"))

    async def events(self) -> list[tuple[str, Json]]:
        """Return every event until the bot has nothing in work any more."""
        assert self.socket is not None, "identify first"
        async with asyncio.timeout(PATIENCE_S):
            await self.sim.settled()
        self.sim.sessions.publish((self.account.user_id,), MARKER, {})
        frames = await self.socket.until(MARKER)
        return [(frame["t"], frame["d"]) for frame in frames[:-1] if frame["op"] == 0]
