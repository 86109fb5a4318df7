"""Tries: when a transaction runs again that has failed, if it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import asyncpg

__all__ = ["KNOWN_WITHIN_S", "ROWS_WITHIN_S", "UNUSABLE", "Tries", "is_broken", "is_lost"]

_MOST: Final = 8
"""How often a transaction is begun that others hinder."""

KNOWN_WITHIN_S: Final = 10.0
"""How long a server is asked whether a commit was made: as long as it may take to restart."""

ROWS_WITHIN_S: Final = 30.0
"""How long a transaction begins anew for rows that others hold."""

_PAUSE_S: Final = 0.1

UNUSABLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Errors that say that a database cannot be used."""

_HINDERED: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)
_STOPPED: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    OSError,
)


def is_broken(error: Exception) -> bool:
    """Tell whether an error says that the connection is gone, or the server stopping."""
    return isinstance(error, _STOPPED) and not isinstance(error, TimeoutError)


def is_lost(error: Exception) -> bool:
    """Tell whether a commit may have been made that ended with an error."""
    return is_broken(error) or isinstance(error, TimeoutError | asyncpg.InterfaceError)


class Tries:
    """The misfortunes of one transaction so far."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began_at = now()
        self._begun = 0
        self._twins = 0
        self._breaks = 0
        self._lost_at: float | None = None

    @property
    def met_a_twin(self) -> bool:
        """True once a row with the same key was written meanwhile."""
        return self._twins > 0

    def again_after_lost_commit(self) -> bool:
        """Tell whether to run again because an answer to a commit was lost: once."""
        if self._lost_at is not None:
            return False
        self._lost_at = self._now()
        return True

    def again_after(self, error: Exception) -> float | None:
        """Return how many seconds to wait before the next try; None: there is none."""
        self._begun += 1
        if isinstance(error, asyncpg.LockNotAvailableError):
            return 0.0 if self._now() - self._began_at < ROWS_WITHIN_S else None
        if isinstance(error, _HINDERED):
            return 0.0 if self._begun < _MOST else None
        if isinstance(error, asyncpg.UniqueViolationError):
            self._twins += 1
            return 0.0 if self._twins == 1 and self._begun < _MOST else None
        if self._lost_at is not None and is_lost(error):
            return _PAUSE_S if self._now() - self._lost_at < KNOWN_WITHIN_S else None
        if is_broken(error) or isinstance(error, asyncpg.InterfaceError):
            # a connection that the server has ended while the process slept is an interface error
            self._breaks += 1
            return 0.0 if self._breaks == 1 else None
        return None
