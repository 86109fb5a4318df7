"""A raw client of the simulator: plain HTTP requests and WebSocket frames, nothing clever."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
from backports import zstd

from waystation.simulator.discord.commands import COMMANDS
from waystation.simulator.discord.world import Account
from waystation.simulator.server import Simulator
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = [
    "MARKER",
    "Answer",
    "Client",
    "Closed",
    "Socket",
    "component",
    "labels",
    "result_of",
]

PATIENCE_S = 5.0
MARKER = "TEST_MARKER"
Json = dict[str, Any]


class Closed(Exception):
    """The server closed the socket."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


_IDS = {c.name: c.id for c in COMMANDS if c.application_id == MIDJOURNEY_APPLICATION_ID}


def component(message: Json, label: str) -> Json:
    """Return a button of a message by its label or emoji; a menu by its custom_id."""
    for row in message["components"]:
        for one in row["components"]:
            name = one.get("label") or one.get("emoji", {}).get("name") or one["custom_id"]
            if name == label:
                found: Json = one
                return found
    raise AssertionError(f"no {label} among {labels(message)}")


def labels(message: Json) -> list[str]:
    """Return what the buttons of a message are called."""
    return [
        one.get("label") or one.get("emoji", {}).get("name") or one["custom_id"]
        for row in message["components"]
        for one in row["components"]
    ]


def result_of(events: list[tuple[str, Json]]) -> Json:
    """Return the message of a finished picture among events."""
    found = [
        data
        for name, data in events
        if name == "MESSAGE_CREATE" and data["attachments"] and data["components"]
    ]
    return found[-1]


def _last_message(events: list[tuple[str, Json]]) -> Json:
    return [d for name, d in events if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE")][-1]


class Answer:
    """One HTTP answer, read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Socket:
    """One gateway connection."""

    def __init__(self, ws: Any, compress: str) -> None:
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

    async def send(self, verb: str, **texts: str) -> Answer:
        """Post a command whose options are texts; spaces in the verb lead to commands below it."""
        name, *below = verb.split(" ")
        options: list[Json] = [{"type": 3, "name": n, "value": v} for n, v in texts.items()]
        for depth, word in enumerate(reversed(below)):
            options = [{"type": 1 + bool(depth), "name": word, "options": options}]
        data = {"version": "1", "id": _IDS[name], "name": name, "type": 1, "options": options}
        return await self.ask("info", data=data)

    async def command(self, verb: str, **texts: str) -> Json:
        """Give a command and wait until it is done; return the message that ends it."""
        answer = await self.send(verb, **texts)
        assert answer.status == 204, answer.body
        return _last_message(await self.events())

    async def imagine(self, prompt: str = "a red fox") -> Json:
        """Return the message of a grid."""
        return result_of(await self.imagined(prompt))

    async def imagined(self, prompt: str = "a red fox") -> list[tuple[str, Json]]:
        """Return every event of a grid's making."""
        answer = await self.send("imagine", prompt=prompt)
        assert answer.status == 204, answer.body
        return await self.events()

    async def single(self, prompt: str = "a red fox", tile: int = 1) -> Json:
        """Return the message of a single picture of a grid."""
        return await self.made(await self.imagine(prompt), f"U{tile}")

    async def press(self, message: Json, label: str, *values: str) -> Answer:
        """Press a button of a message by its label or emoji, or choose from a menu."""
        custom_id = component(message, label)["custom_id"]
        data: Json = {"component_type": 3 if values else 2, "custom_id": custom_id}
        if values:
            data["values"] = list(values)
        changes: Json = {"type": 3, "message_id": message["id"], "data": data}
        if message["channel_id"] == self.account.dm_channel_id:
            changes |= {"guild_id": None, "channel_id": message["channel_id"]}
        return await self.ask("info", message_flags=message["flags"], **changes)

    async def pressed(self, message: Json, label: str) -> list[tuple[str, Json]]:
        """Press a button; return every event that follows."""
        answer = await self.press(message, label)
        assert answer.status == 204, answer.body
        return await self.events()

    async def made(self, message: Json, label: str) -> Json:
        """Press a button; return the message of what comes of it."""
        return result_of(await self.pressed(message, label))

    async def opened(self, message: Json, label: str) -> Json:
        """Press a button; return the form or iframe that opens."""
        events = await self.pressed(message, label)
        return next(data for name, data in events if name.endswith("MODAL_CREATE"))

    async def submit(self, modal: Json, text: str, **changes: object) -> Answer:
        """Send a form with a text in its one field."""
        field = {"type": 4, "custom_id": modal["components"][0]["components"][0]["custom_id"]}
        rows = [{"type": 1, "components": [field | {"value": text}]}]
        data = {"id": modal["id"], "custom_id": modal["custom_id"], "components": rows}
        return await self.ask("info", type=5, data=data | changes)

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
