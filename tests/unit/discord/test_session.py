"""The pure gateway session, by table and by chance."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from waystation.discord.session import (
    BACKOFF_CAP_S,
    HELLO_LIMIT_S,
    LIVE_LIMIT_S,
    RESUME_TRIES,
    STABLE_S,
    GatewaySession,
    Reconnect,
    Step,
    Stop,
)
from waystation.discord.session_rules import CLOSE_POLICY, Happening, Phase
from waystation.errors import RemoteProtocolError
from waystation.gateway_events import SessionState
from waystation.secret import Secret
from waystation.wire.gateway import CloseCode, Frame, Opcode, Properties

PROPERTIES = Properties("linux", "Waystation", "Waystation")
SAVED = SessionState("saved-session", "ws://127.0.0.1:9/resume", 42)
HALF = 0.5


def frame(op: int, d: object = None, s: int | None = None, t: str | None = None) -> Frame:
    return Frame(op, msgspec.Raw(msgspec.json.encode(d)), s, t)


HELLO = frame(Opcode.HELLO, {"heartbeat_interval": 40_000})
ACK = frame(Opcode.HEARTBEAT_ACK)
READY = frame(
    Opcode.DISPATCH,
    {"session_id": "new-session", "user": {"id": "1111"}, "resume_gateway_url": "ws://resume"},
    1,
    "READY",
)
RESUMED = frame(Opcode.DISPATCH, {}, 50, "RESUMED")


def dispatch(sequence: int | None) -> Frame:
    return frame(Opcode.DISPATCH, {}, sequence, "MESSAGE_CREATE")


def new(saved: SessionState | None = None, guild_id: str | None = None) -> GatewaySession:
    return GatewaySession(Secret("the-token"), PROPERTIES, saved, guild_id)


def greeted(
    saved: SessionState | None = None, now: float = 0.0, guild_id: str | None = None
) -> GatewaySession:
    machine = new(saved, guild_id)
    machine.opened(now, HALF)
    machine.received(HELLO, now)
    return machine


def live(now: float = 0.0) -> GatewaySession:
    machine = greeted(now=now)
    assert machine.received(READY, now).live
    return machine


def sent(step: Step) -> dict[str, Any]:
    assert step.send is not None
    return msgspec.json.decode(step.send, type=dict[str, Any])


# ── coming live ──


def test_hello_without_a_session_is_answered_with_an_honest_identify() -> None:
    machine = new()
    machine.opened(0.0, HALF)
    assert sent(machine.received(HELLO, 0.0)) == {
        "op": 2,
        "d": {
            "token": "the-token",
            "properties": {"os": "linux", "browser": "Waystation", "device": "Waystation"},
            "capabilities": 0,
            "compress": False,
        },
    }


def test_hello_with_a_saved_session_is_answered_with_resume_and_the_saved_sequence() -> None:
    machine = new(SAVED)
    machine.opened(0.0, HALF)
    assert sent(machine.received(HELLO, 0.0)) == {
        "op": 6,
        "d": {"token": "the-token", "session_id": "saved-session", "seq": 42},
    }
    assert machine.phase is Phase.RESUMING


def test_a_step_that_holds_the_token_does_not_show_it() -> None:
    machine = new()
    machine.opened(0.0, HALF)
    assert "the-token" not in repr(machine.received(HELLO, 0.0))


def test_a_session_is_live_with_ready_and_not_before() -> None:
    machine = new()
    machine.opened(0.0, HALF)
    assert not machine.received(HELLO, 0.0).live
    assert not machine.received(frame(Opcode.HEARTBEAT), 0.0).live
    assert machine.received(READY, 0.0).live
    assert not machine.received(dispatch(2), 0.0).live
    assert not machine.received(frame(Opcode.RECONNECT), 0.0).live


def test_ready_makes_the_session_live_and_known() -> None:
    machine = greeted()
    step = machine.received(READY, 0.0)
    assert (step.dispatch, step.live, step.resumed) == (READY, True, False)
    assert machine.phase is Phase.LIVE
    assert machine.state == SessionState("new-session", "ws://resume", 1)
    assert machine.discord_user_id == "1111"


def test_ready_without_a_resume_url_or_sequence_still_makes_a_session() -> None:
    machine = greeted()
    machine.received(frame(0, {"session_id": "bare", "user": {"id": "1"}}, None, "READY"), 0.0)
    assert machine.state == SessionState("bare", "", 0)


SUBSCRIBE = {"op": 37, "d": {"subscriptions": {"2222": {"typing": True}}}}


def _again(machine: GatewaySession, number: int) -> Step:
    """Lose the socket, open another one and let Discord resume."""
    machine.closed(None, 1.0, HALF)
    machine.opened(1.0, HALF)
    machine.received(HELLO, 1.0)
    return machine.received(frame(Opcode.DISPATCH, {}, number, "RESUMED"), 1.0)


def test_a_new_session_subscribes_to_the_guild_of_its_channel_before_it_is_handed_up() -> None:
    """R51: of a large guild nothing is heard without."""
    step = greeted(guild_id="2222").received(READY, 0.0)
    assert (sent(step), step.live) == (SUBSCRIBE, True)


def test_a_session_for_direct_messages_subscribes_to_nothing() -> None:
    assert greeted().received(READY, 0.0).send is None
    assert greeted(SAVED).received(RESUMED, 0.0).send is None


def _beat(machine: GatewaySession) -> None:
    """Send a heartbeat that is due, and let Discord acknowledge it."""
    assert machine.wake_at is not None
    assert sent(machine.woken(machine.wake_at))["op"] == Opcode.HEARTBEAT
    machine.received(ACK, 0.0)


def test_a_resumed_session_has_subscribed_already() -> None:
    machine = greeted(guild_id="2222")
    machine.received(READY, 0.0)
    _beat(machine)
    assert _again(machine, 3).send is None
    assert _again(machine, 4).send is None


def test_a_subscription_counts_from_the_acknowledgement_of_a_later_heartbeat() -> None:
    """A frame of Discord may have been on its way already; a heartbeat's answer comes after it."""
    machine = greeted(guild_id="2222")
    machine.woken(20.0)
    machine.received(READY, 20.0)
    machine.received(ACK, 20.0)
    machine.received(dispatch(2), 20.0)
    assert sent(_again(machine, 3)) == SUBSCRIBE
    machine.received(dispatch(4), 21.0)
    assert sent(_again(machine, 5)) == SUBSCRIBE
    _beat(machine)
    assert _again(machine, 6).send is None


