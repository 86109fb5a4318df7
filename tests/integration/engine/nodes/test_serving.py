from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.integration.engine.nodes.meetings import two
from waystation.errors import StoreError, Unavailable


async def refuse(account_id: str, body: Any) -> Any:
    raise StoreError("The disk is full.")


async def echo(account_id: str, body: Any) -> Any:
    return body


async def fail(account_id: str, body: Any) -> Any:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("kind", "says"),
    [("refuse", "The disk is full."), ("fail", "No process"), ("of-a-newer-version", "No process")],
)
async def test_a_deed_that_cannot_be_done_is_answered_at_once(
    tmp_path: Path, kind: str, says: str
) -> None:
    async with two(tmp_path, {"refuse": refuse, "fail": fail}) as here:
        await here.serve()
        with capture_logs(), pytest.raises(Unavailable, match=says):
            async with asyncio.timeout(30):
                await here.asking.ask("account-1", kind, {})
        assert here.clock.monotonic() == 0


async def test_more_deeds_than_fit_at_once_wait_for_their_turn(tmp_path: Path) -> None:
    running, most = 0, 0
    go = asyncio.Event()

    async def slow(account_id: str, body: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 16:
            go.set()
        await go.wait()
        await asyncio.sleep(0)
        running -= 1
        return body["n"]

    async with two(tmp_path, {"slow": slow}) as here:
        await here.serve()
        async with asyncio.timeout(30):
            told = await asyncio.gather(
                *(here.asking.ask("account-1", "slow", {"n": number}) for number in range(40))
            )
        assert told == list(range(40))
        assert most == 16


async def test_a_fault_of_our_own_ends_no_serving(tmp_path: Path) -> None:
    async with two(tmp_path, {"echo": echo}) as here:
        real, faults = here.store.commands.take, [ValueError("a bug")]

        async def take(node_id: str, limit: int = 16) -> Any:
            if faults:
                raise faults.pop()
            return await real(node_id, limit)

        here.store.commands.take = take  # type: ignore[method-assign]
        with capture_logs() as logs:
            await here.serve()
            asked = asyncio.ensure_future(here.asking.ask("account-1", "echo", {}))
            await here.pass_until(asked)
        assert await asked == {}
        assert "serving.not_taken" in [line["event"] for line in logs]
        real_answer, others = here.store.commands.answer, [ValueError("a bug")]

        async def answer(command_id: str, node_id: str, text: str) -> bool:
            if others:
                raise others.pop()
            return await real_answer(command_id, node_id, text)

        here.store.commands.answer = answer  # type: ignore[method-assign, assignment]
        with capture_logs():
            asked = asyncio.ensure_future(here.asking.ask("account-1", "echo", {}))
            await here.pass_until(asked)
            with pytest.raises(Unavailable):
                await asked
            asked = asyncio.ensure_future(here.asking.ask("account-1", "echo", {}))
            await here.pass_until(asked)
        assert await asked == {}


async def test_a_stop_takes_nothing_more_and_answers_what_was_taken(tmp_path: Path) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(account_id: str, body: Any) -> Any:
        begun.set()
        await go.wait()
        return body

    async with two(tmp_path, {"slow": slow}) as here:
        await here.serve()
        taken = asyncio.ensure_future(here.asking.ask("account-1", "slow", 1))
        await begun.wait()
        stopping = asyncio.ensure_future(here.serving.stop())
        late = asyncio.ensure_future(here.asking.ask("account-1", "slow", 2))
        while not await here.store.commands.waiting():
            await asyncio.sleep(0.005)
        assert not stopping.done()
        go.set()
        async with asyncio.timeout(30):
            await stopping
            assert await taken == 1
        await here.pass_until(late)
        with pytest.raises(Unavailable):
            await late


async def test_a_deed_that_a_stop_cuts_short_is_answered_at_once(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless(account_id: str, body: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with two(tmp_path, {"endless": endless}) as here:
        await here.serve()
        taken = asyncio.ensure_future(here.asking.ask("account-1", "endless", 1))
        await begun.wait()
        assert here.running is not None
        here.running.cancel()
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable, match="No process acts for this account"):
                await taken
        assert here.clock.monotonic() == 0
