"""v2's account paths: the caller's own record, and the Discord accounts they may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from waystation import sentences
from waystation.api.answer import NO_CONTENT, Answer, json_answer
from waystation.api.body import Body
from waystation.api.call import Call
from waystation.api.fields.account import account_limits, channel_account, new_account
from waystation.api.fields.user import user_changes
from waystation.contract import instant
from waystation.engine.accounts import MAX_ACCOUNTS
from waystation.engine.everywhere import Known
from waystation.engine.service import Service
from waystation.errors import NotFound
from waystation.jobs import Job
from waystation.ports import Account, User
from waystation.sidelining import Trouble

__all__ = [
    "AccountForm",
    "Accounts",
    "ConnectionForm",
    "NewAccountForm",
    "SidelinedForm",
    "SlotForm",
    "UserForm",
]

_SERVICE_NAME = "Midjourney API"
"""Key of the one service under `accounts`. Source: v2 notes 4.1."""

_TRUE = frozenset({"1", "true", "yes"})


class SidelinedForm(msgspec.Struct):
    """The reason why an account is drawn only when no other one is usable."""

    cause: Annotated[str, Meta(description="how Discord refuses it")]
    details: Annotated[str, Meta(description="Discord's answer, in the account's language")]
    since: str
    until: Annotated[str, Meta(description="from then on it is drawn like others, on trial")]


class ConnectionForm(msgspec.Struct, omit_defaults=True):
    """State of the account's gateway connection now."""

    state: Annotated[
        str,
        Meta(
            description="`connected`, `connecting`, `halted`, or `waiting`: no process acts for "
            "the account yet"
        ),
    ]
    reason: Annotated[
        str, Meta(description="why the last connection broke, or could not be made")
    ] = ""


