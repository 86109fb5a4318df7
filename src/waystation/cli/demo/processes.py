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

__all__ = ["Program", "finished", "running"]

_READY_WITHIN_S = 30.0
_STOPPED_WITHIN_S = 12.0
"""A little more than the ten seconds that the service takes at most."""

_TAIL_BYTES = 2_000


class Program:
    """A `python -m …` of its own, which can be killed and started again."""

    def __init__(self, log: Path, environment: Mapping[str, str], *arguments: str) -> None:
        """Args: log: file for everything but the line that it prints when it is ready"""
        self._log = log
        self._environment = environment
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> dict[str, Any]:
        """Start it; return the JSON line that it prints when ready.

        Raises: Unavailable: it ended or was silent instead
        """
        with self._log.open("ab") as errors:
            # A session of its own: Ctrl-C reaches the demo alone, which ends its children in order.
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=dict(self._environment),
                start_new_session=True,
            )
        assert process.stdout is not None
        return await _ready(process.stdout, self._arguments[0], self._log)

    @property
    def log_text(self) -> str:
        """Everything that it has logged; empty before its start."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    async def kill(self) -> None:
        """End it at once, without a chance to do anything."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            await _stop(self._process)


@asynccontextmanager
async def running(
    log: Path, environment: Mapping[str, str], *arguments: str
) -> AsyncIterator[dict[str, Any]]:
    """Run a program for as long as the block; yield its line. Args and errors as in `Program`."""
    program = Program(log, environment, *arguments)
    try:
        yield await program.start()
    finally:
        await program.stop()


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
        if "error" in found:
            raise Unavailable(f"{name}: {found['error']}", details=found.get("errorDetails"))
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
