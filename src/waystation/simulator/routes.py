"""ROUTES: the REST API, one row per route.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ROUTES", "Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    name: str
    """What faults and limits call it."""
    answer: str
    """The method of `Rest` that answers."""
    public: bool = False
    """No token is needed."""
    major: str = ""
    """The part of the path that separates its buckets."""


ROUTES: tuple[Route, ...] = (
    Route("GET", "/gateway", "gateway", "gateway", public=True),
    Route("GET", "/gateway/bot", "gateway", "gateway_bot"),
    Route("GET", "/users/@me", "me", "me"),
    Route("GET", "/users/@me/guilds", "me", "my_guilds"),
    Route("GET", "/users/@me/billing/country-code", "me", "country"),
    Route("GET", "/users/@me/channels", "channels", "my_channels"),
    Route("POST", "/users/@me/channels", "channels", "open_channel"),
    Route("GET", "/users/@me/application-command-index", "index", "my_index"),
    Route(
        "GET", "/guilds/{guild}/application-command-index", "index", "guild_index", major="guild"
    ),
    Route(
        "GET",
        "/channels/{channel}/application-command-index",
        "index",
        "channel_index",
        major="channel",
    ),
    Route("GET", "/applications/{app}/application-command-index", "index", "application_index"),
    Route("GET", "/applications/{app}/commands", "index", "application_commands"),
    Route(
        "GET",
        "/channels/{channel}/application-commands/search",
        "index",
        "search_commands",
        major="channel",
    ),
    Route("GET", "/oauth2/applications/@me", "me", "application"),
    Route("GET", "/guilds/{guild}", "guilds", "guild", major="guild"),
    Route("GET", "/guilds/{guild}/channels", "guilds", "guild_channels", major="guild"),
    Route("GET", "/channels/{channel}", "channels", "channel", major="channel"),
    Route("GET", "/channels/{channel}/messages", "messages.read", "history", major="channel"),
    Route("POST", "/channels/{channel}/messages", "messages.send", "send", major="channel"),
    Route(
        "GET", "/channels/{channel}/messages/{message}", "messages.read", "message", major="channel"
    ),
    Route(
        "POST",
        "/channels/{channel}/messages/{message}/ack",
        "messages.ack",
        "acknowledge",
        major="channel",
    ),
    Route(
        "PUT",
        "/channels/{channel}/messages/{message}/reactions/{emoji}/@me",
        "reactions",
        "react",
        major="channel",
    ),
    Route("POST", "/attachments/refresh-urls", "attachments.refresh", "refresh"),
    Route("POST", "/channels/{channel}/attachments", "attachments", "attachments", major="channel"),
    Route("DELETE", "/attachments/{name:.+}", "attachments", "drop_attachment"),
    Route("POST", "/interactions", "interactions", "interactions"),
)
"""Every route under `/api` and `/api/v6` to `/api/v10`."""
