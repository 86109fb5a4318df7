"""Rate limits as Discord applies them: a window per bucket, and one for the whole token.

A bucket is a route template plus its major parameter (channel or guild). Discord does not publish
the numbers of most routes; those of `LIMITS` are ours. A user token sees headers only on a 429, a
bot token sees them always. Source: wire notes 1.7.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["LIMITS", "Limits", "Rate", "Ruling", "limited_body", "limited_headers", "rate_headers"]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    per_s: float


LIMITS: Mapping[str, Rate] = {
    "interactions": Rate(50, 5.0),
    "messages.send": Rate(5, 5.0),
    "messages.read": Rate(50, 1.0),
    "attachments": Rate(50, 5.0),
    "index": Rate(20, 10.0),
}
"""Limits by bucket name; routes without a row have only the global limit."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome of one request. Units: seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset_at_s: float
    reset_after_s: float
    bucket: str
    is_global: bool = False


@dataclass(slots=True)
class _Window:
    ends_at_s: float = 0.0
    used: int = 0


@dataclass(slots=True)
class Limits:
    """Counts requests in fixed windows, per token and bucket and per token alone."""

    global_per_s: int
    rates: Mapping[str, Rate] = field(default_factory=lambda: LIMITS)
    _windows: dict[tuple[str, str, str], _Window] = field(default_factory=dict)

    def judge(self, token: str, bucket: str, major: str, now_s: float) -> Ruling:
        """Count one request.

        Args: now_s: Unix time
        Returns: the global ruling if it refuses, else that of the bucket
        """
        overall = self._count((token, "", ""), Rate(self.global_per_s, 1.0), now_s, "global")
        rate = self.rates.get(bucket)
        if rate is None or not overall.allowed:
            return overall
        return self._count((token, bucket, major), rate, now_s, bucket)

    def clear(self) -> None:
        """Forget all counts."""
        self._windows.clear()

    def _count(self, key: tuple[str, str, str], rate: Rate, now_s: float, bucket: str) -> Ruling:
        window = self._windows.setdefault(key, _Window())
        if now_s >= window.ends_at_s:
            window.ends_at_s, window.used = now_s + rate.per_s, 0
        allowed = window.used < rate.requests
        window.used += allowed
        return Ruling(
            allowed,
            rate.requests,
            rate.requests - window.used,
            window.ends_at_s,
            window.ends_at_s - now_s,
            f"{bucket}:{key[2]}",
            is_global=not key[1],
        )


def rate_headers(ruling: Ruling) -> dict[str, str]:
    """Write the headers that a bot reads to stay inside its bucket."""
    if ruling.is_global:
        return {}
    return {
        "X-RateLimit-Limit": str(ruling.limit),
        "X-RateLimit-Remaining": str(ruling.remaining),
        "X-RateLimit-Reset": f"{ruling.reset_at_s:.3f}",
        "X-RateLimit-Reset-After": f"{ruling.reset_after_s:.3f}",
        "X-RateLimit-Bucket": f"{abs(hash_of(ruling.bucket)):032x}",
    }


def limited_headers(retry_after_s: float, *, is_global: bool) -> dict[str, str]:
    """Write the headers of a 429."""
    headers = {
        "Retry-After": f"{retry_after_s:g}",
        "X-RateLimit-Scope": "global" if is_global else "user",
    }
    return headers | {"X-RateLimit-Global": "true"} if is_global else headers


def limited_body(retry_after_s: float, *, is_global: bool) -> dict[str, object]:
    """Write the body of a 429, its keys in the order of v2 notes 3."""
    return {
        "global": is_global,
        "message": "You are being rate limited.",
        "retry_after": retry_after_s,
    }


def hash_of(bucket: str) -> int:
    """Return a stable number for a bucket's name; Discord shows an opaque hash."""
    value = 0
    for byte in bucket.encode():
        value = (value * 131 + byte) % (1 << 128)
    return value
