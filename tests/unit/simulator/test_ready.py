from __future__ import annotations

from tests.unit.simulator.scene import Setting
from waystation.simulator import ready


def test_a_guild_is_flat_or_split_in_two() -> None:
    setting = Setting()
    flat = ready.guild_payload(setting.world, setting.account)
    split = ready.guild_payload(setting.world, setting.account, split=True)
    assert flat["name"] == split["properties"]["name"]
    assert flat["id"] == split["id"] == split["properties"]["id"]
    assert "name" not in split


def test_the_direct_channel_is_written_in_the_old_and_the_new_shape() -> None:
    setting = Setting()
    channel = ready.direct_payload(setting.world, setting.account)
    assert channel["recipient_ids"] == [channel["recipients"][0]["id"]]


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
