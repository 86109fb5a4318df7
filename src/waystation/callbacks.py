"""Callback: the obligation to POST a job's body to one URL, and its retry schedule.

A job's end is delivered until it is taken. Progress is delivered once or not at all: whatever comes
after it supersedes it (R41).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from waystation.jobs import JobId

__all__ = [
    "ATTEMPT_AFTER_S",
    "TAKEN",
    "Attempt",
    "Callback",
    "CallbackStatus",
    "LONGEST_RETRY_AFTER_S",
    "LONGEST_WAITS_S",
    "next_attempt_at",
]

ATTEMPT_AFTER_S = (0, 5, 300, 1800, 7200, 18000, 36000, 36000)
"""Seconds before each attempt, counted from the one before: eight attempts in about 28 hours."""


TAKEN = "taken, not followed"
"""Log text for a redirect that leads to the receiver's answer. Google Apps Script answers
every request so, after it ran (R41)."""

LONGEST_RETRY_AFTER_S = 3600
"""Longest wait that a receiver can ask for; the schedule's own waits are longer in the end."""

LONGEST_WAITS_S = (
    0.0,
    *(max(wait_s * 1.1, LONGEST_RETRY_AFTER_S) for wait_s in ATTEMPT_AFTER_S[1:]),
)
"""With the most jitter, or as a receiver asks, by the number of tries before."""


class CallbackStatus(StrEnum):
    """Where a callback is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    SUPERSEDED = "superseded"
    DISABLED = "disabled"
    """Not sent, because its receiver was disabled."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One job's body on its way to one URL.

    `callback_id` is the `webhook-id` header, the same on all attempts, so that receivers can
    deduplicate. `body` is exactly what GET answers for the job (JSON, UTF-8) at that moment.
    """

    callback_id: str
    jobid: JobId | None
    """None for a ping, which tests a receiver."""
    user_id: int
    url: str
    body: bytes
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    status: CallbackStatus = CallbackStatus.PENDING
    is_final: bool = True
    """True when it tells the job's end."""
    earlier: int = 0
    """Attempts that were made before it was last asked for again: the schedule began anew then."""
    sequence: int = 0
    """Number of the job's event that it tells: of two callbacks the higher one is newer (R37)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one HTTP try of a callback ended.

    `status` is the receiver's HTTP status, None when there was none; `reason` says why it was not
    taken, or TAKEN of a redirect that says it was.
    """

    status: int | None
    reason: str | None
    duration_s: float
    retry_after_s: float | None = None
    """How long the receiver asks to be left alone; None: it says nothing of it."""

    @property
    def gone(self) -> bool:
        """True when the receiver wants nothing more at this URL (R41)."""
        return self.status == 410

    @property
    def failure(self) -> str:
        """Why it was not taken, in words."""
        return self.reason or f"HTTP status {self.status}"

    @property
    def delivered(self) -> bool:
        """True when the receiver took it: any 2xx, or a redirect after it ran (R41)."""
        if self.reason == TAKEN:
            return True
        return self.status is not None and 200 <= self.status < 300


def next_attempt_at(
    attempts: int, now: datetime, jitter: float, retry_after_s: float | None = None
) -> datetime | None:
    """Return when to try again after `attempts` failed tries, or None to give up.

    Args: jitter: 0 to 1; adds up to a tenth of the wait, so that receivers do not see waves;
    retry_after_s: the least that the receiver asks for
    """
    if attempts >= len(ATTEMPT_AFTER_S):
        return None
    wait_s = ATTEMPT_AFTER_S[attempts] * (1 + jitter / 10)
    asked_s = min(retry_after_s or 0, LONGEST_RETRY_AFTER_S)
    return now + timedelta(seconds=max(wait_s, asked_s))
