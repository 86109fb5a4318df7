"""Connection: one websocket of a gateway session, from its opening to its end.

How it works: two tasks share the pure session machine. One reads frames, the other sleeps until the
machine wants to be woken, for heartbeats and deadlines; both do what the machine answers. HELLO is
the only frame that makes the next wake-up earlier, so it is the only one that restarts the second
task. The socket is always closed with a code that keeps the session resumable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from waystation.discord.inflate import MAX_MESSAGE_BYTES, Inflater
from waystation.discord.session import RESUMABLE_CLOSE, GatewaySession, Step
from waystation.discord.site import Site
from waystation.errors import RemoteProtocolError
from waystation.reasons import why
from waystation.wire.gateway import Frame, Opcode

__all__ = ["CLOSE_WAIT_S", "Closed", "Connection"]

CLOSE_WAIT_S: Final = 1.0
"""How long Discord may take to answer our close frame; `Transport.close` ends within two."""

_OPEN_LIMIT_S: Final = 20.0
_UPGRADE_REFUSED: Final = frozenset({400, 404, 406, 426})
"""Statuses with which a server turns down the URL itself, its compression included."""

_decode = msgspec.json.Decoder(Frame).decode
_Socket = aiohttp.ClientWebSocketResponse[bool]


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended.

    `unreadable`: what was received, or the refusal to upgrade, speaks against the compression.
    """

    close_code: int | None
    reason: str | None = None
    unreadable: bool = False


class Connection:
    """One websocket.

    Args:
        take: gets every step that hands something up, in order; may wait
        may_identify: called before each IDENTIFY; False ends the connection instead
    """

    def __init__(
        self,
        site: Site,
        machine: GatewaySession,
        inflater: Inflater,
        take: Callable[[Step], Awaitable[None]],
        may_identify: Callable[[], Awaitable[bool]],
    ) -> None:
        self._site = site
        self._machine = machine
        self._inflater = inflater
        self._take = take
        self._may_identify = may_identify

    async def run(self, url: URL) -> Closed:
        """Open the socket and serve it until it ends. The caller reports the end to the machine."""
        try:
            socket = await self._open(url)
        except aiohttp.WSServerHandshakeError as error:
            refused = error.status in _UPGRADE_REFUSED
            return Closed(None, f"no gateway: HTTP status {error.status}", refused)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Closed(None, f"no connection: {why(error)}")
        self._machine.opened(self._site.clock.monotonic(), self._site.ids.fraction())
        try:
            return await self._serve(socket)
        finally:
            await socket.close(code=RESUMABLE_CLOSE)

    async def _open(self, url: URL) -> _Socket:
        async with asyncio.timeout(_OPEN_LIMIT_S):
            return await self._site.http.ws_connect(
                url,
                headers={"User-Agent": self._site.user_agent},
                autoclose=False,
                decode_text=False,
                max_msg_size=MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WAIT_S),
            )

    async def _serve(self, socket: _Socket) -> Closed:
        async with asyncio.TaskGroup() as tasks:
            alarm = tasks.create_task(self._keep_time(socket))
            try:
                while (frame := await self._next_frame(socket)) is not None:
                    step = self._machine.received(frame, self._site.clock.monotonic())
                    await self._do(socket, step)
                    if frame.op == Opcode.HELLO:
                        alarm.cancel()
                        alarm = tasks.create_task(self._keep_time(socket))
                    # else a READY of some 100 kB is held until the next frame comes
                    del step, frame
            except RemoteProtocolError as error:
                return Closed(socket.close_code, error.message, unreadable=True)
            finally:
                alarm.cancel()
        return Closed(socket.close_code)

    async def _next_frame(self, socket: _Socket) -> Frame | None:
        """Return the next gateway frame, None at the end. Raises: RemoteProtocolError."""
        while True:
            received = await socket.receive()
            if received.type is aiohttp.WSMsgType.BINARY:
                data = self._inflater.inflate(received.data)
            elif received.type is aiohttp.WSMsgType.TEXT:
                data = received.data
            else:
                return None
            if data is not None:
                return _read(data)

    async def _keep_time(self, socket: _Socket) -> None:
        while (wake_at := self._machine.wake_at) is not None:
            await self._site.clock.sleep(wake_at - self._site.clock.monotonic())
            await self._do(socket, self._machine.woken(self._site.clock.monotonic()))

    async def _do(self, socket: _Socket, step: Step) -> None:
        if step.identifies and not await self._may_identify():
            await socket.close(code=RESUMABLE_CLOSE)
        elif step.send is not None:
            try:
                await socket.send_str(step.send.decode())
            except (aiohttp.ClientError, ConnectionError):
                # the socket is going; reading it tells how
                pass
        if step.dispatch is not None:
            await self._take(step)
        if step.close:
            await socket.close(code=RESUMABLE_CLOSE)


def _read(data: bytes) -> Frame:
    try:
        return _decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise RemoteProtocolError("Discord sent an unreadable gateway frame") from error
