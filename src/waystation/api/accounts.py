"""What v2's account paths do: the caller's own record, and the Discord accounts they may use."""

from __future__ import annotations

from collections.abc import Sequence

from waystation.api.answer import NO_CONTENT, Answer, json_answer
from waystation.api.call import Call
from waystation.api.schema import channel_account, new_account, user_changes
from waystation.contract import instant
from waystation.engine.service import Service
from waystation.errors import NotFound
from waystation.ports import Account, User

__all__ = ["Accounts"]

_SERVICE_NAME = "Midjourney API"
"""Key of the one service under `accounts`. Source: rest-api-v2, GET /v2/account."""

_UNLIMITED_ACCOUNTS = 1000
"""Answered as `maxAccountsPerAPI`: there is no limit here, but clients compare with a number."""

_TRUE = frozenset({"1", "true", "yes"})


class Accounts:
    """What can be done with the caller's record and accounts."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def read_user(self, call: Call, user: User) -> Answer:
        """Answer the caller's own record."""
        accounts = await self._service.list_accounts(user)
        return json_answer(_user_form(user, accounts))

    async def change_user(self, call: Call, user: User) -> Answer:
        """Change the caller's name or default replyUrl."""
        name, reply_url = user_changes(await call.body())
        await self._service.update_user(user, name, reply_url)
        return NO_CONTENT

    async def list_all(self, call: Call, user: User) -> Answer:
        """Answer the caller's accounts, keyed by channel."""
        accounts = await self._service.list_accounts(user)
        if not accounts:
            raise NotFound("Configuration not found")
        return json_answer({account.channel: _account_form(account) for account in accounts})

    async def add(self, call: Call, user: User) -> Answer:
        """Add an account, or give it a new token; its channel is found from the token."""
        token, max_jobs = new_account(await call.body())
        account, created = await self._service.add_account(user, token, max_jobs)
        body = {
            "discord": account.masked_token,
            "channel": account.channel,
            "maxJobs": account.max_jobs,
        }
        return json_answer(body, 201 if created else 200)

    async def read(self, call: Call, user: User) -> Answer:
        """Answer one account."""
        return json_answer(
            _account_form(await self._service.get_account(user, call.path("channel")))
        )

    async def put(self, call: Call, user: User) -> Answer:
        """Add or change the account of a named channel (Era A)."""
        channel = call.path("channel")
        token, server, max_jobs = channel_account(channel, await call.body())
        await self._service.put_account(user, channel, token, server, max_jobs)
        return NO_CONTENT

    async def remove(self, call: Call, user: User) -> Answer:
        """Remove an account; `force` fails its running jobs now (R33)."""
        force = (call.query(b"force") or "").lower() in _TRUE
        await self._service.remove_account(user, call.path("channel"), force)
        return NO_CONTENT

    async def reset(self, call: Call, user: User) -> Answer:
        """End an account's halt."""
        await self._service.reset_account(user, call.path("channel"))
        return NO_CONTENT


def _account_form(account: Account) -> dict[str, object]:
    form: dict[str, object] = {"channel": account.channel, "discord": account.masked_token}
    if account.guild_id is not None:
        form["server"] = account.guild_id
    form["maxJobs"] = account.max_jobs
    if account.halt is not None:
        form["pendingModMessage"] = account.halt
    return form


def _user_form(user: User, accounts: Sequence[Account]) -> dict[str, object]:
    """Return the record in the form of April 2025.

    There is nothing to buy: one subscription that is active, because an expired one answers 402.
    """
    created = instant(user.created_at)
    halted = sum(account.halt is not None for account in accounts)
    form: dict[str, object] = {"id": user.user_id, "email": user.email, "created": created}
    if user.name:
        form["name"] = user.name
    form |= {
        "subscriptionIsActive": True,
        "subscriptions": 1,
        "maxAccountsPerAPI": _UNLIMITED_ACCOUNTS,
        "accounts": {
            _SERVICE_NAME: {
                "total": len(accounts),
                "active": len(accounts) - halted,
                "error": halted,
            }
        },
        "verified": created,
        "sub": user.created_at.strftime("%y%m%d"),
    }
    if user.updated_at is not None:
        form["updated"] = instant(user.updated_at)
    if user.reply_url:
        form["replyUrl"] = user.reply_url
    return form
