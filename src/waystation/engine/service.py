"""Use cases: what a caller may ask of Waystation, whichever face it came through.

Rules: one method per use case, in the order of checks of R1; a foreign id answers exactly as an
absent one (I13); nothing here knows HTTP or SQL.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from waystation.actions import Press, React
from waystation.deliveries import Delivery
from waystation.engine.feed import Feed
from waystation.engine.intake import FilePart, Intake
from waystation.engine.links import Links
from waystation.engine.owner import Owner
from waystation.engine.pool import Pool
from waystation.engine.pressing import (
    account_of,
    check_mask,
    mode_needed,
    press_of,
    reaction_to,
    source_of,
)
from waystation.engine.submitter import Waiting
from waystation.errors import (
    Busy,
    ButtonRepeated,
    Conflict,
    Halted,
    HumanCheckRequired,
    InvalidRequest,
    NotAuthorised,
    NotFound,
    StoreError,
    SubscriptionExpired,
    Throttled,
    Unauthorized,
    Unavailable,
    VaultError,
)
from waystation.jobs import Child, Failed, Job, JobId, JobStatus
from waystation.midjourney.commands import COMMANDS, AnswersAt, Command
from waystation.midjourney.results import MODE_VERBS, mode_told
from waystation.ports import (
    Account,
    Clock,
    Counts,
    DiscordIdentity,
    Fetched,
    Fetcher,
    IdSource,
    JobDraft,
    NoSlot,
    Probe,
    Repeated,
    Sealer,
    Store,
    User,
)
from waystation.secret import Secret, mask

__all__ = ["JobRequest", "Readiness", "Service", "ServiceLimits"]

log = structlog.get_logger("waystation.service")

_ANSWER_MARGIN_S = 10.0
"""The engine's own deadlines end a job before a POST gives up waiting."""

_REJECTED_TOKENS_PER_HOUR = 5
"""R35."""

