from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from waystation.store.postgresql.bridge import bridged, wait_for

_NAME: ContextVar[str] = ContextVar("name")


async def _later(value: str) -> str:
    await asyncio.sleep(0)
    return value


async def _broken() -> None:
    await asyncio.sleep(0)
    raise LookupError("broken")


async def test_a_plain_function_waits_for_coroutines() -> None:
    def both(first: str) -> str:
        return wait_for(_later(first)) + wait_for(_later("b"))

    assert await bridged(both, "a") == "ab"


async def test_a_function_that_waits_for_nothing_just_runs() -> None:
    assert await bridged(lambda: 7) == 7


async def test_an_error_of_a_coroutine_is_raised_in_the_middle_of_the_function() -> None:
    def caught() -> str:
        try:
            wait_for(_broken())
        except LookupError as error:
            return wait_for(_later(str(error)))
        return ""

    assert await bridged(caught) == "broken"


async def test_an_error_of_the_function_is_its_callers() -> None:
    def broken() -> None:
        wait_for(_later("a"))
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await bridged(broken)


async def test_two_functions_go_on_by_turns() -> None:
    said: list[str] = []

    def saying(name: str) -> None:
        for _ in range(3):
            said.append(wait_for(_later(name)))

    await asyncio.gather(bridged(saying, "a"), bridged(saying, "b"))
    assert said == ["a", "b"] * 3


async def test_a_cancelled_task_ends_its_function_first() -> None:
    reached, ended = asyncio.Event(), []

    async def forever() -> None:
        reached.set()
        await asyncio.Event().wait()

    def waiting() -> None:
        try:
            wait_for(forever())
        finally:
            ended.append(wait_for(_later("undone")))

    task = asyncio.create_task(bridged(waiting))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["undone"]


async def test_the_context_of_the_task_is_the_functions() -> None:
    _NAME.set("mine")
    assert await bridged(_NAME.get) == "mine"


async def test_outside_of_a_bridge_nothing_can_wait() -> None:
    with pytest.raises(RuntimeError, match="bridged"):
        wait_for(_later("a"))
