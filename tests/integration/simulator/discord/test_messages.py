from __future__ import annotations

import pytest

from tests.integration.simulator.scene import Setting
from waystation.simulator.discord.messages import Draft, Spoken
from waystation.wire.message import MessageFlag


@pytest.fixture
def setting() -> Setting:
    return Setting()


def _spoken(setting: Setting, content: str = "hi", **fields: object) -> Spoken:
    draft = Draft(content, flags=int(fields.pop("flags", 0)))  # type: ignore[call-overload]
    return Spoken(setting.channel, setting.account.user, draft, **fields)  # type: ignore[arg-type]


def test_history_has_neither_nonce_nor_guild_and_the_event_has_both(setting: Setting) -> None:
    message, event = setting.messages.create(_spoken(setting, nonce="42"))
    assert "nonce" not in message and "guild_id" not in message
    assert (event["nonce"], event["guild_id"]) == ("42", setting.account.guild_id)
    assert setting.messages.read(setting.channel.id) == [message]


def test_an_ephemeral_message_is_never_history(setting: Setting) -> None:
    message, event = setting.messages.create(_spoken(setting, flags=64))
    assert setting.messages.read(setting.channel.id) == []
    _, listener = setting.listen()
    setting.messages.announce("MESSAGE_CREATE", event, setting.account.user_id)
    assert "guild_id" not in listener.events[0][1]
    assert setting.messages.delete(message)["id"] == message["id"]


def test_an_edit_changes_history_in_place(setting: Setting) -> None:
    message, _ = setting.messages.create(_spoken(setting))
    event = setting.messages.edit(message, Draft("changed"))
    assert setting.messages.read(setting.channel.id)[0]["content"] == event["content"] == "changed"
    assert event["edited_timestamp"] == "2026-01-01T12:00:00.000000+00:00"
    assert event["author"]["id"] == setting.account.user_id


def test_a_partial_edit_says_only_what_changed(setting: Setting) -> None:
    message, _ = setting.messages.create(_spoken(setting))
    event = setting.messages.edit(message, Draft("hi", embeds=({"title": "x"},)), partial=True)
    assert set(event) == {"id", "channel_id", "guild_id", "embeds", "edited_timestamp"}


def test_a_deleted_message_is_gone_and_may_be_deleted_again(setting: Setting) -> None:
    first, _ = setting.messages.create(_spoken(setting, "first"))
    second, _ = setting.messages.create(_spoken(setting, "second"))
    for _ in range(2):
        event = setting.messages.delete(first)
        assert event == {
            "id": first["id"],
            "channel_id": setting.channel.id,
            "guild_id": setting.account.guild_id,
        }
    assert setting.messages.read(setting.channel.id) == [second]
    assert setting.messages.get(setting.channel.id, first["id"]) is None
    assert setting.messages.get(setting.channel.id, second["id"]) is second
    assert setting.messages.get(setting.channel.id, "x") is None


def test_history_is_bounded() -> None:
    setting = Setting(history_limit=3)
    for number in range(5):
        setting.messages.create(_spoken(setting, str(number)))
    kept = [message["content"] for message in setting.messages.read(setting.channel.id)]
    assert kept == ["4", "3", "2"]


def test_clearing_forgets_every_channel(setting: Setting) -> None:
    setting.messages.create(_spoken(setting))
    setting.messages.clear()
    assert setting.messages.read(setting.channel.id) == []


def test_an_ephemeral_message_is_seen_by_its_listener_there_alone() -> None:
    setting = Setting()
    flags = int(MessageFlag.EPHEMERAL)
    spoken = Spoken(
        setting.channel, setting.world.midjourney, Draft("psst", flags=flags), listener="ada"
    )
    message, _ = setting.messages.create(spoken)
    seen = setting.messages.seen_by
    assert seen("ada", setting.channel.id, message["id"]) is message
    assert seen("bob", setting.channel.id, message["id"]) is None
    assert seen("ada", setting.direct.id, message["id"]) is None
    assert setting.messages.get(setting.channel.id, message["id"]) is None
    setting.messages.clear()
    assert seen("ada", setting.channel.id, message["id"]) is None


def test_old_ephemeral_messages_are_forgotten() -> None:
    setting = Setting()
    draft = Draft(flags=int(MessageFlag.EPHEMERAL))
    spoken = Spoken(setting.channel, setting.world.midjourney, draft, listener="ada")
    first, _ = setting.messages.create(spoken)
    for _ in range(1_000):
        setting.messages.create(spoken)
    assert setting.messages.seen_by("ada", setting.channel.id, first["id"]) is None
