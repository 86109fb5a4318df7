"""Choice: which of a caller's accounts may run a job.

Rules: the checks are in the order of R1. What is looked at here is cheap and may be outdated; the
store decides which account takes the job, in one transaction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from waystation import sentences
from waystation.engine.account.pool import Pool
from waystation.engine.account.turns import remaining
from waystation.engine.accounts import Accounts
from waystation.engine.everywhere import Everywhere
from waystation.engine.intake import urls_of
from waystation.engine.pressing import account_of, mode_needed
from waystation.engine.request import JobRequest
from waystation.engine.throttle import Throttle
from waystation.engine.weights import drawn, weight
from waystation.errors import Busy, Halted, InvalidRequest, RateLimited, Throttled
from waystation.jobs import Job, JobId
from waystation.midjourney.commands import COMMANDS, MAX_JOBS, MODE_VERBS, REMIX_VERBS, Command
from waystation.ports import (
    Account,
    Clock,
    HaltCause,
    IdSource,
    NoSlot,
    OverQuota,
    QueueDraft,
    Standing,
    Store,
    User,
)
from waystation.quotas import Quota, slots_of
from waystation.sidelining import preferred

__all__ = [
    "Choice",
    "Chosen",
    "busy",
    "halted",
    "jobs_a_minute",
    "over_quota",
    "rate_limited",
    "seconds_until",
]


_LATE_S: Final = 5
"""Seconds after which to ask again for a slot that should be free by now."""


def jobs_a_minute(lane: int, pacing_s: float) -> int | None:
    """Return how many jobs an account takes within a minute, None without pacing.

    More could not be asked, even if all slots and the lane were free before. Jobs that are
    cancelled before they are asked would otherwise upload pictures and write rows unpaced.
    """
    return None if pacing_s <= 0 else lane + MAX_JOBS + math.ceil(60 / pacing_s)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The accounts of a job, and how it waits."""

    candidates: Sequence[Account]
    """Those that may take it at once, in the order in which they are tried."""
    queue: QueueDraft | None = None
    """None: it does not wait."""


