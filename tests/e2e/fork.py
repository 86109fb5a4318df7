"""A service that is forked, not started: see `forks.py`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from tests.e2e.forks import ENDED, PID, READY
from tests.e2e.process import START_S, Child

__all__ = ["Forked", "forking"]

IMPORT_S = 120.0
"""Several parents may import everything at once, on a machine that has to compile it first."""


class Forked(Child):
    """One `waystation` process at a time, forked from another that stays."""

    def __init__(
        self,
        parent: asyncio.subprocess.Process,
        environment: Mapping[str, str],
        log: Path,
        program: Sequence[str] = (),
    ) -> None:
        super().__init__(environment, log, program)
        self._parent = parent
        self._pid: int | None = None
        self._code: int | None = None

    async def start(self, *arguments: str) -> None:
        order = {
            "arguments": arguments,
            "environment": self._environment,
            "log": str(self._log),
        }
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(order).encode() + b"\n")
        self._pid = json.loads(await self._next())[PID]

    @property
    def pid(self) -> int:
        assert self._pid is not None, "it was started"
        return self._pid

    async def line(self) -> str:
        return await self._line(START_S)

    async def _line(self, within_s: float) -> str:
        line = await self._next(within_s)
        if ENDED in json.loads(line):
            self._code = json.loads(line)[ENDED]
            return ""
        return line

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def ended(self, within_s: float = START_S) -> int:
        async with asyncio.timeout(within_s):
            while self._code is None:
                await self._line(within_s)
        return self._code

    async def end(self) -> None:
        if self._pid is not None and self._code is None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            await self.ended()

    async def _next(self, within_s: float = START_S) -> str:
        assert self._parent.stdout is not None
        async with asyncio.timeout(within_s):
            line = (await self._parent.stdout.readline()).decode()
        assert line, "the parent of the services has ended"
        return line


@contextlib.asynccontextmanager
async def forking() -> AsyncIterator[Callable[..., Child]]:
    """Run a parent of services; yield what makes one of its children, one after the other."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.e2e.forks"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert parent.stdout is not None
        async with asyncio.timeout(IMPORT_S):
            line = await parent.stdout.readline()
        assert READY in json.loads(line)
        yield lambda *args: Forked(parent, *args)
    finally:
        parent.kill()
        await parent.communicate()
