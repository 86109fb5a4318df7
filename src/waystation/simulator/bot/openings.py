"""Openings that the bot waits for: forms and iframes, for a limited time and one use."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from waystation.simulator.bot.job import Job
from waystation.simulator.discord.ids import Now

__all__ = ["Openings"]

_MOST = 10_000
"""Open at the same time; the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class _Opening:
    job: Job
    until_s: float


class Openings:
    """Jobs that opened something, by the key that its sender names."""

    def __init__(self, now: Now, life_s: float) -> None:
        self._now = now
        self._life_s = life_s
        self._open: OrderedDict[str, _Opening] = OrderedDict()

    def add(self, key: str, job: Job) -> None:
        """Wait for what somebody makes of a job's form."""
        self._open[key] = _Opening(job, self._now().timestamp() + self._life_s)
        if len(self._open) > _MOST:
            self._open.popitem(last=False)

    def find(self, key: str) -> Job | None:
        """Return who opened this; None if nobody did, or too long ago."""
        opening = self._open.get(key)
        if opening is None or opening.until_s < self._now().timestamp():
            return None
        return opening.job

    def close(self, key: str) -> None:
        """Take no second answer."""
        self._open.pop(key, None)

    def clear(self) -> None:
        """Forget everything that is open."""
        self._open.clear()
