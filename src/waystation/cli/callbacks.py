"""waystation callbacks: the log of your callbacks, and what can be asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from waystation.cli.exits import Exit
from waystation.cli.group import CommandGroup
from waystation.cli.options import Json
from waystation.cli.remote import ask
from waystation.cli.screen import MARK, Grid, fields, marked, opened, plain

if TYPE_CHECKING:
    from waystation.client import Client, Delivery, DeliveryPage

__all__ = ["PING_S", "app"]

PING_S: Final = 30.0
"""Longest wait for a receiver to answer a ping."""
_LOOK_EVERY_S = 0.2

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="List callbacks, send them again, test receivers, make a signing secret.",
)

_SIGNS: Mapping[str, str] = {"delivered": "ok", "given_up": "error", "disabled": "error"}

_Id = Annotated[str, typer.Argument(metavar="ID", help="The callback's id, its `webhook-id`.")]
_Of = Annotated[str | None, typer.Option("--job", metavar="JOBID", help="Those of one job.")]
_State = Annotated[
    str | None,
    typer.Option(
        metavar="STATE",
        help="Those in one state: pending, delivered, given_up, superseded, disabled.",
    ),
]
_Most = Annotated[
    int, typer.Option("--limit", metavar="NUMBER", min=1, max=100, help="Most of them.")
]
_Since = Annotated[
    str,
    typer.Option(metavar="MOMENT", help="Begin of the outage, ISO 8601: 2027-01-31T12:00:00Z."),
]
_Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The receiver's URL; default: your own replyUrl."),
]


@app.command("list")
def list_callbacks(
    job: _Of = None, state: _State = None, limit: _Most = 50, as_json: Json = False
) -> None:
    """List your callbacks, newest first."""
    with opened(as_json) as screen:

        async def call(client: Client) -> DeliveryPage:
            return await client.deliveries(jobid=job, state=state, limit=limit)

        found = ask(call)["deliveries"]
        screen.answer(found, _table(found) if found else "There is no such callback.")


@app.command()
def show(delivery_id: _Id, as_json: Json = False) -> None:
    """Show one callback with each of its attempts."""
    with opened(as_json) as screen:
        found = ask(lambda client: client.delivery(delivery_id))
        screen.answer(found, _view(found))


@app.command()
def redeliver(delivery_id: _Id, as_json: Json = False) -> None:
    """Send the end of a job again, now, whether it was taken or not."""
    with opened(as_json) as screen:
        found = ask(lambda client: client.redeliver(delivery_id))
        screen.answer(found, marked("ok", "the callback is sent again"))


@app.command()
def replay(since: _Since, as_json: Json = False) -> None:
    """Send again, now, each callback that nobody has taken since a moment."""
    with opened(as_json) as screen:

        async def call(client: Client) -> dict[str, Any]:
            count = 0
            while True:
                told = await client.replay(since)
                count += told["replayed"]
                if not told["more"]:
                    return {"replayed": count}

        told = ask(call)
        screen.answer(told, marked("ok", f"callbacks sent again: {told['replayed']}"))


@app.command()
def ping(url: _Url = None, as_json: Json = False) -> None:
    """Send a test to a receiver and show how it answers; one that takes it is enabled."""
    with opened(as_json) as screen:

        async def call(client: Client) -> Delivery:
            found = await client.ping(url)
            async with asyncio.timeout(PING_S):
                while True:
                    found = await client.delivery(found["id"])
                    if found["state"] != "pending":
                        return found
                    await asyncio.sleep(_LOOK_EVERY_S)

        try:
            found = ask(call, awaited=f"the receiver to answer, {PING_S:g} s")
        except TimeoutError:
            screen.answer({"state": "pending"}, marked("warning", "the ping is not sent yet"))
            raise typer.Exit(Exit.FAILED) from None
        taken = found["state"] == "delivered"
        last = found["attempts"][-1]
        how = last.get("reason") or f"HTTP status {last.get('status')}"
        said = f"the receiver has {'taken' if taken else 'not taken'} it: {how}"
        screen.answer(found, marked("ok" if taken else "error", said))
        if not taken:
            raise typer.Exit(Exit.FAILED)


@app.command()
def receivers(as_json: Json = False) -> None:
    """List your receivers that have failed since they took a callback last."""
    with opened(as_json) as screen:
        found = ask(lambda client: client.receivers())
        screen.answer(found, _receivers(found) if found else "No receiver fails.")


@app.command()
def enable(
    url: Annotated[str, typer.Argument(metavar="URL", help="A URL of the receiver.")],
    as_json: Json = False,
) -> None:
    """Let callbacks be sent to a disabled receiver again, without a test."""
    with opened(as_json) as screen:
        ask(lambda client: client.enable_receiver(url))
        screen.answer(
            {"url": url, "enabled": True}, "Callbacks of jobs that end now are sent to it."
        )
        screen.advise(
            [
                ("to list those that were kept:", "waystation callbacks list --state disabled"),
                ("to send them:", "waystation callbacks replay --since MOMENT"),
            ]
        )


@app.command()
def secret(as_json: Json = False) -> None:
    """Tell since when your callbacks are signed."""
    with opened(as_json) as screen:
        told = ask(lambda client: client.signing())
        if not told["signs"]:
            screen.answer(told, marked("warning", "your callbacks are not signed"))
            screen.advise([("to make a secret:", "waystation callbacks rotate")])
            return
        rows = {"signed since": told["created"]}
        if "formerUntil" in told:
            rows["former secret until"] = told["formerUntil"]
        screen.answer(told, fields(rows))


@app.command()
def rotate(as_json: Json = False) -> None:
    """Make the secret that signs your callbacks and print it, this once.

    A secret that is replaced signs for 24 hours more, beside the new one.
    """
    with opened(as_json) as screen:
        told = ask(lambda client: client.new_signing_secret())
        hint = Text("Keep the secret now: it cannot be shown again.", "yellow")
        shown = fields({"secret": Text(told["secret"], "bold")})
        screen.answer(told, Group(shown, hint))


def _table(found: Sequence[Delivery]) -> RenderableType:
    table = Grid("", "id", "created", "attempts", "state", "job")
    for one in found:
        sign = MARK[_SIGNS.get(one["state"], "warning")]
        cells = (one["id"], one["created"], one["attempted"], one["state"], _job(one))
        table.add_row(sign, *(plain(cell) for cell in cells))
    return table


def _view(one: Delivery) -> RenderableType:
    rows: dict[str, Any] = {
        "id": one["id"],
        "job": _job(one),
        "URL": one["replyUrl"],
        "state": one["state"],
        "created": one["created"],
    }
    if "nextAttempt" in one:
        rows["next attempt"] = one["nextAttempt"]
    log = Grid("", "attempt", "at", "seconds", "answer")
    for each in one.get("attempts", ()):
        status = each.get("status")
        taken = status is not None and 200 <= status < 300
        answer = each.get("reason") or f"HTTP status {status}"
        cells = (each["number"], each["at"], f"{each['seconds']:g}", answer)
        log.add_row(MARK["ok" if taken else "error"], *(plain(cell) for cell in cells))
    return Group(fields(rows), log)


def _job(one: Delivery) -> str:
    return one.get("jobid", "a ping")


def _receivers(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = Grid("", "receiver", "failing since", "mails", "state", "last answer")
    for one in found:
        state = f"disabled {one['disabled']}" if "disabled" in one else "fails"
        sign = MARK["error" if "disabled" in one else "warning"]
        cells = (one["receiver"], one["failingSince"], one["mails"], state, one["reason"])
        table.add_row(sign, *(plain(cell) for cell in cells))
    return table
