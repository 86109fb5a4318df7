"""Guilds, their channels and members, and direct channels, as REST and gateway write them.

Full readers look for every key of Discord's object, empty or not; what is empty here is null there.
Source: Discord, guild, channel and guild member objects.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from waystation.simulator.discord.world import Account, SimulatedBot, User, World
from waystation.simulator.payload import Payload

__all__ = [
    "brief_guild",
    "channel_payload",
    "chunk_payload",
    "direct_payload",
    "guild_payload",
    "member_count",
    "member_payload",
    "members_of",
    "own_member",
    "rest_guild",
    "roles_payload",
]

_JOINED = "2023-01-01T00:00:00+00:00"
_PERMISSIONS = "2248473465835073"
_LARGE_GUILD_MEMBERS = 75_001
"""One more than a session hears of unasked. Source: discord.py-self's
documentation, guild subscriptions page."""


def members_of(world: World, account: Account) -> list[User]:
    """Return who is in an account's guild."""
    people = [account.user, world.midjourney, *(bot.user for bot in world.bots)]
    return [*people, world.foreigner]


def member_count(world: World) -> int:
    """Return how many members each guild has."""
    if world.options.large_guilds:
        return _LARGE_GUILD_MEMBERS
    return len(members_of(world, world.accounts[0]))


def member_payload(user: User) -> Payload:
    """Write a member of a guild."""
    return {"user": user.payload()} | _membership()


def own_member(account: Account) -> Payload:
    """Write one's own member as READY merges it: the user is named by id alone."""
    return {"user_id": account.user_id} | _membership()


def _membership() -> Payload:
    return {
        "nick": None,
        "avatar": None,
        "banner": None,
        "avatar_decoration_data": None,
        "communication_disabled_until": None,
        "roles": [],
        "joined_at": _JOINED,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }


def chunk_payload(world: World, account: Account, asked: Payload) -> Payload:
    """Write GUILD_MEMBERS_CHUNK, as opcode 8 asks for it: by ids, or by how names begin."""
    users, wanted = members_of(world, account), asked.get("user_ids")
    query, limit = asked.get("query"), asked.get("limit")
    ids = [str(one) for one in wanted] if isinstance(wanted, list) else [str(wanted)]
    if wanted is not None:
        users = [user for user in users if user.id in ids]
    elif isinstance(query, str):
        users = [user for user in users if user.username.lower().startswith(query.lower())]
    if isinstance(limit, int) and limit > 0:
        users = users[:limit]
    missing = [] if wanted is None else [one for one in ids if one not in {u.id for u in users}]
    chunk: Payload = {
        "guild_id": account.guild_id,
        "members": [member_payload(user) for user in users],
        "chunk_index": 0,
        "chunk_count": 1,
        "not_found": missing,
    }
    if asked.get("presences"):
        chunk["presences"] = []
    return chunk | ({"nonce": asked["nonce"]} if asked.get("nonce") is not None else {})


def channel_payload(world: World, account: Account) -> Payload:
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
        "last_message_id": world.newest.get(account.channel_id),
        "last_pin_timestamp": None,
        "rate_limit_per_user": 0,
        "flags": 0,
    }


def direct_payload(world: World, account: Account) -> Payload:
    """Write an account's direct channel with the bot, in the old and the new shape."""
    return {
        "id": account.dm_channel_id,
        "type": 1,
        "recipient_ids": [world.midjourney.id],
        "recipients": [world.midjourney.payload()],
        "last_message_id": world.newest.get(account.dm_channel_id),
        "flags": 0,
    }


def guild_payload(world: World, account: Account, *, split: bool = False) -> Payload:
    """Write an account's guild as the gateway does.

    Args: split: put the lasting part under `properties`, as client state v2 asks
    """
    lasting = _lasting(account)
    rest: Payload = {
        "id": account.guild_id,
        "joined_at": _JOINED,
        "large": world.options.large_guilds,
        "member_count": member_count(world),
        "data_mode": "full",
        "channels": [channel_payload(world, account)],
        "threads": [],
        "roles": roles_payload(account),
        "emojis": [],
        "stickers": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "premium_subscription_count": 0,
        "version": 1,
    }
    return rest | {"properties": lasting} if split else rest | lasting


def rest_guild(world: World, account: Account) -> Payload:
    """Write an account's guild as `GET /guilds/{guild}` does."""
    count = {
        "approximate_member_count": member_count(world),
        "approximate_presence_count": 1,
        "max_presences": None,
    }
    return guild_payload(world, account) | count


def brief_guild(world: World, account: Account, caller: Account | SimulatedBot) -> Payload:
    """Write an account's guild as the list of one's guilds does."""
    return {
        "id": account.guild_id,
        "name": _name(account),
        "icon": None,
        "banner": None,
        "owner": caller is account,
        "permissions": _PERMISSIONS,
        "features": [],
        "approximate_member_count": member_count(world),
        "approximate_presence_count": 1,
    }


def roles_payload(account: Account) -> list[Payload]:
    """Write the roles of an account's guild: everyone has the same one."""
    everyone: Payload = {
        "id": account.guild_id,
        "name": "@everyone",
        "description": None,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": 0,
        "permissions": _PERMISSIONS,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    return [everyone]


def _name(account: Account) -> str:
    return f"Guild of {account.user.username}"


def _lasting(account: Account) -> Payload:
    empty = dict.fromkeys(
        (
            "afk_channel_id",
            "application_id",
            "banner",
            "description",
            "discovery_splash",
            "hub_type",
            "icon",
            "incidents_data",
            "latest_onboarding_question_id",
            "public_updates_channel_id",
            "rules_channel_id",
            "safety_alerts_channel_id",
            "splash",
            "system_channel_id",
            "vanity_url_code",
            "widget_channel_id",
        )
    )
    return {
        **empty,
        "id": account.guild_id,
        "name": _name(account),
        "owner_id": account.user_id,
        "features": [],
        "preferred_locale": "en-US",
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw": False,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_progress_bar_enabled": False,
        "system_channel_flags": 0,
        "afk_timeout": 300,
        "widget_enabled": False,
        "max_members": 500_000,
        "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50,
    }
