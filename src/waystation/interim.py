"""Interim: how many interim answers (1xx) a host may send before its answer (R43).

How it works: aiohttp reads interim answers in a loop that never waits while more are there, so a
host that sends them without end holds up everybody. The protocol of each connection counts them
and closes the connection. aiohttp parses all that one read brings before it counts, so a read with
many heads in it is handed on in pieces. ADR 14 says why the connector's factory is replaced.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

__all__ = ["MAX_INTERIM", "Connector", "Counting"]

MAX_INTERIM: Final = 16
"""Before one answer. Our choice; a host has a use for two."""

_VERSION: Final = b"HTTP/"
"""Every head begins with it, so that counting it bounds the heads in some bytes."""

_PIECE_BYTES: Final = 256
"""Holds few more than `MAX_INTERIM` heads: the shortest has 16 bytes."""


class Connector(aiohttp.TCPConnector):
    """A connector whose connections bear few interim answers.

    A request to a host that sends more fails with `aiohttp.ClientError`.
    """

    def __init__(self, **options: Any) -> None:
        """Args: options: those of `aiohttp.TCPConnector`."""
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(Counting, loop=self._loop))


class Counting(ResponseHandler):
    """A connection that bears few interim answers."""

    _interim = 0

    def data_received(self, data: bytes) -> None:
        """Take what was read; parsed, a head has forty times its bytes."""
        if data.count(_VERSION) <= MAX_INTERIM:
            super().data_received(data)
            return
        for at in range(0, len(data), _PIECE_BYTES):
            if self.exception() is not None:
                return
            super().data_received(data[at : at + _PIECE_BYTES])

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take a message; called by aiohttp for each head that was parsed."""
        code = data[0].code
        self._interim = self._interim + 1 if 100 <= code < 200 and code != 101 else 0
        if self.exception() is not None:
            return
        if self._interim > MAX_INTERIM:
            self.set_exception(aiohttp.ClientPayloadError("too many interim answers"))
            if self.transport is not None:
                self.transport.close()
            return
        super().feed_data(data, size)
