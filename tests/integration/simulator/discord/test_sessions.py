from __future__ import annotations

import pytest

from tests.integration.simulator.scene import Setting
from waystation.simulator.discord.sessions import Disturbance, frame
from waystation.simulator.payload import decode
from waystation.wire.gateway import Opcode


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_frames_have_discords_four_keys() -> None:
    assert decode(frame(Opcode.INVALID_SESSION, False)) == {
        "t": None,
        "s": None,
        "op": 9,
        "d": False,
    }


def test_dispatches_are_numbered_per_session(setting: Setting) -> None:
    _, first = setting.listen()
    setting.sessions.publish((setting.account.user_id,), "ONE", {})
    _, second = setting.listen()
    setting.sessions.publish((setting.account.user_id,), "TWO", {})
    assert [decode(text)["s"] for text in first.frames] == [1, 2]
    assert [(decode(text)["s"], decode(text)["t"]) for text in second.frames] == [(1, "TWO")]


def test_one_session_alone_can_be_told(setting: Setting) -> None:
    first, heard = setting.listen()
    _, unheard = setting.listen()
    setting.sessions.publish((setting.account.user_id,), "ONE", {}, only_session=first.id)
    assert (len(heard.frames), len(unheard.frames)) == (1, 0)


def test_a_session_replays_what_it_still_keeps(setting: Setting) -> None:
    session, listener = setting.listen()
    for _ in range(150):
        session.dispatch("EVENT", b"{}")
    assert session.covers(50) and not session.covers(49)
    listener.frames.clear()
    assert session.replay(148) == 2
    assert [decode(text)["s"] for text in listener.frames] == [149, 150]


@pytest.mark.parametrize(
    ("intents", "direct", "heard"),
    [(1 << 9, False, True), (1 << 9, True, False), (1 << 12, True, True), (0, False, False)],
)
def test_intents_decide_what_a_bot_hears(
    setting: Setting, intents: int, direct: bool, heard: bool
) -> None:
    _, listener = setting.listen(setting.bot, intents)
    message = {"content": "x"} if direct else {"content": "x", "guild_id": "1"}
    setting.sessions.publish_message((setting.bot.user_id,), "MESSAGE_CREATE", message)
    assert bool(listener.frames) is heard


def test_without_the_content_intent_a_message_is_veiled(setting: Setting) -> None:
    _, listener = setting.listen(setting.bot, 1 << 9)
    message = {"content": "x", "embeds": [{}], "guild_id": "1", "flags": 0}
    setting.sessions.publish_message((setting.bot.user_id,), "MESSAGE_CREATE", message)
    assert listener.events[0][1] == {"content": "", "embeds": [], "guild_id": "1", "flags": 0}


@pytest.mark.parametrize(
    ("how", "resumable"),
    [
        (Disturbance.DROP, True),
        (Disturbance.LOSE, False),
        (Disturbance.RECONNECT, True),
        (Disturbance.INVALID, False),
        (Disturbance.INVALID_RESUMABLE, True),
    ],
)
async def test_a_disturbance_leaves_a_session_resumable_or_not(
    setting: Setting, how: Disturbance, resumable: bool
) -> None:
    session, listener = setting.listen()
    assert setting.sessions.disturb(setting.account.user_id, how) == 1
    assert (setting.sessions.find(session.id) is session) is resumable
    assert session.connection is None
    assert listener.was_cut is (how in (Disturbance.DROP, Disturbance.LOSE))
    setting.sessions.forget(session)


@pytest.mark.parametrize(("code", "resumable"), [(4000, True), (4008, True), (4004, False)])
async def test_the_close_code_decides_whether_a_session_can_be_resumed(
    setting: Setting, code: int, resumable: bool
) -> None:
    session, listener = setting.listen()
    setting.sessions.disturb(setting.account.user_id, Disturbance.CLOSE, code)
    assert listener.closed == code
    assert (setting.sessions.find(session.id) is session) is resumable
    setting.sessions.forget(session)


async def test_events_for_a_session_without_a_connection_are_kept(setting: Setting) -> None:
    session, _ = setting.listen()
    setting.sessions.disturb(setting.account.user_id, Disturbance.DROP)
    setting.sessions.publish((setting.account.user_id,), "LATER", {})
    assert session.seq == 1
    assert session.covers(0)
    setting.sessions.forget(session)
    assert setting.sessions.of(setting.account.user_id) == []


def test_closing_everything_forgets_everything(setting: Setting) -> None:
    _, listener = setting.listen()
    setting.sessions.close_all()
    assert listener.closed == 1001
    assert setting.sessions.all() == []