class SlotForm(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One slot in use."""

    jobid: Annotated[
        str | None,
        Meta(
            description="its job; one that has ended may hold it for a while; missing where it is "
            "another user's"
        ),
    ] = None
    since: Annotated[str, Meta(description="when the job was sent, or accepted")]
    heard: Annotated[str, Meta(description="when anything new was last heard of it")]


class AccountForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A Discord account that the caller may use."""

    channel: str
    discord: Annotated[str, Meta(description="its token, masked")]
    server: Annotated[str | None, Meta(description="missing in the bot's direct messages")] = None
    max_jobs: Annotated[int, Meta(description="its slots")]
    connection: Annotated[ConnectionForm, Meta(description="an addition")]
    slots: Annotated[
        Sequence[SlotForm], Meta(description="an addition: the slots in use, the oldest first")
    ] = []
    pending_mod_message: Annotated[
        str | None, Meta(description="why it is halted; only while it is")
    ] = None
    jobs_a_day: Annotated[
        int | None,
        Meta(description="an addition: jobs that it takes in a day (UTC); missing without a limit"),
    ] = msgspec.field(name="jobsADay", default=None)
    shared: Annotated[
        bool, Meta(description="an addition: true where another user owns it; else missing")
    ] = False
    sidelined: Annotated[
        SidelinedForm | None,
        Meta(
            description="an addition: Discord refused it three times in a row, in the same way; "
            "until a job is sent through it again or it is reset"
        ),
    ] = None


class NewAccountForm(msgspec.Struct, rename="camel"):
    """An account that was set up."""

    discord: Annotated[str, Meta(description="the token, masked")]
    channel: Annotated[str, Meta(description="as found from the token")]
    max_jobs: int


class AccountTotals(msgspec.Struct):
    """How many Discord accounts the caller has."""

    total: int
    active: int
    error: Annotated[int, Meta(description="those that are halted")]


class UserForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The caller's record in the form of April 2025.

    There is nothing to buy: a user has one subscription, until the day that an admin has set.
    """

    id: int
    email: str
    created: str
    name: Annotated[str, Meta(description="empty when not set")]
    subscription_is_active: Annotated[
        bool, Meta(description="`false`: every other path answers 402")
    ]
    subscriptions: Annotated[int, Meta(description="1: nothing is sold")]
    max_accounts: Annotated[int, Meta(description="1000")] = msgspec.field(name="maxAccountsPerAPI")
    accounts: Annotated[
        Mapping[str, AccountTotals], Meta(description="under `Midjourney API`, the one service")
    ]
    verified: Annotated[str, Meta(description="when the user was added")]
    sub: Annotated[str, Meta(description="the day of that, `YYMMDD`")]
    updated: Annotated[str | None, Meta(description="when the user changed the record")] = None
    reply_url: Annotated[
        str | None, Meta(description="where ends are delivered by default, when set")
    ] = None


class Accounts:
    """The calls for the caller's record and accounts."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def read_user(self, call: Call, user: User) -> Answer:
        """Answer the caller's own record."""
        accounts = await self._service.accounts.of(user)
        active = not self._service.logins.has_lapsed(user)
        return json_answer(_user_form(user, accounts, active))

    async def change_user(self, call: Call, user: User, body: Body) -> Answer:
        """Change the caller's name or default replyUrl."""
        name, reply_url = user_changes(body)
        if reply_url:
            self._service.check_reply_url(reply_url)
        await self._service.logins.update_user(user, name, reply_url)
        return NO_CONTENT

    async def list_all(self, call: Call, user: User) -> Answer:
        """Answer the caller's accounts, keyed by channel."""
        accounts = await self._service.accounts.of(user)
        if not accounts:
            raise await self._service.accounts.unknown(user, None, NotFound)
        known = await self._service.accounts.known(user, accounts)
        return json_answer(
            {
                account.channel: self._form(account, known[account.account_id], user)
                for account in accounts
            }
        )

    async def add(self, call: Call, user: User, body: Body) -> Answer:
        """Add an account, or give it a new token; its channel is found from the token."""
        token, max_jobs = new_account(body)
        account, created = await self._service.accounts.add(user, token, max_jobs)
        form = NewAccountForm(account.masked_token, account.channel, account.max_jobs)
        return json_answer(form, 201 if created else 200)

    async def read(self, call: Call, user: User) -> Answer:
        """Answer one account."""
        account = await self._service.accounts.get(user, call.path("channel"))
        known = await self._service.accounts.known(user, [account])
        return json_answer(self._form(account, known[account.account_id], user))

    async def put(self, call: Call, user: User, body: Body) -> Answer:
        """Add or change the account of a named channel (Era A)."""
        channel = call.path("channel")
        token, server, max_jobs = channel_account(channel, body)
        await self._service.accounts.put(user, channel, token, server, max_jobs)
        return NO_CONTENT

    async def remove(self, call: Call, user: User) -> Answer:
        """Remove an account; `force` fails its running jobs now (R33)."""
        force = (call.query(b"force") or "").lower() in _TRUE
        await self._service.accounts.remove(user, call.path("channel"), force)
        return NO_CONTENT

    async def reset(self, call: Call, user: User) -> Answer:
        """End an account's halt, and draw it again."""
        await self._service.accounts.reset(user, call.path("channel"))
        return NO_CONTENT

    async def limit(self, call: Call, user: User, body: Body) -> Answer:
        """Set how many jobs an account takes a day and at once."""
        await self._service.accounts.limit(user, call.path("channel"), *account_limits(body))
        return NO_CONTENT

    def _form(self, account: Account, known: Known, user: User) -> AccountForm:
        """Return an account as a user may see it; of one that is shared less (R32)."""
        is_shared = account.user_id != user.user_id
        return AccountForm(
            channel=account.channel,
            discord=account.masked_token,
            server=account.guild_id,
            max_jobs=account.max_jobs,
            connection=ConnectionForm(known.state, known.reason),
            slots=[self._slot(job, user) for job in known.slots],
            jobs_a_day=account.jobs_a_day,
            pending_mod_message=sentences.OWNERS_HALT
            if is_shared and account.halt
            else account.halt,
            shared=is_shared,
            sidelined=None if account.trouble is None else self._sidelined(account.trouble),
        )

    def _slot(self, job: Job, user: User) -> SlotForm:
        shown = self._service.accounts.shown
        return SlotForm(
            jobid=job.jobid if job.user_id == user.user_id else None,
            since=instant(shown(job.submitted_at or job.updated_at)),
            heard=instant(shown(job.updated_at)),
        )

    def _sidelined(self, trouble: Trouble) -> SidelinedForm | None:
        if trouble.cause is None or trouble.since is None or trouble.until is None:
            return None
        shown = self._service.accounts.shown
        return SidelinedForm(
            cause=str(trouble.cause),
            details=trouble.cause.text,
            since=instant(shown(trouble.since)),
            until=instant(shown(trouble.until)),
        )


def _user_form(user: User, accounts: Sequence[Account], active: bool) -> UserForm:
    created = instant(user.created_at)
    halted = sum(account.halt is not None for account in accounts)
    totals = AccountTotals(len(accounts), len(accounts) - halted, halted)
    return UserForm(
        id=user.user_id,
        email=user.email,
        created=created,
        name=user.name or "",
        subscription_is_active=active,
        subscriptions=1,
        max_accounts=MAX_ACCOUNTS,
        accounts={_SERVICE_NAME: totals},
        verified=created,
        sub=user.created_at.strftime("%y%m%d"),
        updated=None if user.updated_at is None else instant(user.updated_at),
        reply_url=user.reply_url or None,
    )
