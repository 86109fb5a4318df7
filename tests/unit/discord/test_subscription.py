from __future__ import annotations

import msgspec

from waystation.discord.subscription import Subscription
from waystation.wire.gateway import Opcode

FRAME = {"op": Opcode.GUILD_SUBSCRIPTIONS_BULK, "d": {"subscriptions": {"2222": {}}}}


def _sent(subscription: Subscription) -> object:
    frame = subscription.frame()
    return None if frame is None else msgspec.json.decode(frame)


def test_direct_messages_need_no_subscription() -> None:
    assert Subscription(None).frame() is None


def test_it_is_sent_again_until_a_later_heartbeat_is_acknowledged() -> None:
    one = Subscription("2222")
    one.opened()
    one.beat()
    sent = _sent(one)
    assert isinstance(sent, dict)
    assert sent["op"] == FRAME["op"]
    assert "2222" in sent["d"]["subscriptions"]
    # of a heartbeat before it
    one.acknowledged()
    assert _sent(one) == sent
    one.beat()
    one.acknowledged()
    assert _sent(one) is None


def test_a_new_socket_starts_counting_again_and_a_new_session_subscribes_again() -> None:
    one = Subscription("2222")
    one.opened()
    assert _sent(one) is not None
    one.opened()
    one.beat()
    one.acknowledged()
    assert _sent(one) is not None
    one.beat()
    one.acknowledged()
    assert _sent(one) is None
    one.forget()
    assert _sent(one) is not None
