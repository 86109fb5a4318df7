"""Await points: where the tasks of a process stand still; they are found, not listed.

How it works: a task factory puts each coroutine into a wrapper that the event loop drives instead.
Whenever one suspends, the chain of those that await one another is read from its frames: the lines
of the named packages in it are the point. A process can be told to die, by SIGKILL of itself, as a
task comes to stand at a point, or as it is woken there, before it goes on.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Coroutine, Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

__all__ = ["ARM", "DIES_AT", "PACKAGES", "RECORDS", "Death", "Moment", "Watch"]

PACKAGES = (
    "waystation.engine.",
    "waystation.store.",
    "waystation.outbound.",
    "waystation.midjourney.",
    "waystation.discord.",
)
"""A point is made of their lines; those of others are left out."""

ARM = signal.SIGUSR1
"""From this signal on points are recorded and counted, and one of them kills."""

DIES_AT = "TEST_DIES_AT"
"""Environment variable: the file that says where to die, as text, when the process is armed."""

RECORDS = "TEST_RECORDS"
"""Environment variable: the file to which each passing of a point is written, a line each."""


class Moment(StrEnum):
    """Sides of an await point."""

    STANDS = "stands"
    """Something is waited for, and has not come."""
    WOKEN = "woken"
    """It has come, and nothing was made of it yet."""


@dataclass(frozen=True, order=True)
class Death:
    """A point, the side of it on which the process dies, and at which of its passings."""

    point: str
    moment: Moment
    time: int = 1

    def __str__(self) -> str:
        return f"{self.time} {self.moment} {self.point}"

    @staticmethod
    def of(text: str) -> Death:
        """Read what `str` wrote."""
        time, moment, point = text.split(" ", 2)
        return Death(point, Moment(moment), int(time))


class Watch:
    """Sees the tasks of one event loop, and kills its process where it was told to."""

    def __init__(self, told: Path | None, records: int | None) -> None:
        """Args: told: the file of `DIES_AT`; records: a file descriptor for the points"""
        self._told = told
        self._death: Death | None = None
        self._records = records
        self._armed = False
        self._passed = 0

    def arm(self, *_: object) -> None:
        """Begin to record, to count and to kill where the file says now."""
        if self._told is not None and self._told.exists():
            self._death = Death.of(self._told.read_text("utf-8"))
        self._armed, self._passed = True, 0

    def task(self, loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> Any:
        """Make a task; the loop's task factory."""
        return asyncio.Task(_Watched(coro, self), loop=loop, **kwargs)

    def passes(self, point: str, moment: Moment) -> None:
        """Note that a task stands at a point, or is about to go on from it."""
        if not self._armed or not point:
            return
        if self._records is not None:
            os.write(self._records, f"{moment} {point}\n".encode())
        death = self._death
        if death is not None and death.point == point and death.moment is moment:
            self._passed += 1
            if self._passed == death.time:
                os.kill(os.getpid(), signal.SIGKILL)


class _Watched(Coroutine[Any, Any, Any]):
    """A coroutine that tells where it stands."""

    def __init__(self, inner: Coroutine[Any, Any, Any], watch: Watch) -> None:
        self._inner = inner
        self._watch = watch
        self._point = ""

    def send(self, value: Any) -> Any:
        self._watch.passes(self._point, Moment.WOKEN)
        return self._stopped(self._inner.send(value))

    def throw(self, *error: Any) -> Any:
        self._watch.passes(self._point, Moment.WOKEN)
        return self._stopped(self._inner.throw(*error))

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:
        # whoever looks at a task's coroutine sees the real one
        return getattr(self._inner, name)

    def _stopped(self, awaited: Any) -> Any:
        self._point = " > ".join(_chain(self._inner))
        self._watch.passes(self._point, Moment.STANDS)
        return awaited


def _chain(outermost: Any) -> Iterator[str]:
    """Yield the lines at which coroutines await one another, outermost first."""
    one = outermost
    while one is not None:
        frame, code, one = _step(one)
        if frame is not None and code is not None:
            module = str(frame.f_globals.get("__name__", ""))
            if module.startswith(PACKAGES):
                yield f"{module}:{code.co_qualname}:{frame.f_lineno}"


def _step(one: Any) -> tuple[FrameType | None, CodeType | None, Any]:
    """Return frame and code of an awaitable, and what it awaits itself."""
    if isinstance(one, CoroutineType):
        return one.cr_frame, one.cr_code, one.cr_await
    if isinstance(one, GeneratorType):
        return one.gi_frame, one.gi_code, one.gi_yieldfrom
    if isinstance(one, AsyncGeneratorType):
        return one.ag_frame, one.ag_code, one.ag_await
    if isinstance(one, _Watched):
        return None, None, one._inner
    # the step of an asynchronous generator, and the iterator of a coroutine, show nothing of it
    held = gc.get_referents(one)
    kinds = (AsyncGeneratorType, CoroutineType, GeneratorType)
    return None, None, next((each for each in held if isinstance(each, kinds)), None)
