"""Memory: what a burst took goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import gc

from waystation.clock import SystemClock

__all__ = ["give_memory_back", "keep_memory_small"]

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
"""Source: glibc, mallopt(3)."""
_TRIM_EVERY_S = 20.0
_SELDOM = 1000
"""Looking for garbage stops everything, the longer the more is held: it may take so small a part of
the time."""
_LARGE_BYTES = 1 << 16
"""Above it memory is taken from the system piece by piece: bodies that wait are a little larger."""


def keep_memory_small() -> None:
    """Let threads that start from now on take memory from where the main thread does, and give
    what pictures and bodies took back to the system at once.

    glibc gives each thread memory of its own, so that every picture that is looked at would be paid
    for in page faults. And it raises its threshold with each large piece that is freed: pictures
    then lie between small things, and the process never shrinks again.
    """
    with contextlib.suppress(OSError, AttributeError):  # not every system has glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


async def give_memory_back(clock: SystemClock) -> None:
    """Hand to the system, now and then, what a burst of small things has left free between others.

    glibc itself gives back only what lies at the end, and Python looks for garbage that has lived
    for a while only when there is much more of it.
    """
    with contextlib.suppress(OSError, AttributeError):  # not every system has glibc
        trim = ctypes.CDLL(None).malloc_trim
        collects_s = 0.0
        while True:
            await clock.sleep(max(_TRIM_EVERY_S, _SELDOM * collects_s))
            began_at = clock.monotonic()
            gc.collect()
            collects_s = clock.monotonic() - began_at
            trim(0)
