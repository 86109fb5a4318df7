from __future__ import annotations

import pytest

from waystation.simulator.faults.faults import FaultError, Place
from waystation.simulator.faults.switches import Switchboard, parse_switch


@pytest.fixture
def board() -> Switchboard:
    return Switchboard()


def _taken(board: Switchboard, account: str = "1", command: str = "info") -> list[str]:
    return [s.fault.name for s in board.take(Place.SCRIPT, account, command)]


def test_a_switch_fires_until_its_count_is_used_up(board: Switchboard) -> None:
    switch = board.on("queue_full", count=2)
    assert [_taken(board) for _ in range(3)] == [["queue_full"], ["queue_full"], []]
    assert (switch.fired, switch.count) == (2, 0)
    assert board.active() == []


def test_a_switch_without_a_count_stays_on_until_it_is_switched_off(board: Switchboard) -> None:
    first, second = board.on("queue_full"), board.on("vanished")
    assert _taken(board) == _taken(board) == ["queue_full", "vanished"]
    board.off(first.id)
    assert _taken(board) == ["vanished"]
    board.off()
    assert _taken(board) == []
    assert second.fired == 3


def test_a_switch_minds_account_and_command(board: Switchboard) -> None:
    board.on("queue_full", account="1", command="info")
    assert _taken(board, "1", "info") == ["queue_full"]
    assert _taken(board, "2", "info") == _taken(board, "1", "describe") == []


def test_a_switch_fires_only_at_its_place(board: Switchboard) -> None:
    board.on("missed_heartbeats", count=1)
    assert _taken(board) == []
    assert len(board.take(Place.HEARTBEAT, "1")) == 1


def test_one_fault_of_requests_answers_one_request(board: Switchboard) -> None:
    board.on("captcha_400", count=1)
    board.on("unauthorized_401", params={"route": "index"})
    assert board.take_http("interactions", "1", "info") is not None
    assert board.take_http("interactions", "1", "info") is None
    assert board.take_http("index", "1", None) is not None
    assert board.take_http("messages.read", "1", None) is None


def test_unknown_faults_and_parameters_are_refused(board: Switchboard) -> None:
    with pytest.raises(FaultError, match="no fault is named 'nonsense'"):
        board.on("nonsense")
    with pytest.raises(FaultError, match="has no parameter 'x'"):
        board.on("vanished", params={"x": 1})


def test_a_switch_tells_about_itself(board: Switchboard) -> None:
    switch = board.on("gateway_close", account="1", params={"code": 4004})
    assert switch.payload() == {
        "id": switch.id,
        "name": "gateway_close",
        "params": {"code": 4004, "at": "acknowledged"},
        "account": "1",
        "command": None,
        "count": None,
        "fired": 0,
    }


@pytest.mark.parametrize(
    ("text", "own", "params"),
    [
        ("vanished", {}, {}),
        ("gateway_close:4004", {}, {"code": 4004}),
        ("gateway_close:4004,at=final,count=1", {"count": 1}, {"code": 4004, "at": "final"}),
        ("late_message:seconds=0.5,account=1", {"account": "1"}, {"seconds": 0.5}),
        ("rate_limited_global:retry_after=2,command=info", {"command": "info"}, {"retry_after": 2}),
    ],
)
def test_the_command_lines_form_is_understood(
    text: str, own: dict[str, object], params: dict[str, object]
) -> None:
    plain = {"name": text.partition(":")[0], "account": None, "command": None, "count": None}
    assert parse_switch(text) == plain | own | {"params": params}


@pytest.mark.parametrize("text", ["nonsense", "vanished:1", "gateway_close:x", "vanished:y=1"])
def test_an_unknown_fault_is_refused(text: str) -> None:
    with pytest.raises(FaultError):
        parse_switch(text)
