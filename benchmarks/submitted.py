"""Submitted: accounts in a database, with jobs that Discord has taken, not answered by the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import islice
from typing import Any

from benchmarks.frames import AskedJob
from waystation.app import State, open_state
from waystation.clock import SystemClock
from waystation.jobs import InteractionSeen, Job, Nonce, Submitted
from waystation.midjourney.machine import apply
from waystation.ports import AccountSetup, Commit, JobChange, JobDraft
from waystation.settings import load

__all__ = ["Asked", "submitted_jobs"]

Asked = Mapping[str, Any]
"""One account as the gateway server wants to know it."""

_AT_ONCE = 50
"""Accounts whose rows are written at once, so that their commits share flushes."""


async def submitted_jobs(
    environment: Mapping[str, str], accounts: int, jobs: int, **more: object
) -> Sequence[Asked]:
    """Write accounts with jobs that Discord has taken and the bot has not answered.

    Args: jobs: of each account; more: facts for the gateway server, the same for each account
    """
    async with open_state(load(environ=environment)) as state:
        user = await state.store.add_user("bench@example.org", b"hash", SystemClock().now())
        found = []
        for some in _batched(range(accounts), _AT_ONCE):
            each = (_account(state, user.user_id, number, jobs) for number in some)
            found += [{**one, **more} for one in await asyncio.gather(*each)]
        return found


async def _account(state: State, user_id: int, number: int, count: int) -> Asked:
    now, base = SystemClock().now(), (number + 1) * 10**15 + 10**18
    account_id, token = f"account-{number}", f"token-of-account-{number}"
    channel, guild, discord_user = str(base + 1), str(base + 2), str(base + 3)
    await state.store.put_account(
        AccountSetup(
            account_id=account_id,
            user_id=user_id,
            discord_user_id=discord_user,
            channel=channel,
            guild_id=guild,
            max_jobs=count,
            sealed_token=state.vault.seal("accounts", account_id, token.encode()),
            masked_token="tok…secured…000",
            at=now,
        )
    )
    await state.store.nodes.begin(f"bench-{number}", "bench", timedelta(seconds=30))
    epoch = await state.store.nodes.take(account_id, f"bench-{number}")
    draft = JobDraft(user_id, "describe", {"describeUrl": "-"}, [account_id], True, None, lane=0)
    jobs = []
    for index in range(count):
        job = await state.store.add_job(draft, now)
        assert isinstance(job, Job)
        ids = (str(base + 1000 * index + offset) for offset in (10, 11, 12))
        asked = AskedJob(*ids)
        events = (
            Submitted(Nonce(asked.nonce), now + timedelta(minutes=5)),
            InteractionSeen(asked.interaction_id),
        )
        for event in events:
            job = apply(job, event, now, timedelta(minutes=10))
        await state.store.commit(Commit(account_id, epoch, now, (JobChange(job, events),)))
        jobs.append(asdict(asked))
    await state.store.nodes.leave(f"bench-{number}")
    return {
        "token": token,
        "user": discord_user,
        "guild": guild,
        "channel": channel,
        "foreign_per_own": 0,
        "seed": number,
        "jobs": jobs,
    }


def _batched(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Yield so many at a time."""
    left = iter(numbers)
    while some := tuple(islice(left, size)):
        yield some