def test_an_acknowledgement_on_another_socket_says_nothing_of_a_subscription() -> None:
    machine = greeted(guild_id="2222")
    machine.received(READY, 0.0)
    machine.woken(20.0)
    machine.closed(None, 21.0, HALF)
    machine.opened(21.0, HALF)
    machine.received(HELLO, 21.0)
    machine.received(ACK, 21.0)
    assert sent(machine.received(RESUMED, 21.0)) == SUBSCRIBE


def test_a_session_of_an_earlier_process_subscribes_once_more() -> None:
    """Nobody knows whether that process has, or ended before."""
    machine = greeted(SAVED, guild_id="2222")
    assert sent(machine.received(RESUMED, 0.0)) == SUBSCRIBE
    _beat(machine)
    assert _again(machine, 52).send is None


def test_a_session_that_replaces_a_lost_one_subscribes_too() -> None:
    machine = greeted(guild_id="2222")
    machine.received(READY, 0.0)
    _beat(machine)
    machine.closed(CloseCode.SESSION_TIMED_OUT, 1.0, HALF)
    machine.opened(1.0, HALF)
    machine.received(HELLO, 1.0)
    assert sent(machine.received(READY, 1.0)) == SUBSCRIBE


def test_replayed_dispatches_come_before_resumed() -> None:
    machine = greeted(SAVED)
    replayed = machine.received(dispatch(43), 0.0)
    assert replayed.dispatch is not None and not replayed.live
    step = machine.received(RESUMED, 0.0)
    assert (step.live, step.resumed) == (True, True)
    assert machine.state == SessionState("saved-session", SAVED.resume_url, 50)
    assert machine.discord_user_id is None


def test_the_sequence_follows_the_dispatches_and_ignores_those_without_one() -> None:
    machine = live()
    machine.received(dispatch(7), 0.0)
    machine.received(dispatch(None), 0.0)
    assert machine.state is not None and machine.state.sequence == 7


