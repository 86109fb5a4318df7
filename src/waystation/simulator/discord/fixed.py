"""FIXED: reads that are answered alike for everybody, one row each.

Client libraries ask for these when they start or on their own, and give up where they find nothing.
Source: Discord and discord-userdoccers for the forms; the clients of `README.md` ask for them.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FIXED"]

_REGION = {
    "id": "us-east",
    "name": "US East",
    "optimal": True,
    "deprecated": False,
    "custom": False,
}

FIXED: Mapping[str, object] = {
    "/soundboard-default-sounds": [],
    "/sticker-packs": {"sticker_packs": []},
    "/voice/regions": [_REGION],
    "/experiments": {"assignments": [], "guild_experiments": []},
    "/auth/location-metadata": {"country_code": "US", "consent_required": False},
    "/users/@me/affinities/guilds": {"guild_affinities": []},
    "/users/@me/affinities/users": {"user_affinities": [], "inverse_user_affinities": []},
    "/users/@me/applications": [],
    "/users/@me/billing/payment-sources": [],
    "/users/@me/billing/subscriptions": [],
    "/users/@me/connections": [],
    "/users/@me/consent": {"personalization": {"consented": False}},
    "/users/@me/entitlements": [],
    "/users/@me/library": [],
    "/users/@me/mentions": [],
    "/users/@me/notes": {},
    "/users/@me/relationships": [],
    "/users/@me/scheduled-events": [],
    "/users/@me/settings-proto/{type}": {"settings": ""},
    "/channels/{channel}/invites": [],
    "/channels/{channel}/messages/pins": {"items": [], "has_more": False},
    "/channels/{channel}/pins": [],
    "/channels/{channel}/threads/archived/public": {"threads": [], "has_more": False},
    "/channels/{channel}/webhooks": [],
    "/guilds/{guild}/audit-logs": {"audit_log_entries": [], "users": [], "webhooks": []},
    "/guilds/{guild}/auto-moderation/rules": [],
    "/guilds/{guild}/bans": [],
    "/guilds/{guild}/emojis": [],
    "/guilds/{guild}/integrations": [],
    "/guilds/{guild}/invites": [],
    "/guilds/{guild}/scheduled-events": [],
    "/guilds/{guild}/soundboard-sounds": {"items": []},
    "/guilds/{guild}/stickers": [],
    "/guilds/{guild}/templates": [],
    "/guilds/{guild}/threads/active": {"threads": [], "members": []},
    "/guilds/{guild}/webhooks": [],
    "/applications/{app}/emojis": {"items": []},
    "/applications/{app}/entitlements": [],
    "/applications/{app}/role-connections/metadata": [],
    "/applications/{app}/skus": [],
}
"""Path and answer; the braces name parts that may be anything that exists."""
