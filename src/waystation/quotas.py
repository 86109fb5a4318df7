"""Quota: how much of a limit is left, as callers are told it in the RateLimit headers.

Pure: no I/O, no clock, no randomness.

Source: Internet-Draft draft-ietf-httpapi-ratelimit-headers-11 (2026-05)
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

__all__ = ["Quota", "UserQuotas", "slots_of"]


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of ours, and how much of it is left for one caller."""

    policy: str
    """Its name: letters and dashes."""
    limit: int
    left: int
    window_s: int | None = None
    """The span in which it counts; None: it counts what goes on at once."""
    resets_s: int | None = None
    """Whole seconds until some of it is given back; None where nothing tells."""
    partition: str = ""
    """The channel whose limit it is; empty: the caller's own."""


class UserQuotas(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Limits of a user's jobs that take a slot; None: no limit."""

    jobs_a_day: int | None = None
    """Jobs that are accepted in a day (UTC), whatever becomes of them."""
    jobs_at_once: int | None = None
    """Jobs that have not ended."""
    waiting_jobs: int | None = None
    """Jobs that wait in the queue."""


def slots_of(asked: int | None, most: int, *, may_raise: bool) -> int:
    """Return how many jobs with a slot an account may have for one more to find room (R31).

    Args: asked: the request's `maxJobs`; most: the account's own; may_raise: the request may name
    more than that, as the account's owner may without the queue (R32)
    """
    asked = asked or most
    return asked if may_raise else min(asked, most)
