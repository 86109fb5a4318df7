"""Straight: `GET /v2/jobs/?jobid=` answered inside the parser's callback, without a task.

How it works: callers poll this path far more often than they ask for anything else, and its reads
wait for nothing. `Straight` answers the plain request of a known caller for a job of their own.
Everything else returns None and goes the usual way through `asgi`, which alone knows refusals.

Rules: an answer equals the usual one byte for byte, but for the request id. Nothing is remembered
that the store could have changed meanwhile: user, version and children are read each time.

Source: docs/adr/0013-a-straight-way-to-a-job.md
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from waystation.api.forms import Forms
from waystation.engine.service import Service

__all__ = ["Straight", "StraightProtocol"]

_TARGETS: Final = (b"/v2/jobs/?jobid=", b"/v2/jobs?jobid=")

_USUAL_WAY: Final = frozenset(
    {
        b"content-length",
        b"expect",
        b"origin",
        b"prefer",
        b"transfer-encoding",
        b"upgrade",
        b"x-request-id",
    }
)
"""Headers that ask for more than a job: a body, another protocol, CORS, a name for the request."""

Headers = Sequence[tuple[bytes, bytes]]


class Straight:
    """Answers plain reads of a job at once."""

    def __init__(
        self,
        service: Service,
        forms: Forms,
        new_request_id: Callable[[], str],
        answered: Counter[int],
    ) -> None:
        self._service = service
        self._forms = forms
        self._new_request_id = new_request_id
        self._answered = answered

    def answer(self, target: bytes, headers: Headers) -> bytes | None:
        """Return the end of an HTTP response of status 200, from its own headers on.

        Args: target: path and query as sent; headers: names in lower case
        Returns: None when the request must go the usual way
        """
        jobid = _jobid(target)
        authorization = _authorization(headers)
        if jobid is None or authorization is None:
            return None
        found = self._service.reads.glance(authorization, jobid)
        if found is None:
            return None
        if found[0].waiting:
            # its place in the queue is read beside it
            return None
        body = self._forms.of(*found).body
        if not self._service.reads.links_work(body):
            return None
        self._answered[200] += 1
        request_id = self._new_request_id().encode()
        return (
            b"x-request-id: %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (request_id, len(body), body)
        )


def _jobid(target: bytes) -> str | None:
    """Return the jobid that is the whole query, None when anything in it must be undone first."""
    for beginning in _TARGETS:
        if target.startswith(beginning):
            value = target[len(beginning) :]
            plain = value.isascii() and not any(sign in value for sign in b"%+&#")
            return value.decode() if value and plain else None
    return None


def _authorization(headers: Headers) -> str | None:
    """Return what the caller says who it is; None when any header asks for more than a read."""
    found = None
    for name, value in headers:
        if name == b"authorization":
            found = value if found is None else found
        elif name in _USUAL_WAY or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
    return None if found is None else found.decode("latin-1")


class StraightProtocol(HttpToolsProtocol):
    """uvicorn's HTTP parser, which asks `straight` before it makes a task for a request."""

    straight: Straight | None = None
    _answered: bool = False

    @property
    def is_free(self) -> bool:
        """Tell whether no request of this connection is being answered."""
        # uvicorn declares the cycle as always there, but starts without one
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]

    def on_headers_complete(self) -> None:
        """Answer at once when that is possible; else let uvicorn go on."""
        self._answered = self._answer()
        if not self._answered:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request; one that was answered at once has no cycle of uvicorn's."""
        if self._answered:
            self._answered = False
            self.answered_at_once()
        else:
            super().on_message_complete()

    def answered_at_once(self) -> None:
        """Wait for the next request: as after any answer, but no request waits behind this one."""
        HttpToolsProtocol.on_response_complete(self)

    def _answer(self) -> bool:
        if self.straight is None or not self.is_free or self.pipeline or self.flow.write_paused:
            return False
        if self.parser.get_method() != b"GET" or self.parser.get_http_version() != "1.1":
            return False
        end = self.straight.answer(self.url, self.headers)
        if end is None:
            return False
        head = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in self.server_state.default_headers:
            head += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*head, end)))
        return True
