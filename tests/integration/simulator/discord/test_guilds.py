"""Guilds as full readers need them: what `hikari` and `discord.py-self` index without asking."""

from __future__ import annotations

import pytest

from tests.integration.simulator.scene import Setting
from waystation.simulator.discord import guilds

READ_BY_HIKARI = {
    "id", "name", "icon", "splash", "discovery_splash", "owner_id", "afk_channel_id",
    "afk_timeout", "verification_level", "default_message_notifications",
    "explicit_content_filter", "roles", "emojis", "stickers", "features", "mfa_level",
    "application_id", "system_channel_id", "system_channel_flags", "rules_channel_id",
    "max_members", "vanity_url_code", "description", "banner", "premium_tier",
    "preferred_locale", "public_updates_channel_id", "nsfw_level",
}  # fmt: skip


def test_a_guild_is_flat_or_split_in_two() -> None:
    setting = Setting()
    flat = guilds.guild_payload(setting.world, setting.account)
    split = guilds.guild_payload(setting.world, setting.account, split=True)
    assert flat["name"] == split["properties"]["name"]
    assert flat["id"] == split["id"] == split["properties"]["id"]
    assert "name" not in split


@pytest.mark.parametrize("form", [guilds.guild_payload, guilds.rest_guild])
def test_a_guild_has_every_field_of_discords_object(form: object) -> None:
    setting = Setting()
    assert callable(form)
    assert form(setting.world, setting.account).keys() >= READ_BY_HIKARI


def test_the_rest_form_counts_roughly() -> None:
    setting = Setting()
    guild = guilds.rest_guild(setting.world, setting.account)
    assert guild["approximate_member_count"] == guild["member_count"] == 4


def test_a_large_guild_has_more_members_than_one_hears_of_unasked() -> None:
    setting = Setting(large_guilds=True)
    guild = guilds.guild_payload(setting.world, setting.account)
    assert (guild["large"], guild["member_count"]) == (True, 75_001)


def test_the_direct_channel_is_written_in_the_old_and_the_new_shape() -> None:
    setting = Setting()
    channel = guilds.direct_payload(setting.world, setting.account)
    assert channel["recipient_ids"] == [channel["recipients"][0]["id"]]


def test_a_chunk_names_who_was_asked_for_and_who_is_not_there() -> None:
    setting = Setting()
    asked = {"user_ids": [setting.account.user_id, "7"], "nonce": "n"}
    chunk = guilds.chunk_payload(setting.world, setting.account, asked)
    assert [member["user"]["id"] for member in chunk["members"]] == [setting.account.user_id]
    assert (chunk["not_found"], chunk["nonce"], chunk["chunk_count"]) == (["7"], "n", 1)


@pytest.mark.parametrize(
    ("asked", "count"),
    [({"query": "", "limit": 0}, 4), ({"query": "", "limit": 2}, 2), ({"query": "MID"}, 1)],
)
def test_a_chunk_holds_whose_name_begins_so(asked: dict[str, object], count: int) -> None:
    setting = Setting()
    chunk = guilds.chunk_payload(setting.world, setting.account, asked)
    assert len(chunk["members"]) == count
