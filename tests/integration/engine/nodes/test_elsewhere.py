from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.nodes.meetings import two
from waystation.engine.nodes.elsewhere import UNDER_WAY
from waystation.errors import Throttled, Unavailable
from waystation.ports import Command


async def echo(account_id: str, body: Any) -> Any:
    return [account_id, body]


async def test_a_deed_is_done_by_the_node_of_the_account(tmp_path: Path) -> None:
    async with two(tmp_path, {"echo": echo}) as here:
        await here.serve()
        async with asyncio.timeout(30):
            told = await here.asking.ask("account-1", "echo", {"jobid": "x"})
        assert told == ["account-1", {"jobid": "x"}]
        assert here.clock.monotonic() == 0, "nobody has waited for the time"


async def test_a_deed_is_done_where_nobody_hears_anything(tmp_path: Path) -> None:
    async with two(tmp_path, {"echo": echo}) as here:
        here.wakes.deaf = True
        await here.serve()
        asked = asyncio.ensure_future(here.asking.ask("account-1", "echo", {}))
        assert await here.pass_until(asked) < 10
        assert await asked == ["account-1", {}]


async def test_a_command_that_no_node_took_by_its_end_is_taken_back(tmp_path: Path) -> None:
    async with two(tmp_path, {"echo": echo}) as here:
        asked = asyncio.ensure_future(here.asking.ask("account-1", "echo", {}))
        assert 10 <= await here.pass_until(asked) < 12
        with pytest.raises(Unavailable):
            await asked
        assert await here.store.commands.waiting() == 0
        await here.serve()
        run = await here.node.now()
        assert list(await here.store.commands.take(run.node_id)) == []


async def test_a_node_that_took_a_command_and_died_is_waited_for_within_bounds(
    tmp_path: Path,
) -> None:
    async with two(tmp_path, {}) as here:
        run = await here.node.begin()
        await here.store.nodes.take("account-1", run.node_id)
        asked = asyncio.ensure_future(here.asking.ask("account-1", "echo", {}))
        async with asyncio.timeout(30):
            while not await here.store.commands.waiting():
                await asyncio.sleep(0.005)
        (taken,) = await here.store.commands.take(run.node_id)
        assert 29 <= await here.pass_until(asked) < 32
        with pytest.raises(Unavailable):
            await asked
        while await here.store.commands.look(taken.command_id) is not None:
            await asyncio.sleep(0.005)


async def test_a_user_has_so_many_commands_under_way(tmp_path: Path) -> None:
    async with two(tmp_path, {}) as here:
        for number in range(UNDER_WAY):
            command = Command(f"other-{number}", "account-1", "echo", "{}")
            assert await here.store.commands.add(command, timedelta(hours=1), UNDER_WAY)
        said = "200 requests wait for this user's accounts already; wait for their answers"
        with pytest.raises(Throttled, match=said) as refused:
            await here.asking.ask("account-1", "echo", {})
        assert refused.value.retry_after_s == 1
        assert await here.store.commands.waiting() == UNDER_WAY


async def test_an_account_that_is_gone_has_no_process(tmp_path: Path) -> None:
    async with two(tmp_path, {}) as here:
        with pytest.raises(Unavailable, match="No process acts for this account"):
            await here.asking.ask("account-9", "echo", {})
