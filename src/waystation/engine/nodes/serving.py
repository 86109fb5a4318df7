"""Serving: does what other nodes ask for the accounts that this one has (ADR 28).

Rules: this node's answer counts only as long as the node goes on; then the next node of the account
takes the command again. A deed that fails, or that a stop cuts short, is answered, so that its
caller need not wait for it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

import structlog

from waystation import sentences
from waystation.engine.feed import race
from waystation.engine.nodes.node import Node
from waystation.errors import StoreError, WaystationError
from waystation.ports import Clock, Command, Commands
from waystation.ports.wakes import Wakes

__all__ = ["LOOK_S", "Deed", "Serving"]

log = structlog.get_logger("waystation.serving")

LOOK_S: Final = 1.0
"""Time between two looks for commands that nobody has told of."""

_AT_ONCE: Final = 16
"""Deeds that are done side by side; a hundred cancels may wait for the bot's word."""

Deed = Callable[[str, Any], Awaitable[Any]]
"""Does what a command asks, given its account_id and body; returns JSON."""


class Serving:
    """Takes commands until cancelled. Args: deeds: by kind of command"""

    def __init__(
        self,
        commands: Commands,
        node: Node,
        clock: Clock,
        deeds: Mapping[str, Deed],
        wakes: Wakes | None = None,
    ) -> None:
        self._commands = commands
        self._node = node
        self._clock = clock
        self._deeds = deeds
        self._wakes = wakes
        self._woken = asyncio.Event()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._stopping = False
        self._taking = asyncio.Lock()
        """Held until what was taken is in `_working`."""
        self._working: set[asyncio.Task[None]] = set()

    def heard(self, ids: Collection[str] | None) -> None:
        """Look for commands."""
        if ids is None or any(one.startswith("account:") for one in ids):
            self._woken.set()

    async def run(self) -> None:
        """Do what is asked until stopped; what a cancel cuts short is answered."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                self._woken.clear()
                try:
                    run = await self._node.now()
                    await self._places.acquire()
                    self._places.release()
                    async with self._taking:
                        await self._take(run.node_id, group)
                except StoreError as error:
                    log.warning("serving.not_taken", reason=error.message)
                    self._woken.clear()
                except Exception:
                    # one of the engine's loops: it records what happened and goes on
                    log.exception("serving.not_taken")
                    self._woken.clear()
                if not self._woken.is_set():
                    await race(self._woken.wait(), self._clock.sleep(LOOK_S))

    async def stop(self) -> None:
        """Take nothing more, and return when what was taken is answered."""
        self._stopping = True
        self._woken.set()
        async with self._taking:
            pass
        while self._working:
            await asyncio.wait(tuple(self._working))

    async def _take(self, node_id: str, group: asyncio.TaskGroup) -> None:
        if self._stopping:
            return
        for command in await self._commands.take(node_id, _AT_ONCE):
            working = group.create_task(self._serve(command, node_id))
            self._working.add(working)
            working.add_done_callback(self._working.discard)
            self._woken.set()

    async def _serve(self, command: Command, node_id: str) -> None:
        try:
            async with self._places:
                answer = await self._done(command)
        except asyncio.CancelledError:
            # the service stops, and this lasts too long
            answer = {"refused": sentences.NO_PROCESS_NOW.text}
            await self._answer(command, node_id, answer)
            raise
        await self._answer(command, node_id, answer)

    async def _answer(self, command: Command, node_id: str, answer: Mapping[str, Any]) -> None:
        try:
            await self._commands.answer(command.command_id, node_id, json.dumps(answer))
        except StoreError as error:
            log.warning("serving.not_answered", kind=command.kind, reason=error.message)
            return
        except Exception:
            # part of the engine's loop: what cannot be answered ends nothing else
            log.exception("serving.not_answered", kind=command.kind)
            return
        if self._wakes is not None:
            self._wakes.tell(f"command:{command.command_id}")

    async def _done(self, command: Command) -> Mapping[str, Any]:
        deed = self._deeds.get(command.kind)
        if deed is None:
            # of a newer version
            return {"refused": sentences.NO_PROCESS_NOW.text}
        try:
            return {"done": await deed(command.account_id, json.loads(command.body))}
        except WaystationError as error:
            log.warning("serving.not_done", kind=command.kind, reason=error.message)
            return {"refused": error.message}
        except Exception:
            # one of the engine's loops: it records what happened and goes on
            log.exception("serving.failed", kind=command.kind)
            return {"refused": sentences.NO_PROCESS_NOW.text}
