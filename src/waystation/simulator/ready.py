"""What a session is told when it is ready: READY, READY_SUPPLEMENTAL, GUILD_CREATE.

Source: wire notes 2.5 (minimum that peers read) and simulator-fidelity 14.
"""

from __future__ import annotations

from waystation.simulator.ids import Ids
from waystation.simulator.payload import Payload
from waystation.simulator.sessions import Session
from waystation.simulator.world import Account, SimulatedBot, World

__all__ = [
    "CAPABILITY_CLIENT_STATE_V2",
    "CAPABILITY_PRIORITIZED_READY",
    "bot_ready",
    "channel_payload",
    "direct_payload",
    "guild_payload",
    "session_list",
    "supplement",
    "user_ready",
]

CAPABILITY_PRIORITIZED_READY = 1 << 5
CAPABILITY_CLIENT_STATE_V2 = 1 << 10
_JOINED = "2023-01-01T00:00:00+00:00"
_BOT_APPLICATION_FLAGS = 565248
_LARGE_GUILD_MEMBERS = 75_001
"""One more than a session hears of unasked. Source: the guild subscriptions page of
discord.py-self's documentation."""


def self_payload(account: Account | SimulatedBot) -> Payload:
    """Write the user object that one gets of oneself."""
    return account.user.payload() | {
        "verified": True,
        "mfa_enabled": False,
        "flags": 0,
        "premium_type": 0,
        "email": None,
    }


def channel_payload(account: Account) -> Payload:
    """Write an account's text channel."""
    return {
        "id": account.channel_id,
        "type": 0,
        "name": "midjourney",
        "guild_id": account.guild_id,
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "topic": None,
        "parent_id": None,
        "last_message_id": None,
        "rate_limit_per_user": 0,
    }


def direct_payload(world: World, account: Account) -> Payload:
    """Write an account's direct channel with the bot, in the old and the new shape."""
    return {
        "id": account.dm_channel_id,
        "type": 1,
        "recipient_ids": [world.midjourney.id],
        "recipients": [world.midjourney.payload()],
        "last_message_id": None,
        "flags": 0,
    }


def guild_payload(world: World, account: Account, *, split: bool = False) -> Payload:
    """Write an account's guild.

    Args: split: put the lasting part under `properties`, as client state v2 asks
    """
    lasting: Payload = {
        "id": account.guild_id,
        "name": f"Guild of {account.user.username}",
        "owner_id": account.user_id,
        "icon": None,
        "features": [],
        "preferred_locale": "en-US",
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "system_channel_flags": 0,
        "afk_timeout": 300,
    }
    rest: Payload = {
        "id": account.guild_id,
        "joined_at": _JOINED,
        "large": world.options.large_guilds,
        "member_count": _LARGE_GUILD_MEMBERS if world.options.large_guilds else 2 + len(world.bots),
        "data_mode": "full",
        "channels": [channel_payload(account)],
        "threads": [],
        "roles": [_everyone_role(account.guild_id)],
        "emojis": [],
        "stickers": [],
    }
    return rest | {"properties": lasting} if split else rest | lasting


def _everyone_role(guild_id: str) -> Payload:
    return {
        "id": guild_id,
        "name": "@everyone",
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": 0,
        "permissions": "2248473465835073",
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def session_list(sessions: list[Session]) -> list[Payload]:
    """Write the list that SESSIONS_REPLACE carries."""
    return [
        {
            "session_id": session.id,
            "status": "online",
            "client_info": {"client": "web", "os": "unknown", "version": 0},
            "activities": [],
        }
        for session in sessions
    ]


def user_ready(
    world: World, ids: Ids, session: Session, sessions: list[Session], capabilities: int
) -> Payload:
    """Write READY for a user session."""
    account = session.caller
    assert isinstance(account, Account), "bots have a READY of their own"
    split = bool(capabilities & CAPABILITY_CLIENT_STATE_V2)
    return _user_extras(ids, account) | {
        "v": 9,
        "user": self_payload(account),
        "guilds": [guild_payload(world, account, split=split)],
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
        "merged_members": [[]],
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
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": world.url.replace("http", "ws", 1),
        "application": {"id": bot.user_id, "flags": _BOT_APPLICATION_FLAGS},
        "_trace": ["simulator"],
    }
