"""Call: what a handler may know of one HTTP request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from waystation import sentences
from waystation.api.body import Body, HungUp, Limits, read_body, weight
from waystation.errors import InvalidRequest, Throttled
from waystation.ports import NO_SPAN, Span
from waystation.shares import Shares

__all__ = ["Call"]

_T = TypeVar("_T")

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""A `Host` header of a name or an address. Source: RFC 9110, section 7.2"""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Call:
    """One HTTP request. Its body is read only when a handler asks for it."""

    __slots__ = (
        *("_body_ended", "_headers", "_held", "_limits", "_receive", "_scope", "_shares"),
        "span",
    )

    def __init__(self, scope: Scope, receive: Receive, limits: Limits, shares: Shares) -> None:
        self._shares = shares
        self._held = AsyncExitStack()
        self._scope = scope
        self._receive = receive
        self._limits = limits
        self._body_ended = False
        self.span: Span = NO_SPAN
        """The span of the request, where it is traced."""
        # of equal names the first counts, as Starlette has it
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    @property
    def peer(self) -> str:
        """The caller's address as text; empty on a Unix socket."""
        client = self._scope.get("client")
        return client[0] if client else ""

    @property
    def origin(self) -> str | None:
        """Scheme and host under which the caller has found us; None where there is no such host.

        The scheme is a trusted proxy's word for it, where one stands between. `X-Forwarded-Host` is
        nobody's: a proxy passes `Host` on.
        """
        host = self.header(b"host") or ""
        scheme: str = self._scope.get("scheme", "http")
        return f"{scheme}://{host}" if _HOST.fullmatch(host) else None

    @property
    def method(self) -> str:
        """The HTTP method."""
        method: str = self._scope["method"]
        return method

    def header(self, name: bytes) -> str | None:
        """Return a header's first value; `name` in lower case."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def every(self, name: bytes) -> str | None:
        """Return all values of a header as one list, None when it is not there."""
        values = [value.decode("latin-1") for key, value in self._scope["headers"] if key == name]
        return ", ".join(values) if values else None

    def query(self, name: bytes) -> str | None:
        """Return a query parameter's first value; None when it is not there.

        Raises: InvalidRequest: it holds a NUL character, which PostgreSQL stores in no text
        """
        for part in self._scope["query_string"].split(b"&"):
            key, _, value = part.partition(b"=")
            if key == name:
                text = _unquoted(value)
                if "\0" in text:
                    raise InvalidRequest(sentences.NUL_IN_QUERY.text)
                return text
        return None

    def path(self, name: str) -> str:
        """Return a parameter of the path; empty where the path has no such one."""
        value: str = self._scope.get("path_params", {}).get(name, "")
        return value

    @property
    def path_is_text(self) -> bool:
        """True when the decoded path is free of control characters.

        A route's pattern ends before a line feed, so that `/metrics%0a` would pass a reverse proxy
        that closes `/metrics`.
        """
        path: str = self._scope["path"]
        return path.isprintable() or _CONTROL.search(path) is None

    async def body(self, user_id: int) -> Body:
        """Read and parse the body, once, within the user's share, which is held until `let_go`.

        Raises: Throttled: the share is full; as `read_body`
        """
        headers = Headers(scope=self._scope)
        size = weight(headers, self._limits)
        if size:
            wish = self._shares.hold(user_id, size, self._limits.body_s)
            try:
                await self._held.enter_async_context(wish)
            except TimeoutError:
                raise Throttled(sentences.LARGE_BODIES.text, retry_after_s=5) from None
        return await read_body(headers, self._tracked, self._limits)

    async def let_go(self) -> None:
        """Give back the user's share: what the body carried is elsewhere, or gone."""
        await self._held.aclose()

    async def unless_gone(self, answering: Awaitable[_T]) -> _T:
        """Return what is awaited; its end is not waited for once the caller has gone.

        Raises: HungUp: the caller has gone
        """
        waited, gone = asyncio.ensure_future(answering), asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait((waited, gone), return_when=asyncio.FIRST_COMPLETED)
            if not waited.done():
                raise HungUp
            return waited.result()
        finally:
            waited.cancel()
            gone.cancel()
            await asyncio.gather(waited, gone, return_exceptions=True)

    async def _gone(self) -> None:
        """Return when the caller has closed the connection."""
        while (await self._tracked())["type"] != "http.disconnect":
            pass

    async def discard_body(self) -> bool:
        """Throw away what was not read of the body, for a short time.

        Returns: whether the body has ended, so that the connection can serve another request
        """
        if self._body_ended or not self._announces_body():
            return True
        if self.header(b"expect") is not None:
            return False
        try:
            async with asyncio.timeout(self._limits.discard_s):
                while not self._body_ended:
                    await self._tracked()
        except TimeoutError:
            return False
        return True

    def _announces_body(self) -> bool:
        length = self.header(b"content-length")
        return length not in (None, "0") or self.header(b"transfer-encoding") is not None

    async def _tracked(self) -> dict[str, object]:
        message = await self._receive()
        self._body_ended = message["type"] == "http.disconnect" or not message.get("more_body")
        return dict(message)


def _unquoted(value: bytes) -> str:
    """Undo what a form does to text; a jobid as v2 writes it (v2 notes 2) has nothing to undo."""
    if b"%" in value or b"+" in value:
        value = unquote_to_bytes(value.replace(b"+", b" "))
    return value.decode("utf-8", "replace")
