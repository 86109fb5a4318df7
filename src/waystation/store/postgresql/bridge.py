"""Bridge: plain functions that wait, in their middle, for a coroutine of the event loop.

How it works: the function runs in a greenlet of its own. `wait_for` hands a coroutine to the
greenlet that began it, which is the event loop's task; the task awaits it and goes back with its
result. So the store's transactions stay plain functions, whichever database they run on (ADR 27).

Source: SQLAlchemy, `sqlalchemy.util.concurrency`: its ORM runs on asyncpg so since 2020
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet

__all__ = ["bridged", "wait_for"]

_T = TypeVar("_T")


class _Bridge(greenlet):  # type: ignore[misc]
    """The greenlet of one plain function; its parent is the greenlet of the task."""


async def bridged(function: Callable[..., _T], *args: Any) -> _T:
    """Run a plain function that may call `wait_for`. Raises: what the function raises"""
    current = getcurrent()
    bridge = _Bridge(function, current)
    # what the task knows of its context, the function knows
    bridge.gr_context = current.gr_context
    given = bridge.switch(*args)
    while not bridge.dead:
        try:
            value = await given
        except BaseException:
            # cancellation, too: the function must end before its task does
            given = bridge.throw(*sys.exc_info())
        else:
            given = bridge.switch(value)
    return cast(_T, given)


def wait_for(awaitable: Awaitable[_T]) -> _T:
    """Return what a coroutine returns, while the event loop goes on.

    Raises: RuntimeError: nothing of `bridged` has called; what the coroutine raises
    """
    current = getcurrent()
    if not isinstance(current, _Bridge):
        if hasattr(awaitable, "close"):
            awaitable.close()
        raise RuntimeError("Only a function that `bridged` runs can wait.")
    return cast(_T, current.parent.switch(awaitable))
