"""Rate limits: from what Discord answers to how long to wait.

How it works: Discord limits each route together with its major parameter (channel or guild) in a
*bucket*, and everything an account does in one global bucket. With a user's token it rarely says
how much of a bucket is left, so mostly one can only obey: a 429 names the wait in its body, in
seconds with a fraction. A 429 that is no JSON comes from the network in front of Discord; it has
been seen with milliseconds in its header, so only minutes are safe. Answers 401, 403 and 429 count
as invalid; at 10,000 in ten minutes Discord bans the address for a day. `Breaker` stops all sends
of an installation at a tenth of that (R35).

Sources: wire notes 1.7; Discord, Rate Limits, heading Invalid Request Limit.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

__all__ = [
    "BREAKER_WINDOW_S",
    "EDGE_WAIT_S",
    "LONGEST_WAIT_S",
    "Breaker",
    "Limits",
    "Verdict",
    "judge",
]

BREAKER_WINDOW_S: Final = 600
"""Within it `limit` invalid answers stop all sends (R35)."""

EDGE_WAIT_S: Final = 300.0
"""Least wait after a 429 that is no JSON: minutes (wire notes 1.7)."""

LONGEST_WAIT_S: Final = 3600.0
"""No wait is believed to be longer: a ban shows itself again after it."""

_DEFAULT_WAIT_S: Final = 5.0
"""For a 429 whose JSON names no usable wait. Our choice."""

_TOO_MANY: Final = 429
_INVALID_STATUSES: Final = frozenset({401, 403, _TOO_MANY})
_ROW_S: Final = 60
_TRACKED_BUCKETS: Final = 1000
"""More blocked buckets than one account can have at once; bounds memory."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The limits that one answer tells.

    `wait_s` holds for the bucket, or for the whole account when `everywhere`; 0 for no wait.
    `invalid`: the answer counts against the address (R35).
    """

    wait_s: float = 0.0
    everywhere: bool = False
    invalid: bool = False


def judge(status: int, headers: Mapping[str, str], body: str) -> Verdict:
    """Read one answer of Discord's REST API.

    Args: headers: any mapping that ignores the case of names, or has them in lower case
    """
    if status == _TOO_MANY:
        return _judge_refusal(headers, body)
    invalid = status in _INVALID_STATUSES
    if headers.get("x-ratelimit-remaining") == "0":
        wait_s = _seconds(headers.get("x-ratelimit-reset-after"))
        return Verdict(min(wait_s or 0.0, LONGEST_WAIT_S), invalid=invalid)
    return Verdict(invalid=invalid)


def _judge_refusal(headers: Mapping[str, str], body: str) -> Verdict:
    said = _json_object(body)
    in_header_s = _seconds(headers.get("retry-after"))
    if said is None:
        wait_s = max(EDGE_WAIT_S, in_header_s or 0.0)
        return Verdict(min(wait_s, LONGEST_WAIT_S), everywhere=True, invalid=True)
    in_body_s = _seconds(said.get("retry_after"))
    wait_s = _DEFAULT_WAIT_S if in_header_s is None else in_header_s
    wait_s = wait_s if in_body_s is None else in_body_s
    scope = headers.get("x-ratelimit-scope")
    everywhere = (
        said.get("global") is True
        or scope == "global"
        or headers.get("x-ratelimit-global", "").lower() == "true"
    )
    return Verdict(min(wait_s, LONGEST_WAIT_S), everywhere, invalid=scope != "shared")


def _json_object(body: str) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def _seconds(value: object) -> float | None:
    """Return a wait as Discord writes it, None when it is no number of seconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


class Limits:
    """The waits that hold for one account. Times are monotonic seconds."""

    __slots__ = ("_everywhere_until", "_until")

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._everywhere_until = 0.0

    def note(self, bucket: str, verdict: Verdict, now: float) -> None:
        """Remember an answer's wait; a shorter one never shortens a standing one."""
        if verdict.wait_s <= 0:
            return
        until = now + verdict.wait_s
        if verdict.everywhere:
            self._everywhere_until = max(self._everywhere_until, until)
            return
        if len(self._until) >= _TRACKED_BUCKETS:
            self._until = {name: end for name, end in self._until.items() if end > now}
        self._until[bucket] = max(self._until.get(bucket, 0.0), until)

    def wait_s(self, bucket: str, now: float) -> float:
        """Return how long to wait before the next request to that bucket."""
        return max(0.0, max(self._everywhere_until, self._until.get(bucket, 0.0)) - now)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Invalid answers of the last ten minutes, of all accounts of an installation (R35).

    Shape of `rows`: (minute, answers), oldest first, at most eleven. Rows are whole minutes, so the
    window is up to a minute longer than it says: on the safe side.
    """

    limit: int
    rows: tuple[tuple[int, int], ...] = ()

    def counted(self, now: float, number: int = 1) -> Breaker:
        """Return the breaker with more invalid answers, none of them older than those before."""
        minute = int(now // _ROW_S)
        kept = self._fresh(minute)
        if kept and kept[-1][0] == minute:
            return Breaker(self.limit, (*kept[:-1], (minute, kept[-1][1] + number)))
        return Breaker(self.limit, (*kept, (minute, number)))

    def wait_s(self, now: float) -> float:
        """Return how long nothing may be sent yet; 0 when it may."""
        fresh = self._fresh(int(now // _ROW_S))
        left = sum(count for _, count in fresh)
        wait_s = 0.0
        for minute, count in fresh:
            if left < self.limit:
                break
            left -= count
            wait_s = (minute + 1) * _ROW_S + BREAKER_WINDOW_S - now
        return wait_s

    def _fresh(self, minute: int) -> tuple[tuple[int, int], ...]:
        oldest = minute - BREAKER_WINDOW_S // _ROW_S
        return tuple(row for row in self.rows if row[0] >= oldest)
