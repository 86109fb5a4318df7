"""Quotas: what a user and an account may take of jobs with a slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waystation.jobs import JobId
from waystation.quotas import Quota

__all__ = ["OverQuota", "Quotas"]


@dataclass(frozen=True, slots=True)
class OverQuota:
    """A limit that leaves no room for one more job."""

    quota: Quota
    executing_jobs: Sequence[JobId] = ()
    """The caller's own unfinished jobs, where these are what is counted."""
    free_at: datetime | None = None
    """When the first of them should end, as jobs usually last; None: nothing tells."""

    @property
    def is_for_now(self) -> bool:
        """True when it counts what goes on at once, so that a job may wait for it."""
        return self.quota.window_s is None


class Quotas(Protocol):
    """Limits, and what of them is taken. All but `limit_account` are point reads.

    Args: wall: the moment as people's clocks show it, which tells the day (UTC)
    """

    async def over(self, user_id: int, wall: datetime) -> OverQuota | None:
        """Return the limit of a user that leaves no room; None: there is room."""
        ...

    async def left(self, user_id: int, wall: datetime) -> Quota | None:
        """Return how many jobs a user may take today; None: any number."""
        ...

    async def account_over(self, account_id: str, wall: datetime) -> Quota | None:
        """Return an account's limit of a day where it leaves no room; None: there is room."""
        ...

    async def free_at(self, account_id: str, channel: str) -> datetime | None:
        """Return when the first slot of an account is free, as its jobs usually last (R31).

        It may be over: a job takes longer than usual. None: nothing tells.
        """
        ...

    async def limit_account(
        self,
        account_id: str,
        jobs_a_day: int | None,
        by: int | None,
        *,
        max_jobs: int | None = None,
    ) -> None:
        """Set how many jobs an account takes a day, and how many slots it has; None: as before.

        Args: jobs_a_day: 0: any number; by: the user who does it; None: the host. Raises: NotFound
        """
        ...
