"""Protocol: uvicorn's HTTP parser with bounds on everything that one connection can hold.

How it works: uvicorn parses whatever a read brings, up to 256 KiB with uvloop, so a read of small
requests becomes thousands of waiting ones, and it reads on after each answer. Here a read brings at
most `READ_BYTES`, and bytes are parsed in pieces of at most
`QUEUED` requests, the next piece only when no request waits behind the running one; until then
reading is paused, so the rest stays with the caller. Trailers are dropped. Bytes that complete no
head and carry no body are counted, and a clock runs from the first byte of a head to its end; both
have limits, and so has the number of headers, because a small one costs forty times its bytes.
Answers that stay unread end the connection.

A head beyond a limit is answered 431, or 414 where most of it is the URL, if its caller waits for
no other answer of the connection. What still comes of it is dropped for a while: a connection that
is closed with bytes unread is reset, and the answer with it. A connection that breaks another limit
is cut without an answer: nobody is there to read it.

Connections are counted by address too, so that one address cannot take all; a reverse proxy brings
those of everybody and is not counted.

Source: R43
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from waystation.api.answer import refusal
from waystation.api.straight import Straight, StraightProtocol
from waystation.engine.logins import place_of
from waystation.shares import Held

__all__ = ["QUEUED", "UNASKED_BYTES", "Bounds", "bounded_protocol"]

Network = IPv4Network | IPv6Network

QUEUED: Final = 16
"""Requests of one connection that wait behind the running one."""

_PIECE_BYTES: Final = 256
"""Holds fewer than `QUEUED` requests: the shortest that is HTTP/1.1 has 18 bytes."""

_MOST_BYTES: Final = 1 << 14
"""Parsed at once where fewer than `QUEUED` requests can be in it."""

READ_BYTES: Final = _MOST_BYTES
"""Read of a connection at once."""

DROPPED_BYTES: Final = 1 << 20
"""Of one connection, read and dropped after its request was refused for its head."""

UNASKED_BYTES: Final = HIGH_WATER_LIMIT + 2 * READ_BYTES
"""Of one connection, read before anybody asked for it: a body up to the mark at which reading
pauses, the piece that passes the mark, and what came with it."""

_LINES: Final = {
    400: "400 Bad Request",
    414: "414 URI Too Long",
    431: "431 Request Header Fields Too Large",
}

_VERSION: Final = b"HTTP/"
"""Every request line ends with it, so that counting it bounds the requests in some bytes."""

_quiet = logging.getLogger("waystation.http")
_quiet.setLevel(logging.ERROR)  # uvicorn warns of every bad request: a log line for any stranger


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one connection; times in seconds."""

    head_s: float
    """From the first byte of a head to its end."""
    head_bytes: int = 1 << 15
    """Bytes that end no head and carry no body: heads, trailers. Jobids and tokens are short, and
    proxies add a few hundred bytes."""
    headers: int = 128
    """Headers of one request; browsers and proxies send some thirty."""
    unread_s: float = 30.0
    """How long after its last answer a caller may leave some of it unread."""
    connections: int = 2048
    """Connections in all."""
    connections_of_address: int = 256
    """Connections of one address, of IPv6 of one /64."""
    proxies: Sequence[Network] = ()
    """Networks whose connections count only in all."""


def bounded_protocol(bounds: Bounds, straight: Straight | None = None) -> type[HttpToolsProtocol]:
    """Return the class to give to uvicorn as `http`.

    Args: straight: answers what needs no task; None: every request goes through the application
    """
    kept, given, counted = bounds, straight, Held[str]()

    class BoundedProtocol(_BoundedProtocol):
        bounds = kept
        straight = given
        places = counted

    return BoundedProtocol


class _HeadTooLarge(Exception):
    """Ends the parsing of a head in the middle of it."""


