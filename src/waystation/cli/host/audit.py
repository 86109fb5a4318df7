"""waystation audit: who changed users, tokens and accounts, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from waystation.cli.host.database import find, on_host
from waystation.cli.options import Config, Json
from waystation.cli.screen import Grid, opened, plain
from waystation.contract import instant

if TYPE_CHECKING:
    from waystation.app import State
    from waystation.ports import AuditEntry

__all__ = ["audit"]


def audit(
    user: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="Changes of one user, by e-mail address or id."),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, max=10_000, help="Newest changes to show.")
    ] = 50,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show who changed users, tokens and accounts, newest first; kept for 400 days.

    `host` is this command line, `user:1` that user by the API, `service` Waystation itself. A
    change that a user repeats within an hour is one entry, which counts how often.
    """

    async def work(state: State) -> tuple[dict[int, str], Sequence[AuditEntry]]:
        emails = {one.user_id: one.email for one in await state.store.list_users()}
        user_id = None if user is None else (await find(state, user)).user_id
        return emails, await state.store.audit(user_id, limit)

    with opened(as_json) as screen:
        emails, entries = on_host(config, work)
        screen.answer(
            [_as_json(entry) for entry in entries],
            _table(entries, emails) if entries else "Nothing was changed yet.",
        )


def _as_json(entry: AuditEntry) -> dict[str, object]:
    return {
        "number": entry.number,
        "at": instant(entry.at),
        "by": entry.by,
        "action": entry.action,
        "user": entry.user_id,
        "channel": entry.channel,
        "details": entry.details,
        "times": entry.times,
        "lastAt": instant(entry.last_at),
    }


def _table(entries: Sequence[AuditEntry], emails: dict[int, str]) -> Grid:
    table = Grid("at (UTC)", "by", "action", "user", "channel", "details")
    for entry in entries:
        whom = emails.get(entry.user_id, str(entry.user_id))
        row = (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.by, entry.action, whom)
        table.add_row(*(plain(cell) for cell in (*row, entry.channel or "", _details(entry))))
    return table


def _details(entry: AuditEntry) -> str:
    """Return the details of an entry, with the number and last time of repeated changes."""
    often = f"{entry.times} times, the last at {entry.last_at:%H:%M:%S}" if entry.times > 1 else ""
    return ", ".join(told for told in (entry.details, often) if told)
