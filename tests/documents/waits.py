"""WAITS: what each command of the command line waits for, and how long at most."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature

from waystation.cli.callbacks import PING_S
from waystation.cli.demo.processes import _READY_WITHIN_S as READY_S
from waystation.cli.demo.stage import _JOB_WITHIN_S as JOB_S
from waystation.cli.doctor.outside import _TIMEOUT_S as CHECK_S
from waystation.client.client import ANSWER_S, Client
from waystation.discord.calls import _READ_TIMEOUT_S as READ_S
from waystation.midjourney.commands import COMMANDS, AnswersAt
from waystation.store.sqlite.database import _BUSY_TIMEOUT_MS as BUSY_TIMEOUT_MS

__all__ = ["WAITS", "waits"]

PICTURE_S = signature(Client.download).parameters["timeout_s"].default

_HEAD = """
## Waits of each command

A command that asks the service says after half a second what it waits for, and how long at most;
when that time has passed, it ends with exit code 3. Ctrl-C ends the wait; a submitted job goes on.

| command | waits for | at most |
|---|---|---|
"""

_BEGUN = "the bot's beginning, then, unless `--no-wait`, the result"
_ASKED_S = f"{ANSWER_S:g} s, then `--timeout`; without it until the service ends the job"
_ANSWER = "the service's answer"

_CALLBACKS = ("list", "show", "redeliver", "replay", "receivers", "enable", "secret", "rotate")

_USERS = (
    *("add", "list", "expire", "revoke", "rotate", "admin", "queue", "limit"),
    *("limit-account", "share", "unshare", "shares"),
)

WAITS: Sequence[tuple[Sequence[str], str, str]] = (
    (
        [row.verb for row in COMMANDS.values() if row.answers_at is not AnswersAt.FINAL],
        _BEGUN,
        f"{_ASKED_S} (`WAYSTATION_JOB_TIMEOUT_S`)",
    ),
    (
        [row.verb for row in COMMANDS.values() if row.answers_at is AnswersAt.FINAL],
        "the result",
        f"{ANSWER_S:g} s",
    ),
    (["jobs watch"], "the job's end", "`--timeout`; without it until the service ends the job"),
    (
        ["jobs list", "jobs show", "jobs cancel"],
        f"{_ANSWER}; with `--save` each picture",
        f"{ANSWER_S:g} s; {PICTURE_S:g} s a picture",
    ),
    (["accounts add"], "Discord to take the token", f"{ANSWER_S:g} s"),
    (
        ["accounts list", "accounts show", "accounts remove", "accounts reset", "accounts limit"],
        f"{_ANSWER}; for no running job",
        f"{ANSWER_S:g} s",
    ),
    (
        [f"callbacks {name}" for name in _CALLBACKS],
        _ANSWER,
        f"{ANSWER_S:g} s",
    ),
    (["media share", "media rotate"], _ANSWER, f"{ANSWER_S:g} s"),
    (["callbacks ping"], "the receiver to answer", f"{PING_S:g} s"),
    (
        [f"users {name}" for name in _USERS],
        "the database, while another process writes",
        f"{BUSY_TIMEOUT_MS / 1000:g} s",
    ),
    (["migrate"], "as above; a migration or a move takes its time", "as above"),
    (["restored"], "as above", "as above"),
    (["backup", "restore", "export", "audit"], "as above; copying takes its time", "as above"),
    (["rotate-key"], "another `rotate-key`", "no limit"),
    (["make-key"], "nothing", "at once"),
    (
        ["doctor"],
        "Discord and the mail server, then Discord for each account, then the service",
        f"{CHECK_S:g} s each; {READ_S:g} s for each read of an account",
    ),
    (
        ["demo"],
        "service and simulator to start, then each job",
        f"{READY_S:g} s; {JOB_S:g} s a job",
    ),
    (["serve"], "SIGTERM or Ctrl-C; it says when it listens", "no limit"),
)
"""Commands, what they wait for, and how long."""


def waits() -> str:
    """Return the section of docs/cli.md."""
    rows = (
        f"| {' '.join(f'`{name}`' for name in names)} | {what} | {limit} |\n"
        for names, what, limit in WAITS
    )
    return "".join((_HEAD, *rows))
