"""Load: a child that sends one GET over and over on several connections.

It writes prebuilt bytes and counts bytes, no more: every answer has the length of the first, so it
never becomes the slower side.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.children import Order, obey
from benchmarks.figures import percentile

__all__: list[str] = []


class _Caller(asyncio.Protocol):
    """One connection with one request in flight."""

    transport: asyncio.Transport

    def __init__(self, request: bytes, answer_bytes: int, took_s: list[float]) -> None:
        self._request = request
        self._answer_bytes = answer_bytes
        self._took_s = took_s
        self._got_bytes = 0
        self._sent_at = 0.0
        self.broken: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._got_bytes == 0 and not data.startswith(b"HTTP/1.1 200"):
            self.broken = data[:200].decode("latin-1")
        self._got_bytes += len(data)
        if self._got_bytes >= self._answer_bytes:
            if self._got_bytes > self._answer_bytes:
                self.broken = "an answer of another length"
            self._took_s.append(time.perf_counter() - self._sent_at)
            self._got_bytes = 0
            self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self.transport.write(self._request)


async def _run(order: Order) -> Order:
    """Send for some seconds; the answer tells how many and how long each took."""
    parts = urlsplit(order["url"])
    host, port = parts.hostname or "", parts.port or 80
    request = _request(order)
    answer_bytes = await _measure(host, port, request)
    took_s: list[float] = []
    loop = asyncio.get_running_loop()
    callers = []
    for _ in range(order["connections"]):
        _, caller = await loop.create_connection(
            lambda: _Caller(request, answer_bytes, took_s), host, port
        )
        callers.append(caller)
    took_s.clear()
    began = time.perf_counter()
    await asyncio.sleep(order["seconds"])
    seconds, requests = time.perf_counter() - began, len(took_s)
    for caller in callers:
        caller.transport.abort()
        if caller.broken:
            raise RuntimeError(caller.broken)
    return _summary(requests, seconds, took_s) | {"answer_bytes": answer_bytes}


def _summary(requests: int, seconds: float, took_s: list[float]) -> dict[str, Any]:
    return {
        "per_s": requests / seconds,
        "requests": requests,
        "p50_ms": 1000 * percentile(took_s, 50),
        "p99_ms": 1000 * percentile(took_s, 99),
    }


def _request(order: Order) -> bytes:
    parts = urlsplit(order["url"])
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    head = (
        f"GET {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer {order['token']}",
        "Accept: application/json",
    )
    return "\r\n".join((*head, "", "")).encode()


async def _measure(host: str, port: int, request: bytes) -> int:
    """Return how many bytes one whole answer has."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    length = int(fields[b"content-length"])
    await reader.readexactly(length)
    writer.close()
    return len(head) + length


if __name__ == "__main__":
    uvloop.run(obey(_run))
