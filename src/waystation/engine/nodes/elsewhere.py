"""Elsewhere: has a deed done by the node that has an account, whichever node that is (ADR 28).

Rules: a deed done twice does what it does once. A command that no node took by its end is taken
back, so that nothing is done after its caller was told that it was not; a node that took it and
said nothing may have done it.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from waystation import sentences
from waystation.engine.feed import Bell, race
from waystation.errors import NotFound, StoreError, Throttled, Unavailable
from waystation.ports import Clock, Command, Commands, CommandStatus, IdSource
from waystation.ports.wakes import Wakes

__all__ = ["PATIENCE_S", "UNDER_WAY", "Elsewhere"]

log = structlog.get_logger("waystation.elsewhere")

PATIENCE_S: Final = 10.0
"""How long a command waits for its node."""

UNDER_WAY: Final = 200
"""Commands for the accounts of one user at once; each is a request that waits for its answer."""

_WORK_S: Final = 20.0
"""How long a node that took a command may work on it; a cancel waits for the bot's word."""

_PATIENCE: Final = timedelta(seconds=PATIENCE_S)
_WORK: Final = timedelta(seconds=_WORK_S)

_LOOK_S: Final = 1.0
"""Time between two looks at a command that nobody has told anything of."""


class Elsewhere:
    """Asks other nodes. Args: wakes: None where nothing is told, so that all look by themselves"""

    def __init__(
        self, commands: Commands, clock: Clock, ids: IdSource, wakes: Wakes | None = None
    ) -> None:
        self._commands = commands
        self._clock = clock
        self._ids = ids
        self._wakes = wakes
        self._dropping: set[asyncio.Task[None]] = set()
        self._bells: defaultdict[str, Bell] = defaultdict(Bell)

    @property
    def unheard_since(self) -> datetime | None:
        """Since when no answers can be heard; None while they can, or where nobody listens."""
        return None if self._wakes is None or not self._wakes.listens else self._wakes.silent_since

    def heard(self, ids: Collection[str] | None) -> None:
        """Look at the commands that others have answered."""
        for command_id, bell in self._bells.items():
            if ids is None or f"command:{command_id}" in ids:
                bell.ring()

    async def ask(self, account_id: str, kind: str, body: Any) -> Any:
        """Have a deed done, and return what the node answers.

        Args: body: JSON
        Raises: Unavailable: no node took it, or the one that did could not do it, or has not said,
        or there is no such account any more; Throttled: too many wait for the accounts of one user
        """
        command = Command(self._ids.token(12), account_id, kind, json.dumps(body))
        ends = self._clock.monotonic() + PATIENCE_S
        bell = self._bells[command.command_id]
        added = False
        try:
            added = await self._commands.add(command, _PATIENCE, UNDER_WAY, _WORK)
            if not added:
                log.warning("elsewhere.too_many", kind=kind)
                error = sentences.COMMANDS_AT_ONCE.said(limit=UNDER_WAY)
                raise Throttled(error, retry_after_s=1)
            if self._wakes is not None:
                self._wakes.tell(f"account:{account_id}")
            return await self._answer(command.command_id, bell, ends)
        except StoreError as error:
            raise Unavailable from error
        except NotFound as error:
            raise Unavailable(sentences.NO_PROCESS_NOW.text) from error
        finally:
            del self._bells[command.command_id]
            if added:
                # its caller has the answer, or has gone: nobody is to take it any more
                dropping = asyncio.create_task(self._drop(command.command_id))
                self._dropping.add(dropping)
                dropping.add_done_callback(self._dropping.discard)

    async def _drop(self, command_id: str) -> None:
        try:
            await self._commands.drop(command_id)
        except StoreError as error:
            log.warning("elsewhere.not_dropped", command=command_id, reason=error.message)

    async def _answer(self, command_id: str, bell: Bell, ends: float) -> Any:
        while True:
            rung = bell.wait()
            seen = await self._commands.look(command_id)
            status, answer = (None, None) if seen is None else seen
            if status is CommandStatus.DONE:
                rung.close()
                return _told(answer)
            left_s = ends - self._clock.monotonic()
            if status is CommandStatus.TAKEN:
                left_s += _WORK_S
            elif status is not CommandStatus.WAITING or (
                left_s <= 0 and await self._commands.withdraw(command_id)
            ):
                rung.close()
                log.warning("elsewhere.not_taken", command=command_id)
                raise Unavailable(sentences.NO_PROCESS_NOW.text)
            elif left_s <= 0:
                # it was taken in the last moment
                left_s += _WORK_S
            if left_s <= 0:
                rung.close()
                log.warning("elsewhere.not_answered", command=command_id)
                raise Unavailable(sentences.NO_PROCESS_NOW.text)
            await race(rung, self._clock.sleep(min(_LOOK_S, left_s)))


def _told(answer: str | None) -> Any:
    """Return what a node did. Raises: Unavailable: it could not"""
    told = json.loads(answer or "{}")
    if "refused" in told:
        raise Unavailable(str(told["refused"]))
    return told.get("done")
