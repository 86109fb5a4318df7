"""Resource: one path, its methods, and what every answer has in common.

How it works: a resource names the request, calls the handler, turns every error into an answer
(the only place that does), and sends it. A handler takes a `Call` and returns an `Answer`; it never
touches ASGI.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from waystation import sentences
from waystation.api.answer import Answer, Stream, error_answer, refusal
from waystation.api.body import HungUp, Limits, TooSlow
from waystation.api.call import Call
from waystation.api.problem import asks_for_problems, problem
from waystation.errors import WaystationError
from waystation.ports import User
from waystation.shares import Shares

__all__ = ["Handler", "Path", "Resource", "Surroundings", "UserHandler"]

Handler = Callable[[Call], Awaitable[Answer]]

UserHandler = Callable[[Call, User], Awaitable[Answer]]

Sent = list[tuple[bytes, bytes]]
"""Headers of an answer on its way out."""

_log = structlog.get_logger(__name__)

_TRACE_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""The form of a `traceparent` (W3C Trace Context, 3.2.2)."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
"""The form of a caller's request id that is echoed: it cannot forge a header or a log line."""


@dataclass(frozen=True, slots=True)
class Path:
    """One row of the route table: a path template and a handler per method.

    `head`: whether HEAD may stand for GET; not where GET changes something.
    """

    template: str
    methods: Mapping[str, Handler]
    head: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts that all resources of an application share."""

    limits: Limits
    new_request_id: Callable[[], str]
    answered: Counter[int] = field(default_factory=Counter)
    """How often each HTTP status was answered since the start."""
    shares: Shares = field(init=False)
    """Bytes of bodies under way."""

    def __post_init__(self) -> None:
        limits = self.limits
        shares = Shares(limits.share_bytes, limits.bytes_in_all, limits.waiting)
        object.__setattr__(self, "shares", shares)


class Resource:
    """An ASGI endpoint for one path; without a path it answers 404."""

    def __init__(self, path: Path | None, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._methods = dict(path.methods) if path else {}
        if path and path.head and "GET" in self._methods:
            self._methods["HEAD"] = self._methods["GET"]
        self._allow = ", ".join(sorted({*self._methods, "OPTIONS"})).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        call = Call(scope, receive, self._surroundings.limits, self._surroundings.shares)
        request_id = self._name(call)
        try:
            answer = await self._answer(call, scope["method"], request_id)
        except HungUp:
            return
        finally:
            await call.let_go()
        if answer.status >= 400 and asks_for_problems(call.header(b"accept")):
            answer = problem(answer)
        headers = [*answer.headers, (b"x-request-id", request_id.encode())]
        if answer.status == 408 or not await call.discard_body():
            headers.append((b"connection", b"close"))
        if answer.stream is not None:
            headers.append((b"content-type", answer.content_type))
            await self._send_stream(call, answer, answer.stream, headers, send)
            return
        if answer.body:
            headers.append((b"content-type", answer.content_type))
            headers.append((b"content-length", b"%d" % len(answer.body)))
        self._surroundings.answered[answer.status] += 1
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    async def _send_stream(
        self, call: Call, answer: Answer, stream: Stream, headers: Sent, send: Send
    ) -> None:
        """Send a body piece by piece until it ends or the caller has gone."""
        self._surroundings.answered[answer.status] += 1

        async def pieces() -> None:
            start = {"type": "http.response.start", "status": answer.status, "headers": headers}
            await send(start)
            if call.method != "HEAD":
                async with aclosing(stream.chunks()) as chunks:
                    async for chunk in chunks:
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        try:
            with contextlib.suppress(HungUp):
                await call.unless_gone(pieces())
        except WaystationError as error:
            # the head has gone out: the server cuts the connection, so that its reader knows
            _log.info("request.cut_short", reason=error.message)
        finally:
            await stream.close()

    def _name(self, call: Call) -> str:
        given = call.header(b"x-request-id")
        usable = given is not None and _REQUEST_ID.fullmatch(given)
        request_id = given if given and usable else self._surroundings.new_request_id()
        bind_contextvars(request_id=request_id)
        trace = _TRACE_PARENT.fullmatch(call.header(b"traceparent") or "")
        if trace is not None:
            bind_contextvars(trace_id=trace[1])
        return request_id

    async def _answer(self, call: Call, method: str, request_id: str) -> Answer:
        try:
            return await self._dispatch(call, method)
        except TooSlow:
            return refusal(408, sentences.SLOW_BODY.text)
        except HungUp:
            raise
        except WaystationError as error:
            if error.status_hint != 500:
                return error_answer(error)
            return _broken(request_id)
        except Exception:  # the last place where a bug can become an answer
            return _broken(request_id)

    async def _dispatch(self, call: Call, method: str) -> Answer:
        if not call.path_is_text:
            return refusal(400, sentences.CONTROL_CHARACTER.text)
        handler = self._methods.get(method)
        if handler is not None:
            return await handler(call)
        if not self._methods:
            return refusal(404, sentences.NO_PATH.text)
        allow = ((b"allow", self._allow),)
        if method == "OPTIONS":
            return Answer(204, headers=allow)
        return refusal(405, "Method not allowed", headers=allow)


def _broken(request_id: str) -> Answer:
    """Log the exception at hand; the caller learns only where to look for it."""
    _log.exception("request.broken", request_id=request_id)
    return refusal(500, sentences.OWN_FAULT.text, details=f"Request {request_id}")
