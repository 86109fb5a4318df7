"""Children: processes on a processor of their own that say when they are ready and obey lines.

How it works: a child prints one JSON line when it is ready. Those of ours then read one JSON line
per order from standard input and answer each with one. Nothing of the caller's environment reaches
a child but where programs are, so no setting of a real installation can leak in.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import cpu_s

__all__ = ["WHERE_PROGRAMS_ARE", "Child", "Order", "child", "obey"]

Order = dict[str, Any]

WHERE_PROGRAMS_ARE = {
    name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ
}
"""All that a child gets of this process's environment."""

_ORDER_WITHIN_S = 120.0
_STOPPED_WITHIN_S = 12.0
_LINE_BYTES = 64 * 1024 * 1024


class Child:
    """One running process."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.ready: Order = {}
        """The line it printed when it was ready."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def cpu_s(self) -> float:
        """Processor seconds it has used."""
        return cpu_s(self.pid)

    async def order(self, **order: Any) -> Order:
        """Send one order and return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.next_line()

    async def next_line(self) -> Order:
        """Return the next line it prints. Raises: RuntimeError: it ended or is silent."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_ORDER_WITHIN_S):
                found: Order = json.loads(await self._process.stdout.readline())
        except (TimeoutError, ValueError):
            log = self._log.read_text("utf-8", "replace")[-3000:]
            raise RuntimeError(f"a child did not answer:\n{log}") from None
        return found

    async def stop(self) -> None:
        """End it."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOPPED_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def child(
    log: Path, cpu: int, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Run `python -m …` on one processor as long as the block."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**WHERE_PROGRAMS_ARE, **(environment or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
            start_new_session=True,
            limit=_LINE_BYTES,
        )
    running = Child(process, log)
    try:
        running.ready = await running.next_line()
        yield running
    finally:
        await running.stop()


async def obey(do: Callable[[Order], Awaitable[Order]], **ready: Any) -> None:
    """Be such a child: answer one order after the other until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready)
    while line := await reader.readline():
        _say(await do(json.loads(line)))


def _say(answer: Order) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
