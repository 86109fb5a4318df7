"""waystation export: users, accounts and jobs as JSON lines, to take elsewhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from waystation.cli.host.database import database_name, find, on_host, user_json
from waystation.cli.host.files import WRITABLE, must_be_new
from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import marked, opened, plain
from waystation.contract import instant, job_json
from waystation.errors import ConfigurationError

if TYPE_CHECKING:
    from waystation.app import State
    from waystation.ports import Account

__all__ = ["export"]

_PAGE = 200
"""Jobs that are held at once."""

_STDOUT = Path("-")


def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to write; - is standard output.")
    ],
    user: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="One user's rows, by e-mail address or id."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write users, accounts and jobs into a file, also beside a running service.

    Each line is a JSON object with `kind`: user, account or job; a job reads as
    GET gives it, its links as they were. Tokens and keys are not among them.
    """
    with opened(as_json) as screen:
        with _written(file) as out:
            counts = on_host(config, lambda state: _export(state, user, out))
        if file == _STDOUT:
            return
        screen.answer(
            {"file": str(file), **counts},
            marked("ok", f"{file}: {', '.join(f'{n} {kind}s' for kind, n in counts.items())}"),
            plain(f"  from {database_name(load_settings(config))}", "dim"),
        )


async def _export(state: State, who: str | None, out: IO[str]) -> Mapping[str, int]:
    counts = {"user": 0, "account": 0, "job": 0}
    async for kind, row in _rows(state, who):
        counts[kind] += 1
        out.write(json.dumps({"kind": kind, **row}, ensure_ascii=False) + "\n")
    return counts


async def _rows(state: State, who: str | None) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    one = None if who is None else await find(state, who)
    for user in await state.store.list_users() if one is None else [one]:
        yield "user", user_json(user)
    user_id = None if one is None else one.user_id
    for account in await state.store.list_accounts(user_id):
        if user_id in (None, account.user_id):
            yield "account", _account_json(account)
    last, page = "", _PAGE
    while page == _PAGE:
        jobs = await state.store.jobs_after(last, _PAGE, user_id)
        for job in jobs:
            family = await state.store.family(job.jobid, job.user_id)
            if family is not None:
                yield "job", {"user": job.user_id, **json.loads(job_json(*family))}
        page = len(jobs)
        last = jobs[-1].jobid if jobs else ""


def _account_json(account: Account) -> Mapping[str, object]:
    return {
        "user": account.user_id,
        "channel": account.channel,
        "server": account.guild_id,
        "discordUser": account.discord_user_id,
        "maxJobs": account.max_jobs,
        "created": instant(account.created_at),
        "removed": instant(account.removed_at) if account.removed_at else None,
    }


@contextmanager
def _written(file: Path) -> Iterator[IO[str]]:
    """Give a file that is there when all of it is written, and not before."""
    if file == _STDOUT:
        with _printed() as out:
            yield out
        return
    must_be_new(file)
    begun = file.with_name(f".{file.name}.begun")
    try:
        with open(begun, "w", encoding="utf-8", opener=_private) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        begun.replace(file)
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} cannot be written: {error.strerror}",
            details=WRITABLE,
        ) from error
    finally:
        begun.unlink(missing_ok=True)


@contextmanager
def _printed() -> Iterator[IO[str]]:
    """Give standard output. Raises: ConfigurationError: it takes nothing more, as a full disk."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has had enough: no error to tell of
        raise
    except OSError as error:
        # the interpreter flushes once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ConfigurationError(
            f"Standard output cannot be written: {error.strerror}", details=WRITABLE
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
