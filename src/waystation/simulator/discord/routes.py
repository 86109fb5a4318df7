"""ROUTES: the REST API, one row per route.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from waystation.simulator.discord.fixed import FIXED

__all__ = ["ROUTES", "Route"]

_Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API."""

    method: _Method
    path: str
    name: str
    """The route's name for faults and limits."""
    answer: str
    """The method of `Rest` that answers."""
    public: bool = False
    """No token is needed."""
    major: str = ""
    """The part of the path that separates its buckets."""


_OF_A_WEBHOOK: tuple[tuple[_Method, str], ...] = (
    ("GET", ""),
    ("POST", ""),
    ("GET", "/messages/{message}"),
    ("PATCH", "/messages/{message}"),
    ("DELETE", "/messages/{message}"),
)
_WRITES: tuple[_Method, ...] = ("PUT", "POST")

ROUTES: tuple[Route, ...] = (
    *(Route("GET", path, "other", "fixed") for path in FIXED),
    Route("GET", "/gateway", "gateway", "gateway", public=True),
    Route("GET", "/gateway/bot", "gateway", "gateway_bot"),
    Route("GET", "/users/@me", "me", "me"),
    Route("GET", "/users/@me/settings", "me", "my_settings"),
    Route("PATCH", "/users/@me/settings", "me", "my_settings"),
    Route("PATCH", "/users/@me/settings-proto/{type}", "other", "fixed"),
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
    Route("GET", "/applications/@me", "me", "application"),
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
        "GET",
        "/channels/{channel}/messages/{message}/reactions/{emoji}",
        "reactions",
        "reactors",
        major="channel",
    ),
    Route(
        "DELETE",
        "/channels/{channel}/messages/{message}/reactions",
        "reactions",
        "unreact_all",
        major="channel",
    ),
    Route(
        "PUT",
        "/channels/{channel}/messages/{message}/reactions/{emoji}/@me",
        "reactions",
        "react",
        major="channel",
    ),
    Route(
        "DELETE",
        "/channels/{channel}/messages/{message}/reactions/{emoji}/@me",
        "reactions",
        "unreact",
        major="channel",
    ),
    Route(
        "PATCH",
        "/channels/{channel}/messages/{message}",
        "messages.edit",
        "edit_message",
        major="channel",
    ),
    Route(
        "DELETE",
        "/channels/{channel}/messages/{message}",
        "messages.delete",
        "delete_message",
        major="channel",
    ),
    Route("POST", "/channels/{channel}/typing", "typing", "type_text", major="channel"),
    Route("GET", "/users/{user}", "users", "user"),
    Route("GET", "/users/{user}/profile", "users", "user_profile"),
    Route("GET", "/guilds/{guild}/roles", "guilds", "guild_roles", major="guild"),
    Route("GET", "/guilds/{guild}/members", "guilds", "members", major="guild"),
    Route("GET", "/guilds/{guild}/members/search", "guilds", "search_members", major="guild"),
    Route("GET", "/guilds/{guild}/members/{user}", "guilds", "member", major="guild"),
    Route("POST", "/science", "other", "nothing"),
    Route("POST", "/metrics/v2", "other", "nothing"),
    *(
        Route(method, path, "index", "own_commands")
        for method in _WRITES
        for path in (
            "/applications/{app}/commands",
            "/applications/{app}/guilds/{guild}/commands",
        )
    ),
    Route("GET", "/applications/{app}/guilds/{guild}/commands", "index", "application_commands"),
    Route(
        "GET",
        "/applications/{app}/guilds/{guild}/commands/permissions",
        "index",
        "application_commands",
    ),
    Route("POST", "/attachments/refresh-urls", "attachments.refresh", "refresh"),
    Route("POST", "/channels/{channel}/attachments", "attachments", "attachments", major="channel"),
    Route("DELETE", "/attachments/{name:.+}", "attachments", "drop_attachment"),
    Route("POST", "/interactions", "interactions", "interactions"),
    Route(
        "POST",
        "/interactions/{interaction}/{token}/callback",
        "callbacks",
        "unknown_interaction",
        public=True,
    ),
    *(
        Route(
            method,
            f"/webhooks/{{webhook}}/{{token}}{tail}",
            "callbacks",
            "unknown_webhook",
            public=True,
        )
        for method, tail in _OF_A_WEBHOOK
    ),
)
"""Every route under `/api` and `/api/v6` to `/api/v10`."""
