from __future__ import annotations

from tests.integration.simulator.scene import Setting
from waystation.simulator.discord import ready


def test_ones_own_member_is_merged_into_ready() -> None:
    setting = Setting()
    session, _ = setting.listen()
    body = ready.user_ready(setting.world, setting.ids, session, [session], 1 << 4)
    ((own,),) = body["merged_members"]
    assert own["user_id"] == setting.account.user_id
    assert own.keys() >= {"roles", "joined_at", "flags", "mute", "deaf"}
    assert "members" not in body["guilds"][0]


def test_without_the_capability_ones_own_member_is_in_the_guild() -> None:
    setting = Setting()
    session, _ = setting.listen()
    body = ready.user_ready(setting.world, setting.ids, session, [session], 0)
    (own,) = body["guilds"][0]["members"]
    assert own["user"]["id"] == setting.account.user_id


def test_ready_never_carries_a_fresh_token() -> None:
    setting = Setting()
    session, _ = setting.listen()
    body = ready.user_ready(setting.world, setting.ids, session, [session], 0)
    assert "auth_token" not in body
    assert setting.account.token not in str(body)


def test_a_bots_guilds_are_unavailable_at_first() -> None:
    setting = Setting(accounts=2)
    session, _ = setting.listen(setting.bot)
    body = ready.bot_ready(setting.world, session, 10)
    assert [guild["unavailable"] for guild in body["guilds"]] == [True, True]
    assert body["application"]["id"] == setting.bot.user_id
