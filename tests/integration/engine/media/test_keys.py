"""Media keys: made once, sealed, rotated."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness.house import house
from waystation.engine.media.keys import TABLE


async def test_a_key_is_made_when_it_is_first_needed_and_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        assert await here.media_keys.known(1) is None
        keys = await asyncio.gather(*(here.media_keys.of(1) for _ in range(3)))
        assert len(set(keys)) == 1
        assert await here.media_keys.known(1) == keys[0]
        row = await here.here.store.media_keys.get(1)
        assert row is not None
        assert row.sealed.startswith(f"{TABLE}/1:".encode())


async def test_a_rotated_key_is_another_one(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        before = await here.media_keys.of(1)
        await here.media_keys.rotate(1)
        after = await here.media_keys.of(1)
        assert after != before
        await here.media_keys.rotate(1)
        assert await here.media_keys.of(1) not in (before, after)
