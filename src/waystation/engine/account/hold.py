"""Hold: what an owner has as long as its lease lasts.

It is taken whole from the store, and left whole when anything breaks: the next one finds there what
was committed, and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

from waystation.engine.account.adapters import Adapters, OwnerLimits
from waystation.engine.account.lease import Lease
from waystation.engine.account.session_at_rest import SessionAtRest
from waystation.engine.feed import Bell
from waystation.errors import VersionConflict
from waystation.jobs import JobStatus
from waystation.midjourney.conversation import Conversation
from waystation.midjourney.deadlines import bounded
from waystation.ports import Account, Interest, Jobs, Transport
from waystation.secret import Secret
from waystation.wire.snowflake import NO_SNOWFLAKE, Snowflake

__all__ = ["Hold", "take_hold"]


@dataclass(slots=True)
class Hold:
    """One account, held."""

    lease: Lease
    conversation: Conversation
    transport: Transport
    session: SessionAtRest
    sealed_token: bytes
    """The token it is connected with, as the store had it then."""
    save_at: float
    """Monotonic seconds at which an advanced sequence is saved."""
    caught_up: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def let_go_of_ended(self, error: Exception, jobs: Jobs, moved: Bell) -> bool:
        """Let go of jobs that another node has ended before they were asked, behind the lock.

        Args: error: of a commit; only a conflict says that there may be any; moved: rung after
        Returns: False when there is none
        Raises: StoreError
        """
        unasked = [one for one in self.conversation.jobs if one.status is JobStatus.CREATED]
        ended = False
        for job in unasked if isinstance(error, VersionConflict) else ():
            stored = await jobs.get_job(job.jobid, None)
            if stored is not None and stored.final and stored.version > job.version:
                self.conversation.over(stored)
                moved.ring()
                ended = True
        return ended


async def take_hold(
    account: Account, lease: Lease, adapters: Adapters, limits: OwnerLimits
) -> Hold:
    """Read what the store knows of an account whose lease was taken, and begin to connect.

    Raises: StoreError, VaultError
    """
    store, sealer, account_id = adapters.store, adapters.sealer, account.account_id
    remembered = await store.seen_messages(account_id)
    token = sealer.unseal("accounts", account_id, account.sealed_token)
    sealed = await store.load_session(account_id)
    session = SessionAtRest(sealer, account_id, sealed, hashlib.sha256(token).hexdigest())
    seen = NO_SNOWFLAKE if session.now is None else Snowflake(session.now.newest)
    now = adapters.clock.now()
    in_flight = await store.in_flight_jobs(account_id)
    jobs = [bounded(job, now, limits.conversation) for job in in_flight]
    return Hold(
        lease=lease,
        conversation=Conversation(
            account.discord_user_id,
            account.channel,
            limits.conversation,
            jobs,
            adapters.cdn_url,
            seen,
            remembered,
        ),
        transport=adapters.transports(
            Secret(token.decode()),
            session.now,
            account_id,
            Interest(account.channel, account.discord_user_id, account.guild_id),
        ),
        session=session,
        sealed_token=account.sealed_token,
        save_at=adapters.clock.monotonic() + limits.session_save_s,
    )
