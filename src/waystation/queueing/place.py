"""Place: where a waiting job stands in the queue, how long that may take, and why it waits.

All of it follows from rows and from what the owners of accounts know. It is what its caller reads;
nothing decides by it.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

__all__ = ["AccountNow", "InQueue", "QueuePlace", "Rival", "place_of", "reason"]


@dataclass(frozen=True, slots=True)
class Rival:
    """Another user who may use one of the accounts: jobs that wait in the same class."""

    jobs: int
    weight: int


@dataclass(frozen=True, slots=True)
class InQueue:
    """A waiting job and those before it, by the rows."""

    priority: int
    not_before: datetime
    """It waits at least until then: it was put back."""
    until: datetime
    """It waits at most until then."""
    own: int
    """Jobs of its user before it in its class."""
    above: int
    """Jobs of a higher class, of anybody."""
    weight: int
    rivals: Sequence[Rival] = ()
    mode: str | None = None
    """The mode that its account must be in."""
    takes_slot: bool = True
    uploads: bool = False
    """True: a picture must be uploaded before it is asked."""
    at_once: int | None = None
    """Jobs that its user may have at once, where so many run."""
    revoked: bool = False
    """True: its user's token is."""
    expired: bool = False
    """True: its user's subscription has."""
    span_s: float | None = None
    """Length of a usual job of these accounts; None while none has ended."""


@dataclass(frozen=True, slots=True)
class AccountNow:
    """An account that may take the job, as it is now."""

    channel: str
    limit: int
    """Slots, or jobs without a slot, that it takes at once."""
    taken: int
    halt: str | None = None
    connected: bool = True
    mode: str | None = None
    """The mode that it is known to be in."""
    wait_s: float = 0.0
    """How long Discord still asks it to wait."""
    spent: bool = False
    """True: it has taken as many jobs as it may in a day."""
    rests_until: datetime | None = None
    """It is given no job of the queue until then: Midjourney's own queue was full."""
    hurried: bool = False
    """True: it has taken as many jobs as it may within a minute."""
    passed_over: bool = False
    """True: Discord keeps refusing it, and the job has another account (R50)."""
    lets_nothing_through: bool = False
    """True: the breaker of the installation stands."""

    @property
    def free(self) -> bool:
        """True when it has room."""
        return self.taken < self.limit


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A waiting job as its caller sees it."""

    position: int
    """1 is next."""
    estimate_s: int | None
    """Seconds until it may be sent; None where nothing tells."""
    priority: int
    why: str


def place_of(job: InQueue, accounts: Sequence[AccountNow], now: datetime) -> QueuePlace:
    """Return the place of a job. Args: accounts: those that may take it"""
    position = _position(job)
    usable = [one for one in accounts if one.halt is None and not (one.spent or one.passed_over)]
    slots = sum(one.limit for one in usable)
    estimate_s = None
    if job.span_s is not None and slots:
        estimate_s = math.ceil(math.ceil(position / slots) * job.span_s)
    why = reason(job, accounts, now, position - 1)
    return QueuePlace(position, estimate_s, job.priority, why)


def reason(job: InQueue, accounts: Sequence[AccountNow], now: datetime, before: int = 0) -> str:
    """Return why a job waits, as a sentence. Args: before: jobs that are sent before it"""
    if job.revoked:
        return "The user's token is revoked."
    if job.expired:
        return "The user's subscription has ended."
    if not accounts:
        return "There is no account that may take it."
    usable = [one for one in accounts if one.halt is None]
    if not usable:
        return _halted(accounts)
    if job.not_before > now:
        return f"It was refused for the moment, and is tried again from {_time(job.not_before)}."
    if job.at_once is not None:
        return f"As many jobs of the user run as may at once: {job.at_once}."
    drawn = [one for one in usable if not one.passed_over]
    hindrance = _hindrance(job, drawn, now, before)
    if hindrance is not None:
        return hindrance + _passed_over([one for one in usable if one.passed_over])
    return "It is about to be sent." if before == 0 else f"{_jobs(before)} before it."


def _hindrance(
    job: InQueue, accounts: Sequence[AccountNow], now: datetime, before: int
) -> str | None:
    """Return what keeps all of the accounts from taking a job; None: one of them may."""
    connected = [one for one in accounts if one.connected]
    if not connected:
        return "Waystation is connecting to Discord, or cannot be heard there."
    if all(one.wait_s > 0 for one in connected):
        return _told_to_wait(connected, now)
    able = [one for one in connected if one.wait_s <= 0]
    if job.mode is not None:
        able = [one for one in able if one.mode == job.mode]
        if not able:
            return f"No account is known to be in {job.mode} mode."
    able = [one for one in able if not one.spent]
    if not able:
        return "As many jobs were taken today (UTC) as an account may take."
    able = [one for one in able if not one.hurried]
    if not able:
        return "As many jobs were taken as an account may take within a minute."
    rests = [one.rests_until for one in able if one.rests_until and one.rests_until > now]
    able = [one for one in able if one.rests_until not in rests]
    if not able:
        return f"Midjourney's own queue is full; it is asked again from {_time(min(rests))}."
    if not any(one.free for one in able):
        if not job.takes_slot:
            return "The account has as many jobs without a slot as it can send in time."
        return _full(sum(one.limit for one in able), before)
    return None


def _passed_over(accounts: Sequence[AccountNow]) -> str:
    """Return a further sentence that tells of accounts that are not used (R50)."""
    if not accounts:
        return ""
    which = f"{len(accounts)} accounts"
    if len(accounts) == 1:
        which = f"the account of channel {accounts[0].channel}"
    return f" Discord keeps refusing {which}, so others are preferred."


def _position(job: InQueue) -> int:
    """Return the place in the rotation: each other user has as many turns, by weight."""
    turns = job.own + 1
    others = (min(rival.jobs, math.ceil(turns * rival.weight / job.weight)) for rival in job.rivals)
    return job.above + turns + sum(others)


def _halted(accounts: Sequence[AccountNow]) -> str:
    first = accounts[0]
    if len(accounts) == 1:
        return f"The account of channel {first.channel} is halted: {first.halt}"
    return f"All {len(accounts)} accounts are halted; that of channel {first.channel}: {first.halt}"


def _told_to_wait(accounts: Sequence[AccountNow], now: datetime) -> str:
    soonest = min(accounts, key=lambda one: one.wait_s)
    if soonest.lets_nothing_through:
        return "Discord has refused too many requests, so nothing is sent to it for a while."
    at = datetime.fromtimestamp(math.ceil(now.timestamp() + soonest.wait_s), now.tzinfo)
    return f"Discord asks to wait until {_time(at)}."


def _full(slots: int, before: int) -> str:
    full = "The slot is in use" if slots == 1 else f"All {slots} slots are in use"
    return f"{full}." if before == 0 else f"{full}, and {_jobs(before)} before it."


def _jobs(count: int) -> str:
    return "1 job is" if count == 1 else f"{count} jobs are"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
