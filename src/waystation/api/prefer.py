"""Prefer: how long a caller wants to wait for the end of a job, and how many may wait at once.

Rules: a preference that cannot be read is ignored, as RFC 7240 has it; a wait longer than allowed
is cut to the longest, and the answer says so.

Source: RFC 7240, sections 2 and 4.3; R2; R48
"""

from __future__ import annotations

from waystation import sentences
from waystation.api.answer import Headers
from waystation.api.places import Places

__all__ = ["LONGEST_WAIT_S", "WAITERS", "applied", "preferred_wait_s", "waits"]

LONGEST_WAIT_S = 60
"""Longest wait for the end of a job (R2)."""

WAITERS = 50
"""Requests of one user that wait for the end of a job (R48)."""


def preferred_wait_s(prefer: str | None) -> int | None:
    """Return the seconds of the first `wait` preference, at most 60; None where there is none."""
    for part in (prefer or "").split(","):
        name, _, value = part.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            digits = value.strip().strip('"')
            if not (digits.isascii() and digits.isdigit()):
                return None
            return LONGEST_WAIT_S if len(digits) > 9 else min(int(digits), LONGEST_WAIT_S)
    return None


def applied(wait_s: int) -> Headers:
    """Return the header that tells a caller for how long it could have waited."""
    return ((b"preference-applied", b"wait=%d" % wait_s),)


def waits() -> Places:
    """Return the places of requests that wait for the end of a job."""
    return Places("waits", WAITERS, sentences.TOO_MANY_WAITS, retry_after_s=1)
