from __future__ import annotations

from typing import Any

import pytest

from tests.integration.simulator.discord_client import Client

PREFER, IMAGINE, BLEND = "984273800587776053", "938956540159881230", "1062880104792997970"
REMIX = {"type": 1, "name": "remix", "options": []}
PROMPT = {"type": 3, "name": "prompt", "value": "fox"}
IMAGE = {"type": 11, "name": "image1", "value": 0}


async def _asked(client: Client, name: str, id_: str, options: list[Any]) -> tuple[int, int]:
    data = {"version": "1", "id": id_, "name": name, "type": 1, "options": options}
    answer = await client.ask("info", data=data)
    return answer.status, answer.json.get("code", 0) if answer.body else 0


WRONG: list[tuple[str, str, list[Any]]] = [
    ("imagine", IMAGINE, []),
    ("imagine", IMAGINE, [PROMPT | {"name": "words"}]),
    ("imagine", IMAGINE, [PROMPT | {"type": 4}]),
    ("imagine", IMAGINE, [PROMPT | {"value": "x" * 6001}]),
    ("imagine", IMAGINE, [PROMPT, PROMPT | {"name": "more"}]),
    ("blend", BLEND, [IMAGE]),
    ("prefer", PREFER, []),
    ("prefer", PREFER, [REMIX, REMIX]),
    ("prefer", PREFER, [REMIX | {"name": "colour"}]),
    ("prefer", PREFER, [REMIX | {"type": 3}]),
    ("prefer", PREFER, [{"type": 2, "name": "option", "options": []}]),
    (
        "prefer",
        PREFER,
        [{"type": 2, "name": "option", "options": [{"type": 1, "name": "set", "options": []}]}],
    ),
    ("prefer", PREFER, [REMIX | {"options": [PROMPT]}]),
]


@pytest.mark.parametrize(("name", "id_", "options"), WRONG)
async def test_options_that_do_not_fit_are_an_invalid_form(
    ready: Client, name: str, id_: str, options: list[Any]
) -> None:
    assert await _asked(ready, name, id_, options) == (400, 50035)
    assert ready.sim.book == []


async def test_commands_below_commands_are_named_with_them(ready: Client) -> None:
    for options in (
        [REMIX],
        [{"type": 1, "name": "suffix"}],
        [{"type": 2, "name": "option", "options": [{"type": 1, "name": "list"}]}],
    ):
        assert await _asked(ready, "prefer", PREFER, options) == (204, 0)
    await ready.events()
    assert [page["verb"] for page in ready.sim.book] == [
        "prefer remix",
        "prefer suffix",
        "prefer option list",
    ]


async def test_a_fault_can_be_meant_for_a_command_below_a_command(ready: Client) -> None:
    ready.sim.fault("captcha_400", command="prefer remix")
    assert (await _asked(ready, "prefer", PREFER, [REMIX]))[0] == 400
    assert (await _asked(ready, "prefer", PREFER, [REMIX | {"name": "auto_dm"}]))[0] == 204


async def test_a_long_prompt_is_taken(ready: Client) -> None:
    assert await _asked(ready, "imagine", IMAGINE, [PROMPT | {"value": "fox " * 1250}]) == (204, 0)
    await ready.events()
    assert ready.sim.book[0]["status"] == "completed"
