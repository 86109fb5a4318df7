"""waystation callbacks."""

from __future__ import annotations

import pytest

from tests.harness.command_line import answer_with, run
from waystation.errors import Conflict, NotFound

ONE = {
    "id": "abc",
    "jobid": "job:1",
    "replyUrl": "https://example.org/hook",
    "state": "given_up",
    "final": True,
    "sequence": 7,
    "created": "2026-01-02T03:04:05.678Z",
    "attempted": 2,
}
LOGGED = ONE | {
    "attempts": [
        {"number": 1, "at": "2026-01-02T03:04:05.678Z", "seconds": 0.5, "status": 503},
        {"number": 2, "at": "2026-01-02T03:04:10.678Z", "seconds": 15.0, "reason": "a time-out"},
    ]
}
PING = {name: value for name, value in ONE.items() if name != "jobid"} | {"state": "pending"}


def test_list_names_each_callback_with_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, {"deliveries": [ONE, PING]})
    ran = run("callbacks", "list", "--job", "job:1", "--state", "given_up", "--limit", "2")
    assert ran.exit_code == 0
    assert "job:1" in ran.out and "a ping" in ran.out and "given_up" in ran.out
    asked = {"jobid": "job:1", "state": "given_up", "limit": 2}
    assert client.calls == [("deliveries", (), asked)]


def test_an_empty_list_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"deliveries": []})
    assert "no such callback" in run("callbacks", "list").out
    answer_with(monkeypatch, {"deliveries": []})
    assert run("callbacks", "list", "--json").json == []


def test_show_names_each_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, LOGGED)
    ran = run("callbacks", "show", "abc")
    assert "HTTP status 503" in ran.out and "a time-out" in ran.out
    assert "https://example.org/hook" in ran.out


def test_show_names_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, LOGGED | {"nextAttempt": "2026-01-02T03:09:05.678Z"})
    assert "2026-01-02T03:09:05.678Z" in run("callbacks", "show", "abc").out


def test_an_unknown_callback_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, NotFound("Unable to locate delivery x"))
    assert run("callbacks", "show", "x").exit_code != 0


def test_redeliver_says_so_and_a_disabled_receiver_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, ONE)
    assert "sent again" in run("callbacks", "redeliver", "abc").out
    answer_with(monkeypatch, Conflict("The receiver is disabled; a ping that it takes enables it"))
    ran = run("callbacks", "redeliver", "abc")
    assert ran.exit_code != 0 and "disabled" in ran.err


def test_replay_goes_on_until_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(
        monkeypatch, {"replayed": 10_000, "more": True}, {"replayed": 2, "more": False}
    )
    ran = run("callbacks", "replay", "--since", "2027-01-31", "--json")
    assert ran.json == {"replayed": 10_002}
    assert [call[0] for call in client.calls] == ["replay", "replay"]


def test_ping_waits_for_the_receiver_and_says_how_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waystation.cli.callbacks._LOOK_EVERY_S", 0)
    attempt = {"number": 1, "at": "…", "seconds": 0.1}
    for state, how, code in (("delivered", {"status": 204}, 0), ("given_up", {"status": 500}, 1)):
        ended = PING | {"state": state, "attempts": [attempt | how]}
        client = answer_with(monkeypatch, PING, PING, ended)
        ran = run("callbacks", "ping", "--url", "https://example.org/hook")
        assert ran.exit_code == code
        assert f"HTTP status {how['status']}" in ran.out
        assert [call[0] for call in client.calls] == ["ping", "delivery", "delivery"]


def test_a_ping_that_nobody_answers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waystation.cli.callbacks.PING_S", 0)
    answer_with(monkeypatch, PING, *([PING] * 9))
    ran = run("callbacks", "ping")
    assert ran.exit_code == 1 and "not sent yet" in ran.out


def test_receivers_tell_the_failing_from_the_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = {
        "receiver": "https://example.org",
        "failingSince": "2026-01-02T03:04:05.678Z",
        "failed": "2026-01-03T03:04:05.678Z",
        "reason": "HTTP status 503",
        "mails": 1,
    }
    disabled = fails | {"receiver": "https://b.test", "disabled": "2026-01-07T03:04:05.678Z"}
    answer_with(monkeypatch, [fails, disabled])
    ran = run("callbacks", "receivers")
    assert "fails" in ran.out and "disabled 2026-01-07" in ran.out
    answer_with(monkeypatch, [])
    assert "No receiver fails." in run("callbacks", "receivers").out


def test_enable_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, None)
    ran = run("callbacks", "enable", "https://example.org/hook")
    assert ran.exit_code == 0
    # what was kept is not sent by itself
    assert "waystation callbacks list --state disabled" in ran.out + ran.err
    assert "waystation callbacks replay --since" in ran.out + ran.err
    assert client.calls == [("enable_receiver", ("https://example.org/hook",), {})]


def test_secret_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"signs": False})
    ran = run("callbacks", "secret")
    assert "not signed" in ran.out and "waystation callbacks rotate" in ran.out + ran.err
    answer_with(monkeypatch, {"signs": True, "created": "2026-01-02", "formerUntil": "2026-01-03"})
    ran = run("callbacks", "secret")
    assert "2026-01-02" in ran.out and "2026-01-03" in ran.out


def test_rotate_shows_the_secret_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"secret": "whsec_abc", "created": "2026-01-02"})
    ran = run("callbacks", "rotate")
    assert "whsec_abc" in ran.out and "cannot be shown again" in ran.out
