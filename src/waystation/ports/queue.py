"""The queue: jobs that wait until an account can take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from waystation.jobs import Job
from waystation.ports.records import JobChange
from waystation.queueing.place import InQueue
from waystation.sidelining import Trouble

__all__ = ["AccountRow", "Opening", "Queue"]


@dataclass(frozen=True, slots=True)
class Opening:
    """An account that may be asked something now, as its owner knows."""

    account_id: str
    lane: int
    """Jobs without a slot that it takes at once (R16)."""
    turn: timedelta
    """How long a job may wait there for its turn before it is put back."""
    mode: str | None = None
    """The mode that it is known to be in."""
    uploads_wait: bool = False
    """True: Discord asks its uploads to wait, so that it takes nothing with a picture (R16)."""
    wall_ahead: timedelta = timedelta()
    """Lead of the wall clock over the service's time; people's days are counted by it."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account that may take a waiting job, by the rows."""

    account_id: str
    channel: str
    limit: int
    taken: int
    halt: str | None
    trouble: Trouble | None = None
    """Refusals of Discord lately; the account may be sidelined (R50)."""
    rests_until: datetime | None = None
    """It is given nothing until then: Midjourney's own queue was full."""


class Queue(Protocol):
    """Jobs that wait. Each method is one transaction. Raises from all: StoreError."""

    async def wanted(self) -> Sequence[str]:
        """Return the account_ids that a waiting job may use, those that are halted left out."""
        ...

    async def wants(self, account_id: str) -> bool:
        """Tell whether a waiting job may use an account. A point read."""
        ...

    async def wants_mode(self) -> bool:
        """Tell whether a waiting job needs its account to be in a mode. A point read."""
        ...

    async def grant(self, opening: Opening, at: datetime) -> Job | None:
        """Give an account the job that is next for it, with its slot; None where there is none.

        In one transaction: the job waits still, the account is usable, and there is room.
        """
        ...

    async def end(self, change: JobChange, at: datetime) -> bool:
        """End a job that waits; False when it does not wait any more, or has changed."""
        ...

    async def waiting(self, until: datetime | None) -> Sequence[Job]:
        """Return the jobs that have waited until a moment as long as they may; None: all."""
        ...

    async def next_moment(self, at: datetime) -> datetime | None:
        """Return when a job that was put back may be sent next, or has waited as long as it may."""
        ...

    async def place(
        self, jobid: str, wall: datetime
    ) -> tuple[InQueue, Sequence[AccountRow]] | None:
        """Return where a job stands, and the accounts that may take it; None: it does not wait.

        Args: wall: the moment as people's clocks show it, by which subscriptions end
        """
        ...
