"""ROUTES: the calls of Discord's REST API that we make, one row each.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["ROUTES", "Request", "Route"]

_MARK = re.compile(r"\{(\w+)\}")
_MAJOR = frozenset({"channel", "guild"})
"""Marks that are part of a bucket. Source: wire notes 1.7."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call."""

    method: str
    path: str
    bucket: str
    """Its route with its major parameter: what Discord limits together."""
    query: Mapping[str, str] | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One row."""

    method: str
    path: str
    """With `{…}` marks, below `/api/v9`."""
    query: Mapping[str, str] | None = None

    def request(
        self, query: Mapping[str, str] | None = None, body: bytes | None = None, **marks: str
    ) -> Request:
        """Return the call with its marks filled in, each quoted as one part of a path.

        Raises: KeyError: a mark is missing
        """
        path = _MARK.sub(lambda mark: quote(marks[mark[1]], safe="@"), self.path)
        bucket = _MARK.sub(lambda mark: marks[mark[1]] if mark[1] in _MAJOR else mark[0], self.path)
        return Request(self.method, path, f"{self.method} {bucket}", query or self.query, body)


ROUTES: Mapping[str, Route] = {
    "ask the bot": Route("POST", "/interactions"),
    "react": Route(
        "PUT",
        "/channels/{channel}/messages/{message}/reactions/{emoji}/%40me",
        query={"location": "Message", "type": "0"},
    ),
    "commands of a guild": Route("GET", "/guilds/{guild}/application-command-index"),
    "commands of a channel": Route("GET", "/channels/{channel}/application-command-index"),
    "place for a file": Route("POST", "/channels/{channel}/attachments"),
    "history": Route("GET", "/channels/{channel}/messages"),
    "renew links": Route("POST", "/attachments/refresh-urls"),
    "channel": Route("GET", "/channels/{channel}"),
    "who am I": Route("GET", "/users/@me"),
    "direct messages": Route("GET", "/users/@me/channels"),
    "gateway": Route("GET", "/gateway"),
}
"""Sources: wire notes 1.2 (interactions), 1.3 (commands), 1.4 (messages), 1.5 (files), 1.6 (links),
2.1 (gateway)."""
