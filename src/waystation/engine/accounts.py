"""Accounts: the Discord accounts that a user may use, and what may be done with them.

Rules: a foreign channel answers exactly as an absent one (I13); a Discord user stands once; an
account is its Discord user in its channel, so that one that is added again is the same (R19); a
changed row is in the store before its owner takes it over (R33); who uses an account that is shared
with them changes nothing of it (R32).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from waystation import sentences
from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import REMOVAL_GRACE
from waystation.engine.everywhere import Everywhere, Known
from waystation.engine.shared_throttle import Allowance
from waystation.engine.tokens import Tokens
from waystation.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    Throttled,
    WaystationError,
)
from waystation.ports import (
    Account,
    AccountSetup,
    Clock,
    Counted,
    DiscordIdentity,
    IdSource,
    Probe,
    Sealer,
    Store,
    User,
    wall_ahead,
)
from waystation.secret import Secret, mask

__all__ = ["MAX_ACCOUNTS", "RESETS", "Accounts"]

MAX_ACCOUNTS: Final = 1000
"""Of one user; v2 names the number as `maxAccountsPerAPI`."""

_DEFAULT_MAX_JOBS = 3
"""Slots of an account that was set up without a number."""

RESETS: Final = 20
"""Of one account and hour: each can connect, be halted again and write a mail."""

_HOUR: Final = timedelta(hours=1)

_SHARED = "The account is shared with you. Its owner may change it."
"""Details for whoever would change an account of somebody else that they may use."""

_LOOKS = 3
"""Tries to find an account that another process may have changed."""

_E = TypeVar("_E", bound=WaystationError)


class Accounts:
    """The use cases of a user's Discord accounts."""

    def __init__(
        self,
        store: Store,
        everywhere: Everywhere,
        deeds: Deeds,
        probe: Probe,
        sealer: Sealer,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._store = store
        self._everywhere = everywhere
        self._deeds = deeds
        self._probe = probe
        self._sealer = sealer
        self._clock = clock
        self._ids = ids
        self._tokens = Tokens(store.tallies, probe)
        self._resets = Allowance(store.tallies, Counted("resets", _HOUR), RESETS)

    async def of(self, user: User) -> Sequence[Account]:
        """Return the accounts that the caller may use, removed ones left out (R32)."""
        accounts = await self._store.list_accounts(user.user_id)
        return [account for account in accounts if account.removed_at is None]

    async def get(self, user: User, channel: str) -> Account:
        """Return the account in a channel that the caller may use. Raises: NotFound."""
        account = _at(channel, await self.of(user))
        if account is None:
            raise await self.unknown(user, channel, NotFound)
        return account

    async def unknown(self, user: User, channel: str | None, kind: type[_E]) -> _E:
        """Return the error for an account that is not there, or is being removed.

        Args: channel: None: any of the caller's
        """
        accounts = await self._own(user)
        going = [one for one in accounts if one.removed_at and channel in (None, one.channel)]
        details = await self._being_removed(going[0]) if going else None
        if channel is None:
            return kind(sentences.NO_ACCOUNT.text, details=details)
        return kind(sentences.CHANNEL_NOT_FOUND.text, details=details)

    async def add(self, user: User, token: Secret, max_jobs: int | None) -> tuple[Account, bool]:
        """Set up the account of a Discord token in its direct messages with the bot.

        Returns: the account, and whether it is new
        Raises: InvalidRequest, Throttled
        """
        known = await self._with_token(user, token)
        if known is not None and known.guild_id is None:
            return await self._put(
                user, token, known.discord_user_id, known.channel, None, max_jobs
            )
        identity = await self._tokens.identify(user, token)
        if identity.dm_channel is None:
            raise InvalidRequest(sentences.NO_BOT.text)
        return await self._put(
            user, token, identity.discord_user_id, identity.dm_channel, None, max_jobs
        )

    async def put(
        self, user: User, channel: str, token: Secret, server: str, max_jobs: int
    ) -> Account:
        """Set up the account of a Discord token in a guild's channel.

        Raises: InvalidRequest, Throttled
        """
        known = await self._with_token(user, token)
        if known is not None and (known.channel, known.guild_id) == (channel, server):
            discord_user_id = known.discord_user_id
        else:
            discord_user_id = (await self._checked(user, channel, token, server)).discord_user_id
        account, _ = await self._put(user, token, discord_user_id, channel, server, max_jobs)
        return account

    async def remove(self, user: User, channel: str, force: bool = False) -> None:
        """Stop submitting at once; the session goes when the jobs have ended.

        Args: force: end the jobs now, also of an account that is being removed already
        Raises: NotFound
        """
        account = _at(channel, await self._own(user))
        if account is None or (account.removed_at is not None and not force):
            raise await self._not_own(user, channel)
        await self._store.remove_account(account.account_id, self._clock.now())
        await self._deeds.remove(account.account_id, force=force)

    async def reset(self, user: User, channel: str) -> None:
        """Put a halted or sidelined account back to work, once a person has dealt with it.

        Raises: NotFound, Throttled
        """
        account = _at(channel, await self._own(user))
        if account is None or account.removed_at is not None:
            raise await self._not_own(user, channel)
        quota = await self._resets.take(account.account_id, user.user_id, account.channel)
        if quota is not None:
            error = sentences.RESETS_AN_HOUR.said(limit=RESETS)
            raise Throttled(error, retry_after_s=600, quota=quota)
        await self._deeds.reset(account.account_id)

    async def limit(
        self, user: User, channel: str, jobs_a_day: int | None, slots: int | None
    ) -> None:
        """Set jobs a day (0: any number) and slots; None: as before. Raises: NotFound."""
        account = _at(channel, await self._own(user))
        if account is None or account.removed_at is not None:
            raise await self._not_own(user, channel)
        quotas, by = self._store.quotas, user.user_id
        await quotas.limit_account(account.account_id, jobs_a_day, by, max_jobs=slots)
        await self._deeds.put(account.account_id)

    async def known(self, user: User, accounts: Sequence[Account]) -> Mapping[str, Known]:
        """Return the connections and slots of accounts that the caller may use, by account_id."""
        return await self._everywhere.known(user.user_id, accounts)

    def shown(self, moment: datetime) -> datetime:
        """Return an instant of the service's own time as people's clocks show it (R28)."""
        return moment + wall_ahead(self._clock)

    async def _own(self, user: User) -> Sequence[Account]:
        """Return the accounts that the caller owns, also those that are being removed."""
        accounts = await self._store.list_accounts(user.user_id)
        return [account for account in accounts if account.user_id == user.user_id]

    async def _not_own(self, user: User, channel: str) -> NotFound:
        """Return the error for an account that the caller does not own."""
        if _at(channel, await self.of(user)) is None:
            return await self.unknown(user, channel, NotFound)
        return NotFound(sentences.CHANNEL_NOT_FOUND.text, details=_SHARED)

    async def _with_token(self, user: User, token: Secret) -> Account | None:
        """Return the caller's account that has this very token: Discord need not be asked again."""
        shown = mask(token.reveal())
        for account in await self._own(user):
            if account.masked_token == shown and self._has_token(account, token):
                return account
        return None

    def _has_token(self, account: Account, token: Secret) -> bool:
        known = self._sealer.unseal("accounts", account.account_id, account.sealed_token)
        return known == token.reveal().encode()

    async def _checked(
        self, user: User, channel: str, token: Secret, server: str
    ) -> DiscordIdentity:
        """Ask Discord whether a token can be used in a guild's channel."""
        identity = await self._tokens.identify(user, token)
        if not await self._probe.can_read(token, channel):
            raise InvalidRequest(
                sentences.NO_DISCORD_CHANNEL.said(channel=channel),
                details="The Discord token given cannot read this channel.",
            )
        if await self._probe.guild_of(token, channel) != server:
            # what Discord would only say to the first job, and then as if the account were blocked
            raise InvalidRequest(
                sentences.NO_DISCORD_SERVER.said(server=server),
                details="The channel is not in this server.",
            )
        for other in await self._own(user):
            if other.removed_at is not None:
                continue
            if other.guild_id == server and other.channel != channel:
                raise InvalidRequest(sentences.SAME_SERVER.said(channel=other.channel))
        return identity

    async def _put(
        self,
        user: User,
        token: Secret,
        discord_user_id: str,
        channel: str,
        server: str | None,
        max_jobs: int | None,
    ) -> tuple[Account, bool]:
        await self._make_room(user, discord_user_id, channel)
        for _ in range(_LOOKS):
            found = await self._store.account_id_of(user.user_id, discord_user_id, channel)
            known = {one.account_id for one in await self._own(user)}
            if found not in known and len(known) >= MAX_ACCOUNTS:
                raise InvalidRequest(sentences.TOO_MANY_ACCOUNTS.said(limit=MAX_ACCOUNTS))
            account_id = found or self._ids.token(12)
            stored = await self._store.get_account(account_id)
            same = stored is not None and self._has_token(stored, token)
            setup = AccountSetup(
                account_id=account_id,
                user_id=user.user_id,
                discord_user_id=discord_user_id,
                channel=channel,
                guild_id=server,
                max_jobs=max_jobs or (None if stored else _DEFAULT_MAX_JOBS),
                # the same token keeps its session (R33)
                sealed_token=None if same else self._sealed(account_id, token),
                masked_token=None if same else mask(token.reveal()),
                at=self._clock.now(),
            )
            try:
                created = await self._store.put_account(setup)
            except Conflict:
                # it is another user's; or it was set up or erased a moment ago
                continue
            await self._deeds.put(account_id, is_new=created)
            account = await self._store.get_account(account_id)
            if account is not None:
                return account, created
        raise _same_discord(channel)

    async def _make_room(self, user: User, discord_user_id: str, channel: str) -> None:
        """See that the caller has this Discord user and this channel once.

        An account of the channel that has another Discord user goes: it is another account (R19).

        Raises: InvalidRequest
        """
        for other in await self._own(user):
            same_user = other.discord_user_id == discord_user_id
            if same_user and other.channel != channel:
                raise _same_discord(other.channel, await self._being_removed(other))
            if other.channel == channel and not same_user:
                await self._give_way(other)

    async def _give_way(self, account: Account) -> None:
        """Remove an account on which nothing runs, for another one of its channel.

        Raises: InvalidRequest: something runs
        """
        account_id = account.account_id
        runs = InvalidRequest(
            sentences.ANOTHERS_JOBS.said(channel=account.channel),
            details=await self._being_removed(account),
        )
        if await self._runs(account_id):
            raise runs
        await self._store.remove_account(account_id, self._clock.now())
        await self._deeds.remove(account_id, force=False)
        if account.removed_at is None and await self._runs(account_id):
            # a job was accepted in between: the account stays what it was
            await self._store.keep_account(account_id)
            await self._deeds.put(account_id)
            raise runs

    async def _runs(self, account_id: str) -> int:
        """Return how many jobs of an account have not ended."""
        jobs = await self._store.in_flight_jobs(account_id)
        return sum(not job.final and job.account_id == account_id for job in jobs)

    async def _being_removed(self, account: Account) -> str | None:
        """Say what becomes of an account that is removed; None for one that is not."""
        if account.removed_at is None:
            return None
        left = account.removed_at + REMOVAL_GRACE - self._clock.now()
        minutes = max(1, math.ceil(left.total_seconds() / 60))
        count = await self._runs(account.account_id)
        running = f"its {count} running jobs have" if count > 1 else "its running job has"
        return (
            f"The account of channel {account.channel} is being removed: it goes when {running} "
            f"ended, in {minutes} min at the latest. POST its token again to keep it, or "
            "DELETE it with ?force=true to end the jobs now."
        )

    def _sealed(self, account_id: str, token: Secret) -> bytes:
        return self._sealer.seal("accounts", account_id, token.reveal().encode())


def _at(channel: str, accounts: Sequence[Account]) -> Account | None:
    """Return the account of a channel, None where there is none."""
    return next((account for account in accounts if account.channel == channel), None)


def _same_discord(channel: str, details: str | None = None) -> InvalidRequest:
    return InvalidRequest(sentences.SAME_DISCORD.said(channel=channel), details=details)