class Choice:
    """Finds the accounts that a job may run on."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        everywhere: Everywhere,
        accounts: Accounts,
        clock: Clock,
        ids: IdSource,
        lane: int,
        patience_s: float,
        a_minute: int | None = None,
    ) -> None:
        """Args: a_minute: jobs that one account takes within a minute; None: any number."""
        self._store = store
        self._pool = pool
        self._everywhere = everywhere
        self._accounts = accounts
        self._clock = clock
        self._ids = ids
        self._lane = lane
        self._patience_s = patience_s
        """How long a job may wait for its turn."""
        self._a_minute = a_minute
        self._taken = Throttle(timedelta(minutes=1), a_minute or 1)

    async def of(
        self,
        user: User,
        request: JobRequest,
        command: Command,
        parent: Job | None,
        queue: QueueDraft | None = None,
    ) -> Chosen:
        """Return the accounts that may take a job, and how it waits.

        The first is drawn among those that seem to have room, by its free slots and what failed on
        it lately, so that the store looks at it alone but for a race; the others follow as they
        come. A job of the queue waits where others are refused with 429: full slots and lanes, a
        wait of Discord's.

        Args: parent: the job whose message is acted on; only its own account can; queue: how the
        job may wait, None where it may not
        Raises: InvalidRequest, Halted; Busy, RateLimited: without the queue
        """
        if parent is not None:
            asked: Sequence[Account] = [account_of(parent, await self._accounts.of(user))]
        else:
            asked = await self._asked_for(user, request, command)
        usable = preferred(self._usable(user, asked), self._clock.now())
        remixes = "mode" in request.params and await self._remixes(usable[0])
        mode = mode_needed(request.mode, request.params, remixes=remixes)
        suited = await self._in_mode(usable, mode)
        if queue is not None:
            is_pinned = request.channel is not None or parent is not None or not command.takes_slot
            queue = replace(queue, account_id=asked[0].account_id if is_pinned else None, mode=mode)
        uploads = parent is None and bool(request.files or urls_of(command, request.params))
        try:
            free = self._unhurried(await self._free(user, suited, uploads))
            if command.takes_slot:
                free = await self._within_quotas(user, free)
            may_raise = queue is None
            return Chosen(
                await self._with_room_first(user, request, command, free, may_raise), queue
            )
        except Busy:
            if queue is None:
                raise
            return Chosen((), queue)

    def open_for_queue(self, account: Account) -> bool:
        """Tell whether an account may take one more job from the queue now."""
        return account.usable and not self.hurried(account.account_id)

    def hurried(self, account_id: str) -> bool:
        """Tell whether an account has taken as many jobs as it may within a minute."""
        return self._a_minute is not None and self._taken.full(account_id, self._clock.now())

    async def mode_of(self, account_id: str) -> str | None:
        """Return the mode that an account is in, as far as its last answers tell."""
        last = await self._store.last_completed(account_id, MODE_VERBS)
        tells = None if last is None else COMMANDS[last.verb].tells_mode
        return None if last is None or tells is None else tells(last)

    def took(self, account_id: str) -> None:
        """Note that an account took a job."""
        if self._a_minute is not None:
            self._taken.add(account_id, self._clock.now())

    def quota(self, account_id: str, channel: str) -> Quota | None:
        """Return how many jobs an account may still take; None where any number."""
        if self._a_minute is None:
            return None
        return self._jobs_left(account_id, channel, self._clock.now())

    def _jobs_left(self, account_id: str, channel: str, now: datetime) -> Quota:
        return self._taken.quota("jobs", account_id, now, channel)

    async def _asked_for(
        self, user: User, request: JobRequest, command: Command
    ) -> Sequence[Account]:
        accounts = await self._accounts.of(user)
        if not accounts:
            raise await self._accounts.unknown(user, None, InvalidRequest)
        if request.era_a and request.channel is None:
            # R33: no throw-away identities; era A's fields name an account only with its channel
            raise InvalidRequest(sentences.NAME_AN_ACCOUNT.text)
        if request.channel is not None:
            accounts = [account for account in accounts if account.channel == request.channel]
            if not accounts:
                raise await self._accounts.unknown(user, request.channel, InvalidRequest)
        elif not command.takes_slot and len(accounts) > 1:
            raise InvalidRequest(sentences.NAME_AN_ACCOUNT.text)
        return accounts

    def _usable(self, user: User, accounts: Sequence[Account]) -> Sequence[Account]:
        """Return the accounts that are not halted. Raises: Halted."""
        usable = [account for account in accounts if account.usable]
        if not usable:
            raise halted(accounts[0], user)
        return usable

    async def _free(
        self, user: User, accounts: Sequence[Account], uploads: bool
    ) -> Sequence[Account]:
        """Return the accounts that Discord lets ask in time (R16).

        Args: uploads: whether something must be uploaded first
        Raises: RateLimited
        """
        waits: list[Standing] = []
        free: list[Account] = []
        standings = await self._everywhere.standings(user.user_id, accounts, uploads=uploads)
        for account in accounts:
            standing = standings.get(account.account_id)
            if standing is None or standing.is_breaker or standing.wait_s <= self._patience_s:
                free.append(account)
            else:
                waits.append(standing)
        if not free:
            raise rate_limited(min(waits, key=lambda one: one.wait_s))
        return free

    def _unhurried(self, accounts: Sequence[Account]) -> Sequence[Account]:
        """Return the accounts that may take one more job this minute. Raises: Throttled."""
        kept = [one for one in accounts if not self.hurried(one.account_id)]
        if not kept:
            now = self._clock.now()
            quotas = [self._jobs_left(one.account_id, one.channel, now) for one in accounts]
            quota = min(quotas, key=lambda one: one.resets_s or 0)
            error = sentences.TAKEN_A_MINUTE.said(limit=self._a_minute)
            raise Throttled(error, retry_after_s=quota.resets_s or 1, quota=quota)
        return kept

    async def _within_quotas(self, user: User, accounts: Sequence[Account]) -> Sequence[Account]:
        """Return the accounts whose jobs of today are not used up. Raises: Busy: all are, or the
        user may have no more jobs."""
        wall, now = self._clock.wall(), self._clock.now()
        over = None
        if user.quotas is not None:
            over = await self._store.quotas.over(user.user_id, wall)
        if over is not None:
            raise over_quota(over, now)
        kept: list[Account] = []
        for account in accounts:
            quota = None
            if account.jobs_a_day is not None:
                quota = await self._store.quotas.account_over(account.account_id, wall)
            if quota is None:
                kept.append(account)
            else:
                over = OverQuota(quota)
        if over is not None and not kept:
            raise over_quota(over, now)
        return kept

    async def _remixes(self, account: Account) -> bool:
        last = await self._store.last_completed(account.account_id, REMIX_VERBS)
        tells = None if last is None else COMMANDS[last.verb].tells_remix
        return last is not None and tells is not None and tells(last)

    async def _in_mode(self, candidates: Sequence[Account], mode: str | None) -> Sequence[Account]:
        """Return the accounts that are in a mode already, as far as their last answers tell."""
        if mode is None:
            return candidates
        told: dict[str, str | None] = {}
        for account in candidates:
            told[account.account_id] = await self.mode_of(account.account_id)
        there = [account for account in candidates if told[account.account_id] == mode]
        if not there:
            known = ", ".join(sorted(one or "unknown" for one in told.values()))
            raise InvalidRequest(
                sentences.MODE_IMPOSSIBLE.said(mode=mode),
                details=f"Its mode is {known}. POST jobs/{mode} first, or leave mode out.",
            )
        return there

    async def _with_room_first(
        self,
        user: User,
        request: JobRequest,
        command: Command,
        candidates: Sequence[Account],
        may_raise: bool,
    ) -> Sequence[Account]:
        """Look cheaply, before anything is fetched (R1); the store decides. Raises: Busy."""
        last: NoSlot | None = None
        full = candidates[0]

        def limit_of(account: Account) -> int:
            if not command.takes_slot:
                return self._lane
            own = may_raise and account.user_id == user.user_id
            return slots_of(request.max_jobs, account.max_jobs, may_raise=own)

        async def weight_of(account: Account) -> int:
            nonlocal last, full
            held = [
                job
                for job in await self._everywhere.holding(account.account_id)
                if (job.slot if command.takes_slot else not job.slot and not job.final)
            ]
            limit = limit_of(account)
            if len(held) < limit:
                if len(candidates) == 1:
                    return 1
                now = self._clock.now()
                failings = await self._store.failings(account.account_id, now)
                return weight(limit - len(held), failings)
            own = [job.jobid for job in held if job.user_id == user.user_id and not job.final]
            last = NoSlot(limit, own)
            full = account
            return 0

        most = weight(max(limit_of(account) for account in candidates), 0)
        first = await drawn(candidates, weight_of, most, self._ids.below)
        if first is None:
            # its caller may have read already that a job is over which holds a slot here (R31)
            for account in candidates:
                await self._pool.adopted(account.account_id)
            first = await drawn(candidates, weight_of, most, self._ids.below)
        if first is not None:
            return [first, *(other for other in candidates if other is not first)]
        assert last is not None, "there is a candidate at least"
        if command.takes_slot:
            free_at = await self._store.quotas.free_at(full.account_id, full.channel)
            last = replace(last, free_at=free_at)
        raise busy(last, command, self._clock.now())


def halted(account: Account, user: User) -> Halted:
    """Return what a job is refused with while its account is halted; the mend is in the words."""
    if account.halt_cause is HaltCause.TOKEN:
        channel = "" if account.guild_id is None else f"/{account.channel}"
        return Halted(
            sentences.TOKEN_REJECTED.said(channel=channel),
            details=account.halt if account.user_id == user.user_id else sentences.OWNERS_HALT,
        )
    return Halted(sentences.MODERATION_PENDING.said(channel=account.channel))


def rate_limited(standing: Standing) -> RateLimited:
    """Return what a job is refused with while Discord has asked all its accounts to wait."""
    return RateLimited(
        sentences.RATE_LIMITED.text,
        retry_after_s=math.ceil(standing.wait_s),
        details=remaining(standing),
    )


def over_quota(over: OverQuota, now: datetime) -> Busy:
    """Return what a job is refused with that a limit of its user or account leaves no room for."""
    quota = over.quota
    if quota.resets_s is None:
        error = sentences.SLOTS_FULL.said(maxJobs=quota.limit)
        return _full(error, over.executing_jobs, over.free_at, quota, now)
    sentence = sentences.ACCOUNT_JOBS_A_DAY if quota.partition else sentences.JOBS_A_DAY
    error = sentence.said(limit=quota.limit)
    return Busy(error, retry_after_s=quota.resets_s, quota=quota)


def busy(no_slot: NoSlot, command: Command, now: datetime) -> Busy:
    """Return what a job is refused with that finds no room.

    v2's clients sleep and retry when no job is named; `Retry-After` says when (R31; v2 notes 10).
    """
    if not command.takes_slot:
        return Throttled(
            sentences.LANE_FULL.said(limit=no_slot.max_jobs),
            quota=Quota("jobs-without-slot", no_slot.max_jobs, 0),
        )
    quota = Quota("slots", no_slot.max_jobs, 0)
    error = sentences.SLOTS_FULL.said(maxJobs=no_slot.max_jobs)
    return _full(error, no_slot.executing_jobs, no_slot.free_at, quota, now)


def seconds_until(free_at: datetime, now: datetime) -> int:
    """Return the whole seconds until something should be free; a few where it is late."""
    wait_s = math.ceil((free_at - now).total_seconds())
    # a job that takes longer than usual may end at any moment
    return wait_s if wait_s > 0 else _LATE_S


def _full(
    error: str, jobs: Sequence[JobId], free_at: datetime | None, quota: Quota, now: datetime
) -> Busy:
    if free_at is None:
        return Busy(error, executing_jobs=jobs or None, quota=quota)
    wait_s = seconds_until(free_at, now)
    return Busy(error, executing_jobs=jobs or None, retry_after_s=wait_s, quota=quota)
