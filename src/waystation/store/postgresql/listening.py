"""PostgresWakes: news between nodes by LISTEN and NOTIFY (ADR 28).

How it works: one connection listens, and notifies itself every ten seconds: a connection that has
died without a word does not hear that, and is given up. A new one wakes for everything once, since
nobody knows what was missed. Another connection tells what was committed, collected for ten
milliseconds: NOTIFY takes a lock of the whole database.

Rules: neither connection carries anything else, and a pooler must not stand before the listening
one. Nothing is lost with what is not heard: who waits looks at the rows, too.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import asyncpg
import structlog

from waystation.ports import Clock, IdSource
from waystation.ports.wakes import Heard
from waystation.store.postgresql.tries import UNUSABLE

__all__ = ["BEAT_S", "PostgresWakes", "payloads"]

log = structlog.get_logger("waystation.wakes")

CHANNEL: Final = "waystation"

BEAT_S: Final = 10.0
"""Time between two notes of a listening connection to itself."""

_BEAT_WITHIN_S: Final = 5.0
"""A note to itself that takes longer than this is lost, and the connection with it."""

_CONNECT_TIMEOUT_S: Final = 10.0
_TELL_TIMEOUT_S: Final = 5.0

_FLUSH_TIMEOUT_S: Final = 2.0
"""How long a process that ends waits for what it has told to leave."""

_AGAIN_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Waits before a new connection, by failures in a row, half of each by chance; the last repeats."""

_COLLECTED_S: Final = 0.01
"""How long ids are collected that are told together."""

_MOST_BYTES: Final = 7_900
"""Of one notification; the server refuses 8,000."""

_MOST_TOLD: Final = 1_000
"""Ids that are told at once; of more, the others hear that anything may have changed."""

_KEEPALIVE = ((4, 10), (5, 5), (6, 3))
"""TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT of Linux: seconds, seconds, tries."""


def payloads(sender: str, ids: list[str]) -> list[str]:
    """Return notifications that name ids: the sender's id, then one id a line; no id: anything."""
    if len(ids) > _MOST_TOLD:
        return [sender]
    made, line = [], sender
    for one in ids:
        if len(line.encode()) + len(one.encode()) + 1 > _MOST_BYTES:
            made.append(line)
            line = sender
        line += f"\n{one}"
    return [*made, line]


class PostgresWakes:
    """`ports.Wakes` on a database. Args: url: to listen at, without a pooler; None: only tell"""

    def __init__(self, listen_url: str | None, tell_url: str, clock: Clock, ids: IdSource) -> None:
        self._listen_url = listen_url
        self._tell_url = tell_url
        self._clock = clock
        self._ids = ids
        self._me = ids.token(9)
        self._told: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._left = asyncio.Event()
        """Set while nothing is to be told."""
        self._left.set()
        self.silent_since: datetime | None = clock.now()

    @property
    def listens(self) -> bool:
        return self._listen_url is not None

    def tell(self, *ids: str) -> None:
        self._told.update(dict.fromkeys(ids))
        self._left.clear()
        self._woken.set()

    async def flush(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                await self._left.wait()

    async def run(self, heard: Heard) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_on())
            if self._listen_url is not None:
                group.create_task(self._listen_on(self._listen_url, heard))

    # ── hearing ──

    async def _listen_on(self, url: str, heard: Heard) -> None:
        failures = 0
        while True:
            try:
                await self._listen(url, heard)
            except UNUSABLE as error:
                failures = failures + 1 if self.silent_since else 1
                self.silent_since = self.silent_since or self._clock.now()
                log.warning("wakes.deaf", reason=str(error) or type(error).__name__)
                await self._clock.sleep(self._wait_s(failures))

    async def _listen(self, url: str, heard: Heard) -> None:
        """Listen until the connection breaks. Raises: errors of `UNUSABLE`"""
        connection = await _connect(url)
        beats = f"{CHANNEL}_{self._ids.token(9)}"
        beat, lost = asyncio.Event(), asyncio.Event()
        try:
            _keep_alive(connection)
            connection.add_termination_listener(lambda _: lost.set())
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await connection.add_listener(beats, lambda *_: beat.set())
                await connection.add_listener(CHANNEL, self._taking(heard))
            while True:
                beat.clear()
                async with asyncio.timeout(_BEAT_WITHIN_S):
                    await connection.execute("select pg_notify($1, '')", beats)
                    await beat.wait()
                if self.silent_since is not None:
                    self.silent_since = None
                    log.info("wakes.hears")
                    heard(None)
                waits = [asyncio.ensure_future(one) for one in (lost.wait(), self._pause())]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in waits:
                        one.cancel()
                if lost.is_set():
                    raise ConnectionResetError("The server has ended the connection.")
        finally:
            connection.terminate()

    def _taking(self, heard: Heard) -> Callable[..., None]:
        def take(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            sender, *ids = payload.split("\n")
            if sender != self._me:
                heard(ids or None)

        return take

    async def _pause(self) -> None:
        await self._clock.sleep(BEAT_S)

    # ── telling ──

    async def _tell_on(self) -> None:
        """Tell what was committed; what cannot be told is found by those who look."""
        failures, connection = 0, None
        try:
            while True:
                await self._woken.wait()
                await self._clock.sleep(_COLLECTED_S)
                self._woken.clear()
                told, self._told = list(self._told), {}
                try:
                    connection = connection or await _connect(self._tell_url)
                    async with asyncio.timeout(_TELL_TIMEOUT_S):
                        for text in payloads(self._me, told):
                            await connection.execute("select pg_notify($1, $2)", CHANNEL, text)
                    failures = 0
                    if not self._told:
                        self._left.set()
                except UNUSABLE as error:
                    failures += 1
                    log.warning("wakes.not_told", reason=str(error) or type(error).__name__)
                    if connection is not None:
                        connection.terminate()
                        connection = None
                    await self._clock.sleep(self._wait_s(failures))
        finally:
            if connection is not None:
                connection.terminate()

    def _wait_s(self, failures: int) -> float:
        wait_s = _AGAIN_S[min(failures, len(_AGAIN_S)) - 1]
        return wait_s * (0.5 + self._ids.fraction() / 2)


async def _connect(url: str) -> Any:
    # nothing is prepared: a pooler may stand before the telling one
    return await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S, statement_cache_size=0)


def _keep_alive(connection: Any) -> None:
    """Let the system notice a peer that is gone; asyncpg tells its socket by its transport."""
    held = connection._transport.get_extra_info("socket")
    if held is None or held.family == socket.AF_UNIX:
        return
    held.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    with suppress(OSError):
        for option, value in _KEEPALIVE:
            held.setsockopt(socket.IPPROTO_TCP, option, value)