@pytest.mark.parametrize(
    ("machine", "out_of_turn"),
    [
        (greeted(), RESUMED),
        (greeted(), dispatch(9)),
        (greeted(SAVED), READY),
        (live(), READY),
        (live(), HELLO),
        (live(), frame(99, {"anything": 1})),
        (live(), ACK),
    ],
)
def test_a_frame_out_of_turn_changes_nothing(machine: GatewaySession, out_of_turn: Frame) -> None:
    before = (machine.phase, machine.state, machine.wake_at)
    assert machine.received(out_of_turn, 0.0) == Step()
    assert (machine.phase, machine.state, machine.wake_at) == before


@pytest.mark.parametrize(
    "unreadable",
    [
        frame(Opcode.HELLO, {}),
        frame(Opcode.INVALID_SESSION, "perhaps"),
        frame(Opcode.DISPATCH, {"session_id": 3}, 1, "READY"),
        Frame(Opcode.HELLO, msgspec.Raw(b'{"a":' + b"[" * 100_000)),
        Frame(Opcode.DISPATCH, msgspec.Raw(b'{"guilds":' + b"[" * 100_000), 1, "READY"),
        Frame(Opcode.DISPATCH, msgspec.Raw(b'{"session_id":"\xff"}'), 1, "READY"),
    ],
)
def test_an_unreadable_payload_is_an_error_of_discord(unreadable: Frame) -> None:
    machine = new()
    machine.opened(0.0, HALF)
    with pytest.raises(RemoteProtocolError):
        machine.received(unreadable, 0.0)


# ── heartbeats ──


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.99])
def test_the_first_heartbeat_comes_after_a_random_part_of_the_interval(fraction: float) -> None:
    machine = new()
    machine.opened(100.0, fraction)
    machine.received(HELLO, 100.0)
    assert machine.wake_at == pytest.approx(100.0 + 40 * fraction)


def test_heartbeats_carry_the_last_sequence_and_keep_the_interval() -> None:
    machine = live()
    machine.received(dispatch(7), 1.0)
    assert sent(machine.woken(20.0)) == {"op": 1, "d": 7}
    machine.received(ACK, 20.1)
    assert machine.wake_at == 60.0
    assert sent(machine.woken(60.0)) == {"op": 1, "d": 7}


def test_a_heartbeat_before_any_dispatch_carries_null() -> None:
    assert sent(greeted().woken(20.0)) == {"op": 1, "d": None}


def test_waking_early_does_nothing() -> None:
    machine = live()
    assert machine.woken(19.9) == Step()
    assert machine.wake_at == 20.0
    assert new().woken(5.0) == Step()


def test_a_missed_acknowledgement_closes_the_socket_and_resumes() -> None:
    machine = live()
    machine.woken(20.0)
    assert machine.woken(60.0) == Step(close=True)
    assert machine.wake_at is None
    follows = machine.closed(None, 60.0, HALF)
    assert follows == Reconnect(0.5, resume=True, reason="Discord missed a heartbeat")


def test_an_acknowledgement_that_one_socket_owes_is_not_missed_on_the_next() -> None:
    machine = live()
    machine.woken(20.0)
    machine.closed(None, 21.0, HALF)
    machine.opened(21.0, HALF)
    machine.received(HELLO, 21.0)
    assert sent(machine.woken(41.0)) == {"op": 1, "d": 1}


def test_a_heartbeat_that_discord_asks_for_is_answered_at_once() -> None:
    machine = live()
    assert sent(machine.received(frame(Opcode.HEARTBEAT), 3.0)) == {"op": 1, "d": 1}
    assert machine.wake_at == 20.0


def test_an_absurd_heartbeat_interval_does_not_spin() -> None:
    machine = new()
    machine.opened(0.0, HALF)
    machine.received(frame(Opcode.HELLO, {"heartbeat_interval": 0}), 0.0)
    assert machine.wake_at == 0.5


@pytest.mark.parametrize(
    ("machine", "limit_s", "reason"),
    [
        (new(), HELLO_LIMIT_S, "Discord did not greet"),
        (greeted(), LIVE_LIMIT_S, "Discord did not answer IDENTIFY or RESUME"),
    ],
)
def test_silence_before_the_session_is_live_ends_the_socket(
    machine: GatewaySession, limit_s: float, reason: str
) -> None:
    if machine.phase is Phase.OFFLINE:
        machine.opened(0.0, HALF)
    now, step = 0.0, Step()
    while now < limit_s:
        now = machine.wake_at or limit_s
        step = machine.woken(now)
        machine.received(ACK, now)
    assert step == Step(close=True) and now == limit_s
    follows = machine.closed(None, now, HALF)
    assert isinstance(follows, Reconnect) and follows.reason == reason


