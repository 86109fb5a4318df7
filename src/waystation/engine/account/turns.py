"""Turns: when an account may be asked something again, and why a job has not been asked yet.

How it works: three spans stand between two asks: our own pacing, the wait that Discord asked for
(R16), and the few seconds in which an ask that shows nothing is in flight (R15). Times are
monotonic seconds.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from waystation import sentences
from waystation.jobs import Failed, JobEvent, Refused
from waystation.midjourney.commands import MAX_LANE
from waystation.midjourney.deadlines import IN_FLIGHT
from waystation.ports import Standing

__all__ = [
    "IN_FLIGHT_S",
    "NOT_ANSWERED",
    "Hindrance",
    "Turns",
    "lane",
    "remaining",
]

IN_FLIGHT_S: Final = IN_FLIGHT.total_seconds()
"""How long an ask that has shown nothing keeps all others waiting (R15)."""

NOT_ANSWERED: Final = (
    "What the bot opened was not answered, so nothing comes of it; the job can be submitted again."
)

_LEAST_LANE: Final = 5


class Hindrance(Enum):
    """A reason why a job was not asked; its value is the sentence that the job ends with."""

    CONNECTION = sentences.CONNECTION_NOT_READY
    LOST = sentences.CONNECTION_LOST
    DISCORD = sentences.RATE_LIMITED
    BREAKER = sentences.BREAKER_OPEN
    UPLOAD = sentences.UPLOAD_SLOW
    LOOK_ALIKE = sentences.LOOK_ALIKE_WAITS
    TURN = sentences.NO_TURN

    @classmethod
    def of(cls, standing: Standing) -> Hindrance:
        """Return who lets nothing through: Discord, or the installation's own breaker."""
        return cls.BREAKER if standing.is_breaker else cls.DISCORD

    def end(self, limit: str, standing: Standing | None, *, opened: bool = False) -> JobEvent:
        """Return the end of a job that was not asked for this reason.

        Args: limit: how long it could wait, in words; opened: it was, and what the bot has opened
        for it was not answered
        """
        if self is Hindrance.DISCORD and standing is not None:
            # a press that Discord has executed is not refused any more (R25)
            kind = Failed if opened else Refused
            return kind(429, sentences.RATE_LIMITED.text, remaining(standing))
        details = NOT_ANSWERED if opened else sentences.NOTHING_SENT
        return Failed.by(self.value, details, time=limit)


@dataclass(slots=True)
class Turns:
    """The spans of one account."""

    _paced_until: float = 0.0
    _paced_before: float = 0.0
    """The same before what was sent last."""
    _last: str = ""
    """The nonce of what was sent last."""
    _in_flight_until: float = 0.0
    _told: Standing = field(default_factory=lambda: Standing(0.0, ""))
    """Discord's last refusal; its `wait_s` is the instant at which it ends."""
    _uploads_told: Standing = field(default_factory=lambda: Standing(0.0, ""))
    """The same of uploads, which have limits of their own."""

    def asked(self, now: float, pause_s: float, *, unbound: bool = True, nonce: str = "") -> None:
        """Note that something is sent now.

        Args: unbound: it is an ask, which has shown nothing yet
        """
        self._paced_before, self._last = self._paced_until, nonce
        self._paced_until = max(self._paced_until, now + pause_s)
        if unbound:
            self._in_flight_until = now + IN_FLIGHT_S

    def not_left(self, nonce: str) -> None:
        """Note that a request could not leave: unless another was sent since, nobody pauses."""
        if nonce == self._last:
            self._paced_until = self._paced_before

    def told(self, now: float, wait_s: float, text: str, *, uploads: bool = False) -> None:
        """Note that Discord asked to wait; a shorter wait never shortens a standing one.

        Args: uploads: it asked so for uploads alone
        """
        end = Standing(now + wait_s, text)
        if uploads:
            self._uploads_told = max(self._uploads_told, end, key=_wait_s)
        else:
            self._told = max(self._told, end, key=_wait_s)

    def standing(
        self, now: float, of_transport: Standing | None, *, uploads: bool = False
    ) -> Standing | None:
        """Return the longest wait that stands, None when nothing holds back.

        Args: of_transport: what the connection knows of it, from other requests too; uploads:
        whether something must be uploaded first
        """
        told = max(self._told, self._uploads_told, key=_wait_s) if uploads else self._told
        own = Standing(told.wait_s - now, told.text)
        longest = max((own, of_transport or own), key=_wait_s)
        return longest if longest.wait_s > 0 else None

    def pause_s(self, now: float) -> float:
        """Return what is left of the pause between two interactions; not positive: none."""
        return self._paced_until - now

    def in_flight_s(self, now: float) -> float:
        """Return how long the ask in flight may still show nothing; not positive: no longer."""
        return self._in_flight_until - now


def _wait_s(standing: Standing) -> float:
    return standing.wait_s


def remaining(standing: Standing) -> str:
    """Return Discord's last text with the seconds that remain as its `retry_after` (R16)."""
    try:
        said = msgspec.json.decode(standing.text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError, ValueError):
        return standing.text
    return msgspec.json.encode(said | {"retry_after": math.ceil(standing.wait_s)}).decode()


def lane(first_answer_s: float, pacing_s: float) -> int:
    """Return how many jobs without a slot may wait on an account: as many as get a turn (R16)."""
    if pacing_s <= 0:
        return MAX_LANE
    return max(_LEAST_LANE, min(MAX_LANE, int(first_answer_s / pacing_s)))