_FAILED_LOGINS_PER_MINUTE = 30
"""R44; a secret has 256 bits, so this only keeps a flood cheap."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job as asked for, its fields checked for form."""

    verb: str
    channel: str | None = None
    max_jobs: int | None = None
    """1 to 15."""
    reply_url: str | None = None
    reply_ref: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    """The verb's own fields under their v2 names."""
    files: Mapping[str, FilePart] = field(default_factory=dict)
    """Files that stand in for a picture's URL, by the param's name."""
    reply_progress: bool | None = None
    """Whether progress is delivered too; None: as the verb's row says."""
    mode: str | None = None
    """The mode that the account must be in, for a verb that cannot ask for one itself."""
    era_a: bool = False
    """Whether the body carried `discord` or `server` (R33)."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether Waystation can take jobs. `sessions` counts accounts by state, without names."""

    ready: bool
    problems: Sequence[str]
    sessions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Numbers from the settings."""

    first_answer_s: float
    default_max_jobs: int = 3
    lane: int = 5


class Service:
    """What a caller may ask."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        feed: Feed,
        fetcher: Fetcher,
        probe: Probe,
        sealer: Sealer,
        clock: Clock,
        ids: IdSource,
        links: Links,
        limits: ServiceLimits,
    ) -> None:
        self._store = store
        self._pool = pool
        self._feed = feed
        self._intake = Intake(fetcher)
        self._probe = probe
        self._sealer = sealer
        self._clock = clock
        self._ids = ids
        self._links = links
        self._limits = limits
        self._draining = False
        self._submitting: set[asyncio.Task[Job]] = set()
        self._failed_logins = _Recent(timedelta(minutes=1), _FAILED_LOGINS_PER_MINUTE)
        self._rejected_tokens = _Recent(timedelta(hours=1), _REJECTED_TOKENS_PER_HOUR)

    # ── who is calling ──

    async def authenticate(self, authorization: str | None, peer: str) -> User:
        """Return the user whose API token this is.

        Args: authorization: the header's value; peer: the caller's address, for throttling
        Raises: Unauthorized, SubscriptionExpired, Throttled
        """
        user = await self._user_of(authorization)
        if user is None:
            now = self._clock.now()
            # only failures are throttled: a good token behind the same address goes on working
            if self._failed_logins.full(peer, now):
                raise Throttled(
                    "Too many failed logins from this address; wait a minute", retry_after_s=60
                )
            self._failed_logins.add(peer, now)
            raise Unauthorized
        if user.expires_at is not None and user.expires_at <= self._clock.now():
            raise SubscriptionExpired
        return user

    async def _user_of(self, authorization: str | None) -> User | None:
        scheme, _, token = (authorization or "").partition(" ")
        prefix, _, rest = token.strip().partition(":")
        user_id, _, secret = rest.partition("-")
        if scheme.casefold() != "bearer" or prefix != "user" or not secret:
            return None
        if not (user_id.isascii() and user_id.isdigit() and len(user_id) <= 18):
            return None
        user = await self._store.get_user(int(user_id))
        if user is None or user.revoked_at is not None:
            return None
        matches = hmac.compare_digest(self._sealer.hash_token(secret), user.token_hash)
        return user if matches else None

    async def update_user(self, user: User, name: str | None, reply_url: str | None) -> None:
        """Change the caller's own record; None leaves a field as it is."""
        changed = replace(
            user,
            name=user.name if name is None else name,
            reply_url=user.reply_url if reply_url is None else (reply_url or None),
            updated_at=self._clock.now(),
        )
        await self._store.put_user(changed)

    # ── jobs ──

    async def submit(self, user: User, request: JobRequest) -> Job:
        """Take a job and return it when its verb's answer is due (R2).

        A caller that hangs up changes nothing: the engine owns the submission.

        Raises: InvalidRequest, PreconditionFailed, Busy, Halted, Unavailable
        """
        if self._draining:
            raise Unavailable
        command = COMMANDS[request.verb]
        parent = await self._parent(user, request)
        action = None if parent is None else _action_on(parent, request, command)
        if parent is not None:
            accounts = [account_of(parent, await self.list_accounts(user))]
            candidates = self._usable(accounts)
        else:
            candidates = await self._candidates(user, request, command)
        candidates = await self._in_mode(candidates, mode_needed(request.mode, request.params))
        self._look_for_room(user, request, command, candidates)
        pictures = await self._intake.take(user.user_id, command, request.params, request.files)
        if isinstance(action, Press) and parent is not None:
            check_mask(parent, str(request.params["button"]), next(iter(pictures), None))
        accepting = asyncio.create_task(
            self._accept(user, request, command, candidates, pictures, action, parent)
        )
        self._submitting.add(accepting)
        accepting.add_done_callback(self._accepted)
        return await self._answer(await asyncio.shield(accepting), command)

    def _accepted(self, accepting: asyncio.Task[Job]) -> None:
        self._submitting.discard(accepting)
        if not accepting.cancelled():
            # looked at here, because a caller who has hung up does not
            accepting.exception()

    async def get_job(self, user: User, jobid: str) -> Job:
        """Return a job of the caller. Raises: NotFound."""
        job = await self._store.get_job(jobid, user.user_id)
        if job is None:
            raise NotFound(f"Unable to locate job {jobid}")
        return job

    async def family(self, user: User, jobid: str) -> tuple[Job, Sequence[Child]]:
        """Return a job of the caller and what its buttons started. Raises: NotFound."""
        found = await self._store.family(jobid, user.user_id)
        if found is None:
            raise NotFound(f"Unable to locate job {jobid}")
        return found

    async def with_working_links(self, job: Job, form: bytes) -> bytes:
        """Return a job's form with Discord's links renewed where they have ended."""
        return await self._links.in_form(job.account_id, form)

    async def running_jobs(self, user: User) -> Sequence[JobId]:
        """Return the caller's jobs that are not final."""
        return await self._store.running_jobs(user.user_id)

    async def cancel(self, user: User, jobid: str) -> Job:
        """Cancel a job and return it with its first final status (R26).

        Raises: NotFound; Unavailable: its account is not owned at the moment
        """
        job = await self.get_job(user, jobid)
        if job.final:
            return job
        owner = self._pool.get(job.account_id)
        if owner is None:
            raise Unavailable("The job's account is not connected at the moment; try again")
        try:
            await owner.cancel(job.jobid)
        except StoreError as error:
            raise Unavailable from error
        return await self.get_job(user, jobid)

    async def deliveries_of(self, user: User, jobid: str) -> Sequence[Delivery]:
        """Return the callbacks of a job of the caller. Raises: NotFound."""
        await self.get_job(user, jobid)
        return await self._store.find_deliveries(jobid)

    async def _parent(self, user: User, request: JobRequest) -> Job | None:
        """Return the job whose button is pressed, if one is. Raises: NotFound."""
        jobid = request.params.get("parentJobId")
        return None if jobid is None else await self.get_job(user, str(jobid))

    async def _candidates(
        self, user: User, request: JobRequest, command: Command
    ) -> Sequence[Account]:
        accounts = await self.list_accounts(user)
        if not accounts:
            raise InvalidRequest("Configuration not found")
        if request.era_a and request.channel is None:
            # R33: no throw-away identities; era A's fields name an account only with its channel
            raise InvalidRequest("discord, server or channel value is missing")
        if request.channel is not None:
            accounts = [account for account in accounts if account.channel == request.channel]
            if not accounts:
                raise InvalidRequest("Configuration not found for provided channel")
        elif not command.takes_slot and len(accounts) > 1:
            raise InvalidRequest("discord, server or channel value is missing")
        return self._usable(accounts)

    def _usable(self, accounts: Sequence[Account]) -> Sequence[Account]:
        """Return the accounts that are not halted, in random order. Raises: Halted."""
        usable = [account for account in accounts if account.usable]
        if not usable:
            raise _halted(accounts[0])
        by_id = {account.account_id: account for account in usable}
        return [by_id[account_id] for account_id in self._ids.shuffled(tuple(by_id))]

    async def _in_mode(self, candidates: Sequence[Account], mode: str | None) -> Sequence[Account]:
        """Return the accounts that are in a mode already, as far as their last answers tell."""
        if mode is None:
            return candidates
        told: dict[str, str | None] = {}
        for account in candidates:
            last = await self._store.last_completed(account.account_id, MODE_VERBS)
            told[account.account_id] = None if last is None else mode_told(last.verb, last.result)
        there = [account for account in candidates if told[account.account_id] == mode]
        if not there:
            known = ", ".join(sorted(one or "unknown" for one in told.values()))
            raise InvalidRequest(
                f"mode {mode} cannot be asked for here, and the account is not in it",
                details=f"Its mode is {known}. POST jobs/{mode} first, or leave mode out.",
            )
        return there

    def _look_for_room(
        self, user: User, request: JobRequest, command: Command, candidates: Sequence[Account]
    ) -> None:
        """Look cheaply, before anything is fetched (R1); the store decides."""
        last: NoSlot | None = None
        for account in candidates:
            held = [
                job
                for job in self._pool.jobs(account.account_id)
                if (job.slot if command.takes_slot else not job.slot and not job.final)
            ]
            limit = (
                (request.max_jobs or account.max_jobs) if command.takes_slot else self._limits.lane
            )
            if len(held) < limit:
                return
            own = [job.jobid for job in held if job.user_id == user.user_id]
            last = NoSlot(max_jobs=limit, executing_jobs=own)
        if last is not None:
            raise _busy(last, command)

    async def _accept(
        self,
        user: User,
        request: JobRequest,
        command: Command,
        candidates: Sequence[Account],
        pictures: Sequence[Fetched],
        action: Press | React | None = None,
        parent: Job | None = None,
    ) -> Job:
        if self._draining:
            raise Unavailable
        draft = JobDraft(
            user_id=user.user_id,
            verb=command.verb,
            params=dict(request.params),
            candidates=[account.account_id for account in candidates],
            takes_slot=command.takes_slot,
            max_jobs=request.max_jobs if command.takes_slot else None,
            lane=self._limits.lane,
            reply_url=request.reply_url or user.reply_url,
            reply_ref=request.reply_ref,
            reply_progress=(
                command.replies_progress
                if request.reply_progress is None
                else request.reply_progress
            ),
        )
        job = await self._store.add_job(draft, self._clock.now())
        if isinstance(job, NoSlot):
            if job.all_halted:
                raise _halted(candidates[0])
            raise _busy(job, command)
        if isinstance(job, Repeated):
            button = str(request.params["button"])
            raise ButtonRepeated(
                f"Button {button} already executed by job {job.jobid}",
                button=button,
                jobid=job.jobid,
            )
        owner = self._pool.get(job.account_id)
        if owner is not None:
            source = None if parent is None else source_of(parent, action)
            owner.submit(Waiting(job, pictures, action, source))
        return job

    async def _answer(self, job: Job, command: Command) -> Job:
        def answers(seen: Job) -> bool:
            if seen.final:
                return True
            if command.answers_at is AnswersAt.ASKED:
                return seen.status not in (JobStatus.CREATED, JobStatus.SUBMITTED)
            return command.answers_at is AnswersAt.STARTED and seen.message_id is not None

        timeout_s = 2 * self._limits.first_answer_s + _ANSWER_MARGIN_S
        waiting = asyncio.ensure_future(self._feed.wait(job, answers, timeout_s))
        # what was committed between acceptance and this wait was published to nobody
        stored = await self._store.get_job(job.jobid, None)
        if stored is not None and answers(stored):
            waiting.cancel()
            return stored
        seen = await waiting
        return seen or await self._store.get_job(job.jobid, None) or job

    # ── accounts ──

    async def list_accounts(self, user: User) -> Sequence[Account]:
        """Return the caller's accounts, removed ones left out."""
        accounts = await self._store.list_accounts(user.user_id)
        return [account for account in accounts if account.removed_at is None]

    async def get_account(self, user: User, channel: str) -> Account:
        """Return the caller's account in a channel. Raises: NotFound."""
        for account in await self.list_accounts(user):
            if account.channel == channel:
                return account
        raise NotFound("Configuration not found for provided channel")

    async def add_account(
        self, user: User, token: Secret, max_jobs: int | None
    ) -> tuple[Account, bool]:
        """Set up the account of a Discord token in its direct messages with the bot.

        Returns: the account, and whether it is new
        Raises: InvalidRequest, Throttled
        """
        identity = await self._identify(user, token)
        if identity.dm_channel is None:
            raise InvalidRequest("Midjourney bot not configured")
        return await self._put(user, token, identity, identity.dm_channel, None, max_jobs)

    async def put_account(
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
        for other in await self.list_accounts(user):
            if other.guild_id == server and other.channel != channel:
                raise InvalidRequest(f"Channel {other.channel} configuration has same server value")
        account, _ = await self._put(user, token, identity, channel, server, max_jobs)
        return account

    async def remove_account(self, user: User, channel: str, force: bool = False) -> None:
        """Stop submitting at once; the session goes when the jobs have ended. Raises: NotFound."""
        account = await self.get_account(user, channel)
        await self._store.remove_account(account.account_id, self._clock.now())
        removed = await self._store.get_account(account.account_id)
        if removed is not None:
            await self._pool.remove(removed, force=force)

    async def reset_account(self, user: User, channel: str) -> None:
        """Put a halted account back to work, after a person has dealt with it. Raises: NotFound."""
        account = await self.get_account(user, channel)
        await self._store.reset_account(account.account_id, self._clock.now())
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
        own = await self.list_accounts(user)
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
            max_jobs=max_jobs or (known.max_jobs if known else self._limits.default_max_jobs),
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

    # ── upkeep ──

    async def readiness(self) -> Readiness:
        """Return whether the database and the key work (R48)."""
        problems = []
        try:
            await self._store.ping()
        except StoreError as error:
            problems.append(f"database: {error.message}")
        try:
            sealed = self._sealer.seal("meta", "readiness", b"waystation")
            self._sealer.unseal("meta", "readiness", sealed)
        except VaultError as error:
            problems.append(f"key: {error.message}")
        return Readiness(not problems, tuple(problems), self._pool.states)

    async def counts(self) -> Counts:
        """Return totals."""
        return await self._store.counts()

    async def drain(self) -> None:
        """Take nothing new, and end what was accepted and not sent, so that every POST answers."""
        self._draining = True
        self._intake.close()
        try:
            await asyncio.gather(*self._submitting, return_exceptions=True)
            await asyncio.gather(*(_end_unsent(owner) for owner in self._pool.owners))
        finally:
            self._feed.release()


async def _end_unsent(owner: Owner) -> None:
    """End the accepted jobs that were not sent; with the store down the next start does."""
    try:
        for job in owner.jobs:
            if job.status is JobStatus.CREATED:
                await owner.fail(job.jobid, Failed(502, _STOPPING, _NOTHING_SENT))
    except StoreError as error:
        log.warning("service.unsent_left", account=owner.account.account_id, reason=error.message)


@dataclass(slots=True)
class _Recent:
    """Counts what happened lately, by key. Holds only keys with something recent."""

    window: timedelta
    limit: int
    _moments: dict[str, list[datetime]] = field(default_factory=dict)

    def add(self, key: str, now: datetime) -> None:
        if len(self._moments) > 10_000:
            self._moments.clear()
        self._moments.setdefault(key, []).append(now)

    def full(self, key: str, now: datetime) -> bool:
        moments = self._moments.get(key)
        if moments is None:
            return False
        moments[:] = [moment for moment in moments if now - moment < self.window]
        if not moments:
            del self._moments[key]
        return len(moments) >= self.limit


def _action_on(parent: Job, request: JobRequest, command: Command) -> Press | React:
    if command.reaction is not None:
        return reaction_to(parent, command.reaction)
    return press_of(parent, request.params)


def _halted(account: Account) -> Halted:
    return Halted(
        "Your Discord account has received a pending moderation message from Midjourney. "
        f"Please address this issue and POST account/midjourney/{account.channel}/reset "
        "before making any new API calls."
    )


def _busy(no_slot: NoSlot, command: Command) -> Busy:
    if not command.takes_slot:
        return Throttled(f"{no_slot.max_jobs} jobs without a slot wait on this account already")
    return Busy(
        f"Maximum of {no_slot.max_jobs} jobs executing in parallel supported",
        executing_jobs=no_slot.executing_jobs,
    )


def _same_discord(channel: str) -> InvalidRequest:
    return InvalidRequest(f"Channel {channel} configuration has same discord value")


_STOPPING = "Waystation was stopped before the job was sent to Discord"
_NOTHING_SENT = "Nothing was submitted to Midjourney; the job can be submitted again."