# ── endings ──


def test_a_reconnect_request_closes_and_resumes() -> None:
    machine = live()
    assert machine.received(frame(Opcode.RECONNECT), 5.0) == Step(close=True)
    assert machine.closed(None, 5.0, 0.0) == Reconnect(0.0, True, "Discord asked to reconnect")


@pytest.mark.parametrize(("resumable", "fraction"), [(True, 0.0), (True, 0.9), (False, 0.5)])
def test_an_invalid_session_waits_one_to_five_seconds(resumable: bool, fraction: float) -> None:
    machine = live()
    assert machine.received(frame(Opcode.INVALID_SESSION, resumable), 100.0).close
    follows = machine.closed(None, 100.0, fraction)
    assert isinstance(follows, Reconnect)
    assert follows.wait_s == 1 + 4 * fraction
    assert follows.resume is resumable
    assert (machine.state is not None) is resumable


POLICY = [
    # code, resumes, least wait in s
    (None, True, 0),
    (1000, True, 0),
    (1001, True, 0),
    (1006, True, 0),
    (4000, True, 0),
    (4001, False, 0),
    (4002, False, 0),
    (4003, False, 0),
    (4005, False, 0),
    (4006, True, 0),
    (4007, False, 0),
    (4008, True, 60),
    (4009, False, 0),
    (4015, True, 600),
    (4016, True, 600),
    (4999, True, 0),
]


@pytest.mark.parametrize(("code", "resumes", "least_s"), POLICY)
def test_every_close_code_reconnects_as_the_protocol_notes_say(
    code: int | None, resumes: bool, least_s: float
) -> None:
    machine = live()
    follows = machine.closed(code, 1000.0, 0.0)
    assert isinstance(follows, Reconnect)
    assert (follows.resume, follows.wait_s) == (resumes, least_s)
    assert machine.phase is Phase.OFFLINE


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
def test_only_these_close_codes_stop_for_good(code: int) -> None:
    machine = live()
    follows = machine.closed(code, 1.0, HALF)
    assert isinstance(follows, Stop) and str(code) in follows.reason
    assert machine.phase is Phase.STOPPED
    fatal = {c for c, e in CLOSE_POLICY.items() if e.happening is Happening.REJECTED}
    assert fatal == {4004, 4010, 4011, 4012, 4013, 4014}


def test_a_stopped_session_never_opens_again() -> None:
    machine = live()
    machine.closed(4004, 1.0, HALF)
    machine.opened(2.0, HALF)
    machine.closed(1000, 3.0, HALF)
    assert machine.phase is Phase.STOPPED


def test_the_wait_is_a_random_part_of_a_bound_that_doubles_up_to_its_cap() -> None:
    machine = live()
    bounds = []
    for _ in range(10):
        follows = machine.closed(4007, 1000.0, 1.0)
        assert isinstance(follows, Reconnect)
        bounds.append(follows.wait_s)
    assert bounds == [1, 2, 4, 8, 16, 32, 64, BACKOFF_CAP_S, BACKOFF_CAP_S, BACKOFF_CAP_S]
    assert machine.closed(4007, 1000.0, 0.0) == Reconnect(
        0.0, False, "the sequence is not resumable (close code 4007)"
    )


@pytest.mark.parametrize(("live_s", "bound_s"), [(STABLE_S, 1), (STABLE_S - 1, 8)])
def test_only_ten_stable_minutes_start_the_backoff_again(live_s: float, bound_s: float) -> None:
    machine = greeted(SAVED)
    for _ in range(3):
        machine.closed(None, 0.0, 0.0)
    machine.opened(0.0, HALF)
    machine.received(HELLO, 0.0)
    machine.received(RESUMED, 0.0)
    follows = machine.closed(None, live_s, 1.0)
    assert isinstance(follows, Reconnect) and follows.wait_s == bound_s


def test_a_session_that_cannot_be_resumed_is_given_up_in_the_end() -> None:
    machine = new(SAVED)
    for _ in range(RESUME_TRIES - 1):
        follows = machine.closed(None, 0.0, 0.0)
        assert isinstance(follows, Reconnect) and follows.resume
    follows = machine.closed(None, 0.0, 0.0)
    assert isinstance(follows, Reconnect) and not follows.resume
    assert machine.state is None


