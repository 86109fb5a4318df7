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


async def fail(account_id: str, body: Any) -> Any:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("kind", "says"),
    [("refuse", "The disk is full."), ("fail", "not connected"), ("of-a-newer-version", "not con")],
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
