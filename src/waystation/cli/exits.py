"""EXITS: what each exit code of `waystation` means, and which one an end deserves.

One table: `waystation --help` and the documentation show it, scripts rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from waystation.errors import (
    Busy,
    ConfigurationError,
    Halted,
    InvalidRequest,
    NotFound,
    SchemaMismatch,
    SubscriptionExpired,
    TooLarge,
    TransportError,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
    VaultError,
    WaystationError,
)

__all__ = ["EXITS", "Exit", "exit_for_error", "exit_for_job"]


class Exit(IntEnum):
    """Exit codes; `EXITS` says what they mean."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    UNAUTHORIZED = 4
    HALTED = 5
    BUSY = 6
    MODERATED = 7
    NOT_FOUND = 8
    CANCELLED = 9
    NOT_SAVED = 10
    INTERRUPTED = 130


EXITS: Mapping[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "a job failed, a check found something, a conflict (409), or any other error",
    Exit.USAGE: "wrong arguments, input, settings, keys or schema (400, 412, 413, 415)",
    Exit.UNREACHABLE: "the service is not reachable, not ready or too slow (502, 503)",
    Exit.UNAUTHORIZED: "no valid token, or no subscription (401, 402)",
    Exit.HALTED: "the Discord account is halted until it is reset (596)",
    Exit.BUSY: "all slots are taken, or Discord limits the rate (429)",
    Exit.MODERATED: "Midjourney's content rules refused the job (422)",
    Exit.NOT_FOUND: "there is no such job, account or user (404)",
    Exit.CANCELLED: "the job that was waited for, or was to be saved, was cancelled",
    Exit.NOT_SAVED: "a picture is not saved, or not there yet; `jobs show --save` tries again",
    Exit.INTERRUPTED: "stopped by Ctrl-C; a submitted job goes on",
}

_BY_ERROR: tuple[tuple[type[WaystationError], Exit], ...] = (
    (Unauthorized, Exit.UNAUTHORIZED),
    (SubscriptionExpired, Exit.UNAUTHORIZED),
    (Halted, Exit.HALTED),
    (Busy, Exit.BUSY),
    (NotFound, Exit.NOT_FOUND),
    (InvalidRequest, Exit.USAGE),
    (TooLarge, Exit.USAGE),
    (UnsupportedMedia, Exit.USAGE),
    (ConfigurationError, Exit.USAGE),
    (VaultError, Exit.USAGE),
    (SchemaMismatch, Exit.USAGE),
    (Unavailable, Exit.UNREACHABLE),
    (TransportError, Exit.UNREACHABLE),
)

_BY_CODE: Mapping[int, Exit] = {596: Exit.HALTED, 429: Exit.BUSY, 422: Exit.MODERATED}

_BY_STATUS: Mapping[str, Exit] = {
    "moderated": Exit.MODERATED,
    "failed": Exit.FAILED,
    "cancelled": Exit.CANCELLED,
}


def exit_for_error(error: WaystationError) -> Exit:
    """Return the exit code for an error that ended a command."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.FAILED)


def exit_for_job(status: str | None, code: int | None) -> Exit:
    """Return the exit code for a job's status and v2 code; a job that still runs is fine."""
    if status == "failed" and code is not None:
        return _BY_CODE.get(code, Exit.FAILED)
    return _BY_STATUS.get(status or "", Exit.OK)