def test_a_resume_that_worked_forgives_the_failures_before_it() -> None:
    machine = new(SAVED)
    for _ in range(3):
        for _ in range(RESUME_TRIES - 1):
            machine.closed(None, 0.0, 0.0)
        machine.opened(0.0, HALF)
        machine.received(HELLO, 0.0)
        assert machine.received(RESUMED, 0.0).live
        machine.closed(None, 0.0, 0.0)
    assert machine.state is not None


def test_the_limits_of_a_session_are_those_of_the_notes_and_our_choice() -> None:
    """Wire notes 2.4 and 2.6."""
    assert (BACKOFF_CAP_S, STABLE_S) == (120, 600)
    assert (HELLO_LIMIT_S, LIVE_LIMIT_S, RESUME_TRIES) == (20, 120, 8)


# ── by chance ──


@given(
    codes=st.lists(
        st.sampled_from([None, 1000, 1001, 1006, 4000, 4007, 4008, 4009, 4015]), max_size=40
    ),
    fraction=st.floats(0, 1, exclude_max=True),
)
def test_no_wait_is_negative_or_longer_than_floor_and_cap(
    codes: list[int | None], fraction: float
) -> None:
    machine = new(SAVED)
    for code in codes:
        follows = machine.closed(code, 0.0, fraction)
        assert isinstance(follows, Reconnect)
        ending = CLOSE_POLICY.get(code or 0)
        floor_s = ending.floor_s if ending else 0.0
        assert floor_s <= follows.wait_s <= floor_s + BACKOFF_CAP_S


class AnySession(RuleBasedStateMachine):
    """Random frames, wake-ups and endings: the machine stays inside its table."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = new()
        self.now = 0.0
        self.asked_to_close = False

    def take(self, step: Step) -> None:
        if step.send is not None:
            said = sent(step)
            assert step.identifies == (said["op"] == Opcode.IDENTIFY)
            if said["op"] == Opcode.RESUME:
                assert self.machine.state is not None
                assert said["d"]["seq"] == self.machine.state.sequence
        self.asked_to_close = self.asked_to_close or step.close

    @precondition(lambda self: self.machine.phase is Phase.OFFLINE)
    @rule(fraction=st.floats(0, 1, exclude_max=True))
    def open(self, fraction: float) -> None:
        self.machine.opened(self.now, fraction)
        self.asked_to_close = False

    @precondition(lambda self: self.machine.phase not in (Phase.OFFLINE, Phase.STOPPED))
    @rule(
        received=st.sampled_from(
            [HELLO, ACK, READY, RESUMED, frame(Opcode.HEARTBEAT), frame(Opcode.RECONNECT)]
            + [frame(Opcode.INVALID_SESSION, d) for d in (True, False)]
        )
        | st.builds(dispatch, st.integers(2, 10_000))
    )
    def receive(self, received: Frame) -> None:
        self.take(self.machine.received(received, self.now))

    @rule(seconds=st.floats(0, 700))
    def time_passes(self, seconds: float) -> None:
        wake_at = self.machine.wake_at
        self.now = min(self.now + seconds, wake_at or self.now + seconds)

    @precondition(lambda self: self.machine.wake_at is not None)
    @rule()
    def wake(self) -> None:
        self.now = max(self.now, self.machine.wake_at or 0.0)
        self.take(self.machine.woken(self.now))

    @precondition(lambda self: self.machine.phase not in (Phase.OFFLINE, Phase.STOPPED))
    @rule(
        code=st.sampled_from([None, 1000, 4000, 4003, 4007, 4008, 4009, 4013]),
        fraction=st.floats(0, 1, exclude_max=True),
    )
    def close(self, code: int | None, fraction: float) -> None:
        follows = self.machine.closed(code, self.now, fraction)
        assert isinstance(follows, Stop) == (self.machine.phase is Phase.STOPPED)
        if isinstance(follows, Reconnect):
            assert follows.resume == (self.machine.state is not None)
            self.now += follows.wait_s

    @invariant()
    def live_means_a_known_session(self) -> None:
        if self.machine.phase is Phase.LIVE:
            assert self.machine.state is not None

    @invariant()
    def an_open_session_wakes_or_is_closing(self) -> None:
        if self.machine.phase in (Phase.OFFLINE, Phase.STOPPED) or self.asked_to_close:
            assert self.machine.wake_at is None or self.asked_to_close
        else:
            assert self.machine.wake_at is not None


TestAnySession = AnySession.TestCase
TestAnySession.settings = settings(stateful_step_count=30)
