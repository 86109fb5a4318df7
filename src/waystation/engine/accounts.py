"""Accounts: the Discord accounts that a user has set up, and what may be done with them.

Rules: a foreign channel answers exactly as an absent one (I13); a Discord user stands once; a
changed row is in the store before its owner takes it over (R33).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from waystation.engine.pool import Pool
from waystation.engine.throttle import Throttle
from waystation.errors import (
    Conflict,
    HumanCheckRequired,
    InvalidRequest,
    NotAuthorised,
    NotFound,
    Throttled,
)
from waystation.ports import Account, Clock, DiscordIdentity, IdSource, Probe, Sealer, Store, User
from waystation.secret import Secret, mask

__all__ = ["Accounts"]

_DEFAULT_MAX_JOBS = 3
"""Slots of an account that was set up without a number."""

_REJECTED_TOKENS_PER_HOUR = 5
"""R35."""


class Accounts:
    """What a user may do with Discord accounts."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        probe: Probe,
        sealer: Sealer,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._store = store
        self._pool = pool
        self._probe = probe
        self._sealer = sealer
        self._clock = clock
        self._ids = ids
        self._rejected_tokens = Throttle(timedelta(hours=1), _REJECTED_TOKENS_PER_HOUR)

    async def of(self, user: User) -> Sequence[Account]:
        """Return the caller's accounts, removed ones left out."""
        accounts = await self._store.list_accounts(user.user_id)
        return [account for account in accounts if account.removed_at is None]

    async def get(self, user: User, channel: str) -> Account:
        """Return the caller's account in a channel. Raises: NotFound."""
        for account in await self.of(user):
            if account.channel == channel:
                return account
        raise NotFound("Configuration not found for provided channel")

    async def add(self, user: User, token: Secret, max_jobs: int | None) -> tuple[Account, bool]:
        """Set up the account of a Discord token in its direct messages with the bot.

        Returns: the account, and whether it is new
        Raises: InvalidRequest, Throttled
        """
        identity = await self._identify(user, token)
        if identity.dm_channel is None:
            raise InvalidRequest("Midjourney bot not configured")
        return await self._put(user, token, identity, identity.dm_channel, None, max_jobs)

    async def put(
        self, user: User, channel: str, token: Secret, server: str, max_jobs: int
    ) -> Account:
        """Set up the account of a Discord token in a guild's channel.

        Raises: InvalidRequest, Throttled
        """
        identity = await self._identify(user, token)
        if not await self._probe.can_read(token, channel):
            raise InvalidRequest(
                f"Required param channel ({channel}) is not valid Discord channel id",
                details="The Discord token given cannot read this channel.",
            )
        if await self._probe.guild_of(token, channel) != server:
            # what Discord would only say to the first job, and then as if the account were blocked
            raise InvalidRequest(
                f"Required param server ({server}) is not valid Discord server id",
                details="The channel is not in this server.",
            )
        for other in await self.of(user):
            if other.guild_id == server and other.channel != channel:
                raise InvalidRequest(f"Channel {other.channel} configuration has same server value")
        account, _ = await self._put(user, token, identity, channel, server, max_jobs)
        return account

    async def remove(self, user: User, channel: str, force: bool = False) -> None:
        """Stop submitting at once; the session goes when the jobs have ended. Raises: NotFound."""
        account = await self.get(user, channel)
        await self._store.remove_account(account.account_id, self._clock.now())
        removed = await self._store.get_account(account.account_id)
        if removed is not None:
            await self._pool.remove(removed, force=force)

    async def reset(self, user: User, channel: str) -> None:
        """Put a halted account back to work, after a person has dealt with it. Raises: NotFound."""
        account = await self.get(user, channel)
        owner = self._pool.get(account.account_id)
        seen = None if owner is None else owner.newest_seen
        await self._store.reset_account(account.account_id, self._clock.now(), seen)
        reset = await self._store.get_account(account.account_id)
        if reset is not None:
            await self._pool.put(reset)

    async def _identify(self, user: User, token: Secret) -> DiscordIdentity:
        now, key = self._clock.now(), str(user.user_id)
        if self._rejected_tokens.full(key, now):
            raise Throttled(
                "Discord has rejected too many tokens from this user; wait an hour",
                retry_after_s=3600,
            )
        try:
            return await self._probe.identify(token)
        except (NotAuthorised, HumanCheckRequired) as error:
            self._rejected_tokens.add(key, now)
            raise InvalidRequest(
                "Discord rejected the token; log in to Discord and copy it anew",
                details=error.details,
            ) from error

    async def _put(
        self,
        user: User,
        token: Secret,
        identity: DiscordIdentity,
        channel: str,
        server: str | None,
        max_jobs: int | None,
    ) -> tuple[Account, bool]:
        own = await self.of(user)
        known = next((account for account in own if account.channel == channel), None)
        for account in own:
            same_user = account.discord_user_id == identity.discord_user_id
            if same_user and account is not known:
                raise _same_discord(account.channel)
        replaced = known is not None and known.discord_user_id != identity.discord_user_id
        if known is not None and replaced and self._runs(known):
            raise InvalidRequest(
                f"Channel {channel} has running jobs of another Discord user; wait for them"
            )
        if known is not None:
            # R33: a new token connects with IDENTIFY and reads back
            await self._store.drop_session(known.account_id)
        account_id = self._ids.token(12) if known is None else known.account_id
        account = Account(
            account_id=account_id,
            user_id=user.user_id,
            discord_user_id=identity.discord_user_id,
            channel=channel,
            guild_id=server,
            max_jobs=max_jobs or (known.max_jobs if known else _DEFAULT_MAX_JOBS),
            sealed_token=self._sealer.seal("accounts", account_id, token.reveal().encode()),
            masked_token=mask(token.reveal()),
            created_at=self._clock.now() if known is None else known.created_at,
        )
        try:
            created = await self._store.put_account(account)
        except Conflict as error:
            raise _same_discord(channel) from error
        stored = await self._store.get_account(account_id) or account
        await self._pool.put(stored)
        return stored, created

    def _runs(self, account: Account) -> bool:
        return any(not job.final for job in self._pool.jobs(account.account_id))


def _same_discord(channel: str) -> InvalidRequest:
    return InvalidRequest(f"Channel {channel} configuration has same discord value")