class _Logger(logging.LoggerAdapter[logging.Logger]):
    """Log of one connection: uvicorn's words, but for failures to answer a caller who has gone."""

    def __init__(self, protocol: _BoundedProtocol) -> None:
        super().__init__(_quiet)
        self._protocol = protocol

    @property
    def level(self) -> int:
        """The level of the logger below."""
        return self.logger.level

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log, unless the connection is going: any stranger could fill the log so."""
        if not self._protocol.transport.is_closing():
            super().log(level, msg, *args, **kwargs)


class _Gate(FlowControl):
    """Flow control that does not resume reading while bytes are held back."""

    shut = False

    def resume_reading(self) -> None:
        if not self.shut:
            super().resume_reading()


class _SmallReads(asyncio.BufferedProtocol):
    """Hands a protocol what is read, little at a time; all connections are read into one buffer."""

    _buffer: Final = memoryview(bytearray(READ_BYTES))

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol

    def eof_received(self) -> None:
        self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._protocol.data_received(bytes(self._buffer[:nbytes]))


class _BoundedProtocol(StraightProtocol):
    bounds: Bounds
    places: Held[str]
    """Place of a caller → connections; of all connections of a server together."""
    flow: _Gate
    url: bytes = b""
    _held: bytes = b""
    """Read but not parsed yet."""
    _head_complete: bool = False
    _refused: str = ""
    """Reason why the head that is being parsed is refused."""
    _dropped: int = 0
    """Bytes that came after that."""
    _idle_bytes: int = 0
    """Bytes parsed since the last end of a head or piece of a body."""
    _waiting_since: float | None = None
    _answered_at: float = 0.0
    _unread_since: float | None = None
    """Since when some of an answer that is still being sent was found unread at each look."""
    _place: str = ""
    _watch: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _Logger(self)  # type: ignore[assignment]  # all of it that uvicorn uses

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_protocol(_SmallReads(self))
        self.flow = _Gate(transport)
        self._waiting_since = self._answered_at = self.loop.time()
        self._place = self._counted_place()
        self.places[self._place] += 1
        too_many = self.places[self._place] > self.bounds.connections_of_address
        if len(self.connections) > self.bounds.connections or (self._place and too_many):
            transport.close()
        else:
            self._look_in(min(self.bounds.head_s, self.bounds.unread_s))

    def _counted_place(self) -> str:
        """Return where the caller is; empty for a proxy, and for what has no address."""
        host = self.client[0] if self.client else ""
        try:
            address = ip_address(host)
        except ValueError:
            return ""
        is_proxy = any(address in network for network in self.bounds.proxies)
        return "" if is_proxy else place_of(host)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._held = b""
        self.pipeline.clear()
        self.places.give_back(self._place)
        # each refers to this protocol: without them it goes at once, not when garbage is collected
        self.cycle = None  # type: ignore[assignment]
        self.logger = _quiet
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._drop(data)
            return
        self._held += data
        self._parse_on()

    def _drop(self, data: bytes) -> None:
        self._dropped += len(data)
        if self._dropped > DROPPED_BYTES:
            self.transport.close()

    def resume_writing(self) -> None:
        """Go on: whoever reads a long answer slowly has read some of it."""
        self._answered_at = self.loop.time()
        super().resume_writing()

    def answered_at_once(self) -> None:
        self._answered_at = self.loop.time()
        super().answered_at_once()

    def on_response_complete(self) -> None:
        self._answered_at = self.loop.time()
        super().on_response_complete()
        if self._held:
            self._parse_on()

    def _parse_on(self) -> None:
        """Parse what is held until a request waits behind the running one."""
        data, at = self._held, 0
        while at < len(data) and not (
            self.pipeline or self._refused or self.transport.is_closing()
        ):
            few = data.count(_VERSION, at, at + _MOST_BYTES) < QUEUED
            end = at + (_MOST_BYTES if few else _PIECE_BYTES)
            self._parse(data[at:end])
            at = end
        self._held = b"" if self._refused or self.transport.is_closing() else data[at:]
        was_shut, self.flow.shut = self.flow.shut, bool(self._held)
        if self._held:
            self.flow.pause_reading()
        elif was_shut and not self.pipeline and not self._has_much_of_a_body:
            self.flow.resume_reading()

    @property
    def _has_much_of_a_body(self) -> bool:
        """Tell whether the application must read on first: it says so itself."""
        return not self.is_free and len(self.cycle.body) > HIGH_WATER_LIMIT

    def _parse(self, data: bytes) -> None:
        if self.is_free and self._waiting_since is None:
            self._waiting_since = self.loop.time()
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > self.bounds.head_bytes and not self._refused:
            self._refuse_head(f"The head has more than {self.bounds.head_bytes} bytes")

    def on_message_begin(self) -> None:
        self._head_complete = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_complete or self.transport.is_closing():
            return  # a trailer, or the rest of what was cut
        super().on_header(name, value)
        if len(self.headers) > self.bounds.headers:
            self.headers.clear()
            self._refused = f"The request has more than {self.bounds.headers} headers"
            raise _HeadTooLarge

    def on_headers_complete(self) -> None:
        self._head_complete = True
        self._waiting_since = None
        self._idle_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._idle_bytes = 0
        super().on_body(body)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the request is answered as if it asked for no upgrade."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or a head that was too large to be parsed on."""
        if self._refused:
            self._refuse_head(self._refused)
        else:
            self._refuse(400, msg)
            self.transport.close()

    def _refuse_head(self, reason: str) -> None:
        """Answer a head that is beyond a limit, and drop what comes of it; or cut the connection.

        An answer would be taken for that of an earlier request, or come in the middle of it.
        """
        self._refused = reason
        if self._head_complete or self.pipeline or not self.is_free:
            self.transport.close()
            return
        is_url = len(self.url) > self.bounds.head_bytes // 2
        self._refuse(414 if is_url else 431, reason)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _refuse(self, status: int, reason: str) -> None:
        """Write an answer in the one error shape."""
        body = refusal(status, reason).body
        head = (
            f"HTTP/1.1 {_LINES[status]}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        )
        self.transport.write("\r\n".join((*head, "", "")).encode() + body)

    def _look_in(self, delay_s: float) -> None:
        self._watch = self.loop.call_later(max(delay_s, 0.001), self._look)

    def _look(self) -> None:
        """Cut a connection whose head is late or whose answers stay unread; else look again."""
        now, bounds = self.loop.time(), self.bounds
        since = now if self._waiting_since is None else self._waiting_since
        unread = self.transport.get_write_buffer_size() > 0
        if not unread or self.is_free:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now  # of a stream; its reader may just be reading
        answered = max(self._answered_at, self._unread_since or 0.0) if unread else now
        head_left, unread_left = since + bounds.head_s - now, answered + bounds.unread_s - now
        if unread_left <= 0:
            self.transport.abort()  # closed, it would wait for the caller to read on
            return
        if head_left <= 0:
            self.transport.close()
            head_left = bounds.head_s
        self._look_in(min(head_left, unread_left))
