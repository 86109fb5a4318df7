"""Protocol: uvicorn's HTTP parser with a limit on how slowly and how much head a caller sends.

How it works: uvicorn bounds neither. From the first byte that belongs to no running request until
a request's head is complete, a clock runs and bytes are counted. That also catches a caller that
dribbles the rest of a body after its request was answered. The connection is cut without an answer:
nobody is there to read it.

Source: R43
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from waystation.api.answer import refusal

__all__ = ["bounded_protocol"]

_HEAD_BYTES = 1 << 16
"""Longest head; jobids and tokens are short, proxies add a few hundred bytes."""


def bounded_protocol(
    head_s: float = 10.0, head_bytes: int = _HEAD_BYTES
) -> type[HttpToolsProtocol]:
    """Return the class to give to uvicorn as `http`.

    Args: head_s: how long a head may take; head_bytes: how long it may be
    """

    class BoundedProtocol(_BoundedProtocol):
        pass

    BoundedProtocol.head_s = head_s
    BoundedProtocol.head_bytes = head_bytes
    return BoundedProtocol


class _BoundedProtocol(HttpToolsProtocol):
    head_s: float
    head_bytes: int
    _waiting_since: float | None
    _waiting_bytes: int
    _watch: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        self._waiting_bytes = 0
        self._watch = self.loop.call_later(self.head_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def data_received(self, data: bytes) -> None:
        # uvicorn declares the cycle as always there, but starts without one
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
            if self._waiting_since is None:
                self._waiting_since = self.loop.time()
                self._waiting_bytes = 0
            self._waiting_bytes += len(data)
        super().data_received(data)
        if self._waiting_since is not None and self._waiting_bytes > self.head_bytes:
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._waiting_since = None
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in the one error shape, and close."""
        body = refusal(400, msg).body
        head = (
            "HTTP/1.1 400 Bad Request",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        )
        self.transport.write("\r\n".join((*head, "", "")).encode() + body)
        self.transport.close()

    def _look(self) -> None:
        """Cut the connection if its head is late; look again when the next one could be."""
        now = self.loop.time()
        since = now if self._waiting_since is None else self._waiting_since
        if now - since >= self.head_s:
            self.transport.close()
        else:
            self._watch = self.loop.call_later(since + self.head_s - now, self._look)
