"""waystation accounts: the Discord accounts that a running service acts as for you."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from waystation.cli.confirming import Yes, confirm, must_ask, person_is_there
from waystation.cli.group import CommandGroup
from waystation.cli.mends import halt_mend, removal_mends
from waystation.cli.options import Channel, Json, channel_id
from waystation.cli.remote import ask
from waystation.cli.screen import MARK, Grid, fields, marked, opened, plain
from waystation.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from waystation.client import Account, Client

__all__ = ["app"]

app = typer.Typer(
    cls=CommandGroup, no_args_is_help=True, help="Manage the Discord accounts of a running service."
)

_LOOK = "See that its user may use the channel and the bot, then: waystation accounts reset"
_DEFAULT_MAX_JOBS = 3
"""The API asks for a number where a channel is named; this is its own where none is."""

_UNCONNECTED: Mapping[str, str] = {
    "connecting": "not connected, tries again",
    "waiting": "not connected: this process begins, or another one acts for the account",
}
"""Words for a state of the connection; the reason may follow them."""

_SAVED = ("ok", "account saved")
_STILL_HALTED = ("warning", "account saved; it is still halted")

_TokenStdin = Annotated[
    bool, typer.Option("--token-stdin", help="Read the Discord token from stdin, without asking.")
]
_MaxJobs = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", min=1, max=15, help="Most jobs at once; 3 for a new account."),
]
_Server = Annotated[
    str | None,
    typer.Option(metavar="SERVER", help="Discord id of the channel's server.", callback=channel_id),
]
_Where = Annotated[
    str | None,
    typer.Option(
        metavar="CHANNEL",
        help="Discord id of a server's channel; else the direct messages with the bot.",
        callback=channel_id,
    ),
]
_Force = Annotated[
    bool,
    typer.Option("--force", help="End its running jobs now, also when it is being removed."),
]


@app.command()
def add(
    server: _Server = None,
    channel: _Where = None,
    max_jobs: _MaxJobs = None,
    token_stdin: _TokenStdin = False,
    as_json: Json = False,
) -> None:
    """Add a Discord account, or renew its token.

    The token is asked for without showing it, or read from stdin; it is never
    an argument, because every user of the machine can read those. Without
    --server and --channel the service takes the user's direct messages with
    the bot.
    """
    with opened(as_json) as screen:
        if (server is None) is not (channel is None):
            raise InvalidRequest("--server and --channel go together: a channel and its server")
        discord = _token(token_stdin)

        async def call(client: Client) -> Account:
            if server is None or channel is None:
                return await client.add_discord_account(discord, max_jobs=max_jobs)
            known = (await client.discord_accounts()).get(channel)
            most = max_jobs or (_DEFAULT_MAX_JOBS if known is None else known["maxJobs"])
            await client.put_discord_account(channel, server=server, discord=discord, max_jobs=most)
            return await client.discord_account(channel)

        account = ask(call, awaited="Discord to take the token")
        said = _STILL_HALTED if "pendingModMessage" in account else _SAVED
        screen.answer(account, marked(*said), _view(account))


@app.command("list")
def list_accounts(as_json: Json = False) -> None:
    """List your Discord accounts."""
    with opened(as_json) as screen:
        accounts = ask(lambda client: client.discord_accounts())
        screen.answer(accounts, _table(accounts) if accounts else "There is no account yet.")


@app.command()
def show(channel: Channel, as_json: Json = False) -> None:
    """Show one Discord account."""
    with opened(as_json) as screen:
        account = ask(lambda client: client.discord_account(channel))
        screen.answer(account, _view(account))


@app.command()
def remove(
    channel: Channel, yes: Yes = False, force: _Force = False, as_json: Json = False
) -> None:
    """Stop using a Discord account and forget its token; its running jobs end first.

    Nothing is waited for: while jobs run, the account is being removed, and the
    answer says how many they are and when it goes at the latest.
    """
    with opened(as_json) as screen:
        if not yes:
            must_ask(screen, "use --yes to remove the account")
            account = ask(lambda client: client.discord_account(channel))
            name = f"{account['discord']} of channel {account['channel']}"
            confirm(screen, f"Remove the account {name}?", "the account is kept")
        going = ask(lambda client: _remove(client, channel, force))
        if going is None:
            screen.answer({"channel": channel, "removed": True}, "The account is removed.")
            return
        said = marked("warning", going.partition(". ")[0])
        screen.answer({"channel": channel, "removed": False, "details": going}, said)
        screen.advise(removal_mends(channel))


@app.command()
def reset(channel: Channel, as_json: Json = False) -> None:
    """Put a halted or sidelined account back to work, once you have dealt with the cause."""
    with opened(as_json) as screen:
        ask(lambda client: client.reset_discord_account(channel))
        screen.answer({"channel": channel, "reset": True}, "The account is back at work.")


@app.command()
def limit(
    channel: Channel,
    jobs_a_day: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            help="Most jobs in a day (UTC); 0 for any number.",
            show_default=False,
        ),
    ] = None,
    max_jobs: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=1, help="Most jobs at once.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Limit the jobs that a Discord account takes in a day and at once."""
    with opened(as_json) as screen:
        if jobs_a_day is None and max_jobs is None:
            raise InvalidRequest("Name a limit: --jobs-a-day or --max-jobs")
        limits = {"jobs_a_day": jobs_a_day, "max_jobs": max_jobs}
        ask(lambda client: client.limit_discord_account(channel, **limits))
        said = []
        if jobs_a_day is not None:
            said.append(f"at most {jobs_a_day} jobs a day" if jobs_a_day else "any number a day")
        if max_jobs is not None:
            said.append(f"at most {max_jobs} at once")
        told = {"channel": channel, "jobsADay": jobs_a_day, "maxJobs": max_jobs}
        shown = {name: value for name, value in told.items() if value is not None}
        screen.answer(shown, marked("ok", ", ".join(said)))


