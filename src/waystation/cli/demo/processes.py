"""Processes: start the demo's children, wait until they are ready, and end them with it.

A child sees no environment but what the demo sets, so that settings of the person who runs it (a
real Discord URL above all) cannot leak in.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from waystation.errors import Unavailable

__all__ = ["finished", "running"]

_READY_WITHIN_S = 30.0
_STOPPED_WITHIN_S = 12.0
"""A little more than the ten seconds that the service takes at most."""

_TAIL_BYTES = 2_000


@asynccontextmanager
async def running(
    log: Path, environment: Mapping[str, str], *arguments: str
) -> AsyncIterator[dict[str, Any]]:
    """Run `python -m …` for as long as the block; yield the JSON line that it prints when ready.

    Args: log: file for everything else that it prints
    Raises: Unavailable: it ended or was silent instead
    """
    with log.open("wb") as errors:
        # A session of its own: Ctrl-C reaches the demo alone, which ends its children in order.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=dict(environment),
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            yield await _ready(process.stdout, arguments[0], log)
        finally:
            await _stop(process)


async def finished(environment: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """Run `python -m …` to its end and return the JSON that it printed.

    Raises: Unavailable: it failed
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    out, errors = await process.communicate()
    if process.returncode != 0:
        raise Unavailable(f"{' '.join(arguments)} failed", details=_text(out + errors))
    found: dict[str, Any] = json.loads(out)
    return found


async def _ready(stdout: asyncio.StreamReader, name: str, log: Path) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            found: dict[str, Any] = json.loads(await stdout.readline())
            return found
    except (TimeoutError, ValueError):
        details = _text(log.read_bytes())  # noqa: ASYNC240 - a short file, and the demo is over
        raise Unavailable(f"{name} did not start", details=details) from None


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOPPED_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _text(output: bytes) -> str:
    return output[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
