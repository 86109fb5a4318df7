"""Kept: connections to hosts of pictures, kept a while for the next picture (ADR 33).

Rules: few are kept, of all hosts together. A kept connection on which its host says something that
nobody asked for is closed: its words would fill the memory, and be the answer to the next request.
The guard has passed the address of each; a name that has another address meanwhile changes nothing
for a connection that stands.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, cast

from aiohttp.client_proto import ResponseHandler

from waystation.interim import Connector, Counting

__all__ = ["KEPT_S", "MAX_KEPT", "KeepingConnector"]

MAX_KEPT: Final = 16
"""Idle connections: as many as pictures are fetched at once by default."""

KEPT_S: Final = 15.0
"""How long one may be idle."""


class KeepingConnector(Connector):
    """A connector that keeps few connections, and none whose host speaks unasked."""

    def __init__(self, **options: Any) -> None:
        """Args: options: those of `aiohttp.TCPConnector`."""
        super().__init__(keepalive_timeout=KEPT_S, **options)
        self._factory = cast("partial[ResponseHandler]", partial(_Kept, loop=self._loop))

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        """Keep a connection or close it; called by aiohttp when an answer has ended."""
        full = sum(len(kept) for kept in self._conns.values()) >= MAX_KEPT
        protocol.is_idle = True
        super()._release(key, protocol, should_close=should_close or full)


class _Kept(Counting):
    is_idle = False

    def set_response_params(self, **params: Any) -> None:
        """Expect an answer; called by aiohttp before each request."""
        self.is_idle = False
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Take what was read; nothing is due between two requests."""
        if not self.is_idle or not data:
            # aiohttp calls it without data where it reads on after a pause
            super().data_received(data)
        elif self.transport is not None:
            self.transport.abort()
