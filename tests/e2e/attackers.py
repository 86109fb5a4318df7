"""Attackers: a process that sends the service whatever may hurt it, as fast as one core can.

How it works: each row of `ATTACKS` is one kind of harm and how often it runs at once; each runs
again and again until the time is over. The attackers have two users with an account each, connect
from addresses of their own, and keep the hosts that their URLs name. The process reads its orders
as JSON from standard input and prints what it sent as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import random
import sys
import time
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from struct import pack

import msgspec

from tests.e2e.dead_dns import DEAD

__all__ = ["ATTACKS", "Mallory", "Orders", "Report", "huge_mask"]

_PIPELINED = 400
_BIG = 10 << 20
_PATIENCE_S = 70.0
"""Longer than any answer takes."""


class Mallory(msgspec.Struct):
    """A user who means harm."""

    token: str
    channel: str
    parent: str
    """A completed imagine."""


class Orders(msgspec.Struct):
    """The target of an attack, its user and its time."""

    host: str
    port: int
    seconds: float
    users: list[Mallory]
    only: list[str] = []
    """Names of attacks; empty: all."""


class Report(msgspec.Struct):
    """Requests that were sent, and what came of them."""

    seconds: float
    requests: int
    megabytes: float
    answers: dict[str, int]
    """How often each status was answered, `cut` for connections that were closed instead."""
    by_attack: dict[str, int]


_attack_now: ContextVar[str] = ContextVar("attack")


@dataclass
class Attackers:
    """The tools that the attacks share."""

    orders: Orders
    hosts_port: int = 0
    sent: int = 0
    """Bytes."""
    requests: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def user(self) -> Mallory:
        return self.orders.users[next(self.numbers) % len(self.orders.users)]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        source = f"127.0.1.{1 + next(self.numbers) % 4}"
        orders = self.orders
        return await asyncio.open_connection(orders.host, orders.port, local_addr=(source, 0))

    def host(self, path: str) -> str:
        """Return a URL of ours at an address that no other URL has."""
        number = next(self.numbers)
        address = f"127.{2 + number // 62500 % 200}.{number // 250 % 250}.{1 + number % 250}"
        return f"http://{address}:{self.hosts_port}/{path}/{number}"

    async def send(self, writer: asyncio.StreamWriter, data: bytes, requests: int = 0) -> None:
        if writer.transport.is_closing():
            raise ConnectionResetError
        writer.write(data)
        await writer.drain()
        self.sent += len(data)
        self.requests[_attack_now.get()] += requests

    async def post(self, path: str, user: Mallory, body: object) -> int:
        """Post JSON and return the status."""
        status, _ = await self.ask("POST", path, user, msgspec.json.encode(body))
        return status

    async def ask(
        self, method: str, path: str, user: Mallory, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes]:
        """Send one request; return status and body, 0 when it was cut."""
        reader, writer = await self.connect()
        try:
            head = {
                "Host": "x",
                "Authorization": f"Bearer {user.token}",
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Connection": "close",
                **headers,
            }
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            await self.send(writer, f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body, 1)
            async with asyncio.timeout(_PATIENCE_S):
                answer = await reader.read(1 << 20)
        except (OSError, TimeoutError):
            answer = b""
        finally:
            writer.close()
        status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        self.answers[str(status or "cut")] += 1
        return status, answer.partition(b"\r\n\r\n")[2]


Attack = Callable[[Attackers], Awaitable[None]]


async def _swallow(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(1 << 16):
            pass


async def pipelining(world: Attackers) -> None:
    """GETs without a token, hundreds in one write; the answers are read."""
    reader, writer = await world.connect()
    reading = asyncio.ensure_future(_swallow(reader))
    piece = b"GET /v2/jobs HTTP/1.1\r\nHost: x\r\n\r\n" * _PIPELINED
    try:
        while True:
            await world.send(writer, piece, _PIPELINED)
    finally:
        writer.close()
        reading.cancel()


async def trailers(world: Attackers) -> None:
    """A chunked body whose trailers never end."""
    reader, writer = await world.connect()
    try:
        start = b"POST /v2/jobs/info HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        await world.send(writer, start, 1)
        while not reader.at_eof():
            await world.send(writer, b"x-trailer: " + b"y" * 4000 + b"\r\n")
            await asyncio.sleep(0)
    finally:
        writer.close()


async def heads(world: Attackers) -> None:
    """A head of thousands of headers that never ends."""
    reader, writer = await world.connect()
    try:
        await world.send(writer, b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 8000, 1)
        await reader.read()
    finally:
        writer.close()


async def deaf(world: Attackers) -> None:
    """Ask for the largest answers and read none."""
    _, writer = await world.connect()
    try:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await world.send(writer, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 40, 40)
        await asyncio.sleep(20)
    finally:
        writer.transport.abort()


async def idle(world: Attackers) -> None:
    """Hold a connection and say nothing."""
    reader, writer = await world.connect()
    try:
        async with asyncio.timeout(60):
            await reader.read()
    finally:
        writer.close()


async def bad_tokens(world: Attackers) -> None:
    """Guess tokens, with large bodies."""
    user = msgspec.structs.replace(world.user, token=f"user:{next(world.numbers)}-guessed")
    await world.ask("POST", "/v2/jobs/describe", user, b"x" * 5000)


async def interim(world: Attackers) -> None:
    """Name pictures and receivers on a host that answers 100 Continue without end."""
    await world.post("/v2/jobs/describe", world.user, {"describeUrl": world.host("interim")})


async def large_pictures(world: Attackers) -> None:
    """Name the largest pictures that are fetched; they are none."""
    urls = [world.host("large") for _ in range(5)]
    await world.post("/v2/jobs/blend", world.user, {"blendUrls": urls})


async def dead_names(world: Attackers) -> None:
    """Name hosts whose name server hangs."""
    url = f"http://{next(world.numbers)}{DEAD}/x.png"
    await world.post("/v2/jobs/describe", world.user, {"describeUrl": url})


async def hung_receivers(world: Attackers) -> None:
    """Let ends be told to receivers that never answer, send interim answers or have no name."""
    kind = world.chance.choice(("hung", "hung", "interim", "dead"))
    dead = f"http://{next(world.numbers)}{DEAD}/callback"
    url = dead if kind == "dead" else world.host(kind)
    user = world.user
    body = {"channel": user.channel, "replyUrl": url}
    if await world.post("/v2/jobs/info", user, body) == 429:
        await asyncio.sleep(0.2)


async def masks(world: Attackers) -> None:
    """Press buttons with masks of fifty million pixels."""
    user = world.user
    body = {"jobid": user.parent, "button": "U1", "mask": huge_mask()}
    await world.post("/v2/jobs/button", user, body)


async def held_bodies(world: Attackers) -> None:
    """Send all but the end of the largest body."""
    reader, writer = await world.connect()
    try:
        size = _BIG + 500_000
        head = (
            f"POST /v2/jobs/describe HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n"
            f"Authorization: Bearer {world.user.token}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="describeFile"; filename="a.png"\r\n\r\n'
        )
        await world.send(writer, head.encode(), 1)
        for _ in range(_BIG >> 16):
            await world.send(writer, bytes(1 << 16))
        async with asyncio.timeout(40):
            await reader.read()
    finally:
        writer.transport.abort()


async def charsets(world: Attackers) -> None:
    """Forms in charsets that nobody has heard of, of the form and of its parts."""
    name = f"{next(world.numbers)}-" + "x" * 12_000
    part = f"Content-Type: text/plain; charset={name}"
    body = f'--b\r\nContent-Disposition: form-data; name="prompt"\r\n{part}\r\n\r\ncat\r\n--b--\r\n'
    for kind in (
        f"multipart/form-data; boundary=b; charset={name}",
        "multipart/form-data; boundary=b",
    ):
        headers = {"Content-Type": kind}
        await world.ask("POST", "/v2/jobs/imagine", world.user, body.encode(), **headers)


async def wide_json(world: Attackers) -> None:
    """JSON that is small as text and large as objects."""
    body = b'{"prompt":[' + b"{}," * 340_000 + b'{}],"channel":"1"}'
    await world.ask("POST", "/v2/jobs/imagine", world.user, body)
    many = ",".join(f'"{number}":[]' for number in range(90_000))
    await world.ask("POST", "/v2/jobs/imagine", world.user, b"{%b}" % many.encode())


async def unreadable_urls(world: Attackers) -> None:
    """URLs that are refused or lead nowhere, each worth a line in the log."""
    for url in ("http://169.254.169.254/x.png", "http://127.0.0.1:9/x.png"):
        await world.post("/v2/jobs/describe", world.user, {"describeUrl": url})


async def taken_back(world: Attackers) -> None:
    """Ask for jobs and cancel them at once, to fill the database."""
    user = world.user
    body = {"prompt": f"cat {next(world.numbers)}"}
    asking = asyncio.ensure_future(world.post("/v2/jobs/imagine", user, body))
    _, listed = await world.ask("GET", "/v2/jobs", user)
    with contextlib.suppress(msgspec.DecodeError):
        for jobid in msgspec.json.decode(listed, type=list[str])[:3]:
            await world.ask("GET", f"/v2/jobs/cancel?jobid={jobid}", user)
    await asking


async def new_tokens(world: Attackers) -> None:
    """Have token after token tried at Discord."""
    head = base64.urlsafe_b64encode(str(10**17 + next(world.numbers)).encode()).decode().rstrip("=")
    await world.post("/v2/account/midjourney", world.user, {"discord": f"{head}.GabCde.{'s' * 38}"})


ATTACKS: Sequence[tuple[Attack, int]] = (
    (pipelining, 4),
    (trailers, 4),
    (heads, 150),
    (deaf, 100),
    (idle, 200),
    (bad_tokens, 2),
    (interim, 6),
    (large_pictures, 1),
    (dead_names, 20),
    (hung_receivers, 60),
    (masks, 60),
    (held_bodies, 60),
    (charsets, 2),
    (wide_json, 4),
    (unreadable_urls, 2),
    (taken_back, 4),
    (new_tokens, 1),
)
"""Each attack, and how often it runs at once."""


@cache
def huge_mask() -> str:
    """Return a mask of 7000 x 7100 pixels in base64."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 4 * 7000)
    pixels = b"".join([packer.compress(row) for _ in range(7100)]) + packer.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    head = pack(">IIBBBBB", 7000, 7100, 8, 6, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


async def _serve(world: Attackers) -> asyncio.Server:
    """Be the hosts that our URLs name."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            line = await reader.readline()
            if b"/large" in line:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % _BIG)
                for _ in range(_BIG >> 16):
                    writer.write(bytes(1 << 16))
                    await writer.drain()
            elif b"/interim" in line:
                while True:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
                    await writer.drain()
                    await asyncio.sleep(0)
            else:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=1000)
    world.hosts_port = server.sockets[0].getsockname()[1]
    return server


async def _again(world: Attackers, attack: Attack, ends_at: float) -> None:
    _attack_now.set(attack.__name__)
    while time.monotonic() < ends_at:
        began = time.monotonic()
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            await attack(world)
        if time.monotonic() - began < 0.01:
            await asyncio.sleep(0.01)


async def _attack(orders: Orders) -> Report:
    world = Attackers(orders)
    huge_mask()
    hosts = await _serve(world)
    began = time.monotonic()
    ends_at = began + orders.seconds
    running = [
        asyncio.create_task(_again(world, attack, ends_at))
        for attack, count in ATTACKS
        if not orders.only or attack.__name__ in orders.only
        for _ in range(count)
    ]
    await asyncio.sleep(orders.seconds)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    took = time.monotonic() - began
    hosts.close()
    total = world.requests.total()
    return Report(took, total, world.sent / 1e6, dict(world.answers), dict(world.requests))


def main() -> None:
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    print(json.dumps(msgspec.to_builtins(asyncio.run(_attack(orders)))), flush=True)


if __name__ == "__main__":
    main()