async def _remove(client: Client, channel: str, force: bool) -> str | None:
    """Remove an account; return what is said of one that waits for its jobs, None of one gone."""
    await client.remove_discord_account(channel, force=force)
    try:
        await client.discord_account(channel)
    except NotFound as gone:
        return gone.details
    # somebody has set it up again meanwhile
    return None


def _token(from_stdin: bool) -> str:
    if from_stdin:
        token = sys.stdin.readline().strip()
    elif person_is_there():
        token = getpass.getpass("Discord token (not shown): ").strip()
    else:
        raise InvalidRequest("stdin is not a terminal; use --token-stdin to read the token from it")
    if not token:
        raise InvalidRequest("The Discord token is empty")
    return token


def _table(accounts: Mapping[str, Account]) -> RenderableType:
    table = Grid("", "channel", "account", "maxJobs", "state")
    for account in accounts.values():
        mark, state = _state(account)
        table.add_row(
            MARK[mark],
            plain(account["channel"]),
            plain(account["discord"] + (" (shared)" if account.get("shared") else "")),
            plain(account["maxJobs"]),
            state,
        )
    return table


def _state(account: Account) -> tuple[str, Text]:
    if "pendingModMessage" in account:
        return "error", plain(f"halted: {account['pendingModMessage']}", "red")
    if "sidelined" in account:
        return "warning", plain(f"sidelined: {account['sidelined']['cause']}", "yellow")
    return _connection(account)


def _connection(account: Account) -> tuple[str, Text]:
    connection = account.get("connection", {"state": "works"})
    state, why = connection["state"], connection.get("reason", "")
    if state in ("works", "connected"):
        return "ok", Text(state)
    return "warning", plain(f"{_UNCONNECTED.get(state, state)}{why and f': {why}'}", "yellow")


def _view(account: Account) -> RenderableType:
    rows: dict[str, Any] = {
        "channel": account["channel"],
        "account": account["discord"],
        "maxJobs": account["maxJobs"],
    }
    if "jobsADay" in account:
        rows["jobs a day"] = account["jobsADay"]
    if account.get("shared"):
        rows["shared"] = "by its owner, who alone changes it"
    if "server" in account:
        rows["server"] = account["server"]
    if "connection" in account and "pendingModMessage" not in account:
        rows["connection"] = _connection(account)[1]
    for number, slot in enumerate(account.get("slots", ()), 1):
        job = slot.get("jobid", "another user's job")
        rows[f"slot {number}"] = plain(f"{job}, since {slot['since']}, last heard {slot['heard']}")
    if "pendingModMessage" in account:
        rows["halted"] = plain(account["pendingModMessage"], "red", lines=True)
        halt, server = str(account["pendingModMessage"]), account.get("server", "")
        if not account.get("shared"):
            rows["mend"] = " ".join(halt_mend(halt, account["channel"], server))
    elif "sidelined" in account:
        sidelined = account["sidelined"]
        rows["sidelined"] = plain(sidelined["cause"], "yellow")
        rows["answer"] = plain(sidelined["details"], lines=True)
        rows["on trial from"] = sidelined["until"]
        rows["mend"] = f"{_LOOK} {account['channel']}"
    return fields(rows)
