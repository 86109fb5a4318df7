"""The events of a session that is ready: READY, READY_SUPPLEMENTAL, GUILD_CREATE.

Source: wire notes 2.5 (minimum that peers read) and wire notes 11.14.
"""

from __future__ import annotations

from waystation.simulator.discord.guilds import (
    direct_payload,
    guild_payload,
    member_payload,
    own_member,
)
from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.sessions import Session
from waystation.simulator.discord.world import Account, SimulatedBot, World
from waystation.simulator.payload import Payload

__all__ = [
    "CAPABILITY_CLIENT_STATE_V2",
    "CAPABILITY_DEDUPE_USERS",
    "CAPABILITY_PRIORITIZED_READY",
    "application_payload",
    "bot_ready",
    "self_payload",
    "session_list",
    "supplement",
    "user_ready",
]

CAPABILITY_DEDUPE_USERS = 1 << 4
CAPABILITY_PRIORITIZED_READY = 1 << 5
CAPABILITY_CLIENT_STATE_V2 = 1 << 10
_BOT_APPLICATION_FLAGS = 565248


def self_payload(account: Account | SimulatedBot) -> Payload:
    """Write the user object that one gets of oneself."""
    return account.user.payload() | {
        "verified": True,
        "mfa_enabled": False,
        "flags": 0,
        "premium_type": 0,
        "premium": False,
        "purchased_flags": 0,
        "email": None,
        "phone": None,
        "bio": "",
        "pronouns": "",
        "locale": account.locale,
        "nsfw_allowed": True,
        "desktop": False,
        "mobile": False,
    }


def session_list(sessions: list[Session]) -> list[Payload]:
    """Write the list that SESSIONS_REPLACE carries."""
    return [
        {
            "session_id": session.id,
            "status": "online",
            "client_info": {"client": "web", "os": "unknown", "version": 0},
            "activities": [],
            "hidden_activities": [],
            "active": True,
        }
        for session in sessions
    ]


def user_ready(
    world: World, ids: Ids, session: Session, sessions: list[Session], capabilities: int
) -> Payload:
    """Write READY for a user session."""
    account = session.caller
    assert isinstance(account, Account), "bots have a READY of their own"
    guild = guild_payload(world, account, split=bool(capabilities & CAPABILITY_CLIENT_STATE_V2))
    if not capabilities & CAPABILITY_DEDUPE_USERS:
        guild["members"] = [member_payload(account.user)]
    return _user_extras(ids, account) | {
        "v": 9,
        "user": self_payload(account),
        "guilds": [guild],
        "users": [world.midjourney.payload()],
        "private_channels": [direct_payload(world, account)],
        "session_id": session.id,
        "resume_gateway_url": world.url.replace("http", "ws", 1),
        "sessions": session_list(sessions),
        "required_action": None,
    }


def _user_extras(ids: Ids, account: Account) -> Payload:
    """Write what no known client acts on, but full readers expect to find."""
    empty = {"entries": [], "partial": False, "version": 1}
    return {
        "merged_members": [[own_member(account)]],
        "relationships": [],
        "read_state": empty,
        "user_guild_settings": empty,
        "user_settings_proto": "",
        "session_type": "normal",
        "static_client_session_id": ids.uuid(f"client:{account.user_id}"),
        "auth_session_id_hash": ids.hexadecimal(f"auth:{account.user_id}"),
        "country_code": "US",
        "geo_ordered_rtc_regions": [],
        "experiments": [],
        "guild_experiments": [],
        "connected_accounts": [],
        "consents": {"personalization": {"consented": False}},
        "friend_suggestion_count": 0,
        "analytics_token": "",
        "pending_payments": [],
        "tutorial": None,
        "notes": {},
        "presences": [],
        "guild_join_requests": [],
        "api_code_version": 1,
        "_trace": ["simulator"],
    }


def supplement(account: Account) -> Payload:
    """Write READY_SUPPLEMENTAL."""
    return {
        "guilds": [{"id": account.guild_id, "voice_states": []}],
        "merged_members": [[]],
        "merged_presences": {"guilds": [[]], "friends": []},
        "lazy_private_channels": [],
        "disclose": [],
        "game_invites": [],
    }


def bot_ready(world: World, session: Session, version: int) -> Payload:
    """Write READY for a bot session; GUILD_CREATE events follow."""
    bot = session.caller
    return {
        "v": version,
        "user": self_payload(bot),
        "guilds": [{"id": a.guild_id, "unavailable": True} for a in world.accounts],
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "shard": list(session.shard),
        "session_id": session.id,
        "session_type": "normal",
        "geo_ordered_rtc_regions": [],
        "resume_gateway_url": world.url.replace("http", "ws", 1),
        "application": {"id": bot.user_id, "flags": _BOT_APPLICATION_FLAGS},
        "_trace": ["simulator"],
    }


def application_payload(world: World, bot: SimulatedBot) -> Payload:
    """Write a bot's application as the bot itself is shown it."""
    return {
        "id": bot.user_id,
        "name": bot.user.username,
        "icon": None,
        "description": "",
        "rpc_origins": [],
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "team": None,
        "tags": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "integration_types_config": {"0": {}},
        "approximate_guild_count": len(world.accounts),
        "approximate_user_install_count": 0,
        "redirect_uris": [],
        "bot": bot.user.payload(),
        "flags": _BOT_APPLICATION_FLAGS,
        "owner": world.foreigner.payload(),
        "summary": "",
    }
