"""Rooms: how full the accounts are (R31).

A slot is a column of the job row, so the slots of a channel are counted, never kept. Verbs without
a slot share a short lane per account instead (R16).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from waystation.quotas import Quota
from waystation.store.columns import Row, instant_or_none
from waystation.store.transactions.database import Reads
from waystation.store.transactions.quotas import account_quota

__all__ = ["Room", "any_room", "room_for"]


@dataclass(frozen=True, slots=True)
class Room:
    """An account, and what is taken of it."""

    account_id: str
    channel: str
    server: str | None
    max_jobs: int
    discord: str
    discord_user_id: str
    halted: bool
    removed: bool
    slots: int
    """Slots that are taken."""
    in_lane: int
    """Unfinished jobs without a slot."""
    rests_until: datetime | None = None
    """It is given no job of the queue until then."""
    owner: int = 0
    """Its owner's user_id."""
    today: Quota | None = None
    """The account's jobs of a day, and the rest of them; None: any number."""

    @property
    def usable(self) -> bool:
        """True when new jobs may be submitted through it."""
        return not (self.halted or self.removed)


def room_for(reads: Reads, account_id: str, user_id: int, wall: datetime) -> Room | None:
    """Look at an account; None when it is not there or this user may not use it (R32).

    Args: wall: the moment as people's clocks show it, which tells the day (UTC)
    """
    row = reads.one("room", {"account_id": account_id, "user_id": user_id})
    return None if row is None else _room(account_id, row, wall)


def any_room(reads: Reads, account_id: str, wall: datetime) -> Room | None:
    """Look at an account of anybody; None when it is not there. Args: wall: as in `room_for`"""
    row = reads.one("queue_room", {"account_id": account_id})
    return None if row is None else _room(account_id, row, wall)


def _room(account_id: str, row: Row, wall: datetime) -> Room:
    owner, channel, server, max_jobs, masked_token, discord_user_id, halt, *rest = row
    removed_at, rests_until, jobs_a_day, day, day_jobs, slots, lane = rest
    return Room(
        account_id,
        channel,
        server,
        max_jobs,
        masked_token,
        discord_user_id,
        halt is not None,
        removed_at is not None,
        slots,
        lane,
        instant_or_none(rests_until),
        owner,
        account_quota(channel, jobs_a_day, day, day_jobs, wall),
    )
