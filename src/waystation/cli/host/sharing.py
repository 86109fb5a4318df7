"""waystation users share, unshare, shares, limit-account: the accounts of several users (R32)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from waystation.cli.host.database import find, on_host
from waystation.cli.options import Channel, Config, Json
from waystation.cli.screen import Grid, marked, opened, plain
from waystation.contract import instant
from waystation.errors import NotFound

if TYPE_CHECKING:
    from waystation.app import State
    from waystation.ports import Account, Share, User

__all__ = ["add_to"]

_With = Annotated[
    str, typer.Argument(metavar="EMAIL", help="The user it is shared with: e-mail address, or id.")
]


def share(who: _With, channel: Channel, config: Config = None, as_json: Json = False) -> None:
    """Let a user run jobs on another user's Discord account.

    They see the account, and their own jobs on it. The owner alone changes,
    resets and removes it. A running service needs no restart.
    """

    async def work(state: State) -> User:
        user, account = await _both(state, who, channel)
        await state.store.sharing.share(account.account_id, user.user_id)
        return user

    with opened(as_json) as screen:
        user = on_host(config, work)
        said = marked("ok", f"{user.email} may use the account of channel {channel}")
        screen.answer({"channel": channel, "user": user.user_id, "shared": True}, said)


def unshare(who: _With, channel: Channel, config: Config = None, as_json: Json = False) -> None:
    """Let a user use an account no more; their running jobs go on to their end."""

    async def work(state: State) -> User:
        user, account = await _both(state, who, channel)
        await state.store.sharing.unshare(account.account_id, user.user_id)
        return user

    with opened(as_json) as screen:
        user = on_host(config, work)
        said = marked("ok", f"{user.email} may no longer use the account of channel {channel}")
        screen.answer({"channel": channel, "user": user.user_id, "shared": False}, said)


def shares(config: Config = None, as_json: Json = False) -> None:
    """List the accounts that are shared, and with whom."""

    async def work(state: State) -> Sequence[Share]:
        return await state.store.sharing.shares()

    with opened(as_json) as screen:
        found = on_host(config, work)
        rows = [_as_json(one) for one in found]
        screen.answer(rows, _table(found) if found else "No account is shared.")


def limit_account(
    channel: Channel,
    jobs_a_day: Annotated[
        int,
        typer.Option(metavar="NUMBER", min=0, help="Most jobs in a day (UTC); 0 for any number."),
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Limit the jobs that any user's Discord account takes in a day.

    Its owner may do so with `waystation accounts limit`.
    """

    async def work(state: State) -> None:
        account = await _account(state, channel)
        await state.store.quotas.limit_account(account.account_id, jobs_a_day, None)

    with opened(as_json) as screen:
        on_host(config, work)
        said = f"at most {jobs_a_day} jobs a day" if jobs_a_day else "any number of jobs a day"
        screen.answer({"channel": channel, "jobsADay": jobs_a_day}, marked("ok", said))


def add_to(group: typer.Typer) -> None:
    """Add these commands to a group."""
    for command in (limit_account, share, unshare, shares):
        group.command(command.__name__.replace("_", "-"))(command)


async def _both(state: State, who: str, channel: str) -> tuple[User, Account]:
    """Return the user and the account that are named. Raises: NotFound."""
    return await find(state, who), await _account(state, channel)


async def _account(state: State, channel: str) -> Account:
    account = await state.store.sharing.account_in(channel)
    if account is None:
        raise NotFound(f"There is no account of channel {channel} in {state.store.name}")
    return account


def _as_json(one: Share) -> dict[str, object]:
    since = instant(one.since)
    return {"channel": one.channel, "user": one.user_id, "email": one.email, "since": since}


def _table(found: Sequence[Share]) -> Grid:
    table = Grid("channel", "id", "email", "since")
    for one in found:
        row = (one.channel, one.user_id, one.email, f"{one.since:%Y-%m-%d}")
        table.add_row(*(plain(cell) for cell in row))
    return table
