"""Clients, each driven in its own environment."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


PATIENCE_S = 90.0


@asynccontextmanager
async def _process(*command: str | Path, cwd: Path = HERE) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _result(process: Process) -> dict[str, Any]:
    """Return what a driver printed behind RESULT; its errors if it printed nothing."""
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    for line in out.decode().splitlines():
        if line.startswith("RESULT "):
            found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return found
    raise AssertionError(f"no result\n{out.decode()}\n{err.decode()}")


async def driven(*command: str | Path) -> dict[str, Any]:
    """Run a driver to its end and return what it printed behind RESULT."""
    async with _process(*command) as process:
        return await _result(process)
