"""MENDS: what to do about an error on the command line, where the API's own words leave it open.

The API's strings are v2's, or say what is true for every caller; which command helps is known here.
Rules: a command to copy has a line of its own, so that a terminal breaks it nowhere.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from waystation import sentences
from waystation.errors import (
    Busy,
    ButtonRepeated,
    Halted,
    InvalidRequest,
    NotFound,
    RemoteProtocolError,
    SubscriptionExpired,
    TransportError,
    Unanswered,
    Unavailable,
    Unreachable,
    WaystationError,
)
from waystation.midjourney.commands import COMMANDS
from waystation.secret import veiled

__all__ = ["MENDS", "filled_in", "halt_mend", "job_mends", "mends", "removal_mends"]

Mend = tuple[str, str]
"""A sentence of help, and the command to copy, which may be empty."""

MENDS: Mapping[str, Mend] = {
    sentences.UNAUTHORIZED.text: (
        "WAYSTATION_TOKEN is not valid there; on the service's host, a new one, "
        "which ends the old one:",
        "waystation users rotate EMAIL",
    ),
    sentences.NO_ACCOUNT.text: ("there is no Discord account yet:", "waystation accounts add"),
    sentences.CHANNEL_NOT_FOUND.text: (
        "the accounts and their channels:",
        "waystation accounts list",
    ),
    sentences.NAME_AN_ACCOUNT.text: (
        "you have several accounts; name one by --channel CHANNEL:",
        "waystation accounts list",
    ),
    sentences.NO_BOT.text: (
        "send the bot a direct message as that user, or name the channel of a server:",
        "waystation accounts add --server SERVER --channel CHANNEL",
    ),
    sentences.NO_BUTTON.text: (
        "what can be pressed:",
        "waystation jobs show JOBID",
    ),
    "A user with this e-mail exists.": (
        "a new token in place of a lost one, which it ends:",
        "waystation users rotate EMAIL",
    ),
}
"""An error's message → its mend."""

_DOCTOR = ("on the service's host, a look at Discord and the accounts:", "waystation doctor")

_BY_KIND: tuple[tuple[type[WaystationError], str, Mend], ...] = (
    (
        SubscriptionExpired,
        "",
        ("on the service's host, a later end:", "waystation users expire EMAIL --on DATE"),
    ),
    (
        NotFound,
        "Unable to locate job",
        (
            "its id was printed when it was submitted; those of the jobs that run:",
            "waystation jobs list",
        ),
    ),
    (
        Unanswered,
        "the job may have been accepted",
        ("if it was and still runs, it is among these:", "waystation jobs list"),
    ),
    (
        Unreachable,
        " cannot be reached: ",
        ("WAYSTATION_URL says where the service is; to start it:", "waystation serve"),
    ),
    (
        RemoteProtocolError,
        "does not answer like Waystation",
        ("WAYSTATION_URL says where the service is; what it is set to:", "waystation doctor"),
    ),
    (TransportError, "", _DOCTOR),
    (Unavailable, "", _DOCTOR),
)
"""Kind of error, a part of its message, and its mend; the first that fits counts."""

_REJECTED = "Discord rejected the "
"""Beginning of each sentence about a halt that a new token lifts, whoever resets it."""

_HALTED_AT = re.compile(r"account/midjourney/?(\d*)")
"""The channel of a halted account in the API's own words."""


_GOING = re.compile(r"The account of channel (\d+) is being removed")
"""The API's own words of an account that waits for its jobs."""


def mends(error: WaystationError) -> Iterator[Mend]:
    """Yield what helps against an error."""
    if isinstance(error, Busy):
        for jobid in error.executing_jobs or ():
            yield f"running: {jobid}", ""
        yield f"try again in {error.retry_after_s} s", ""
    elif isinstance(error, ButtonRepeated):
        yield "its result:", f"waystation jobs show {error.jobid}"
    elif isinstance(error, Halted):
        at = _HALTED_AT.search(error.message)
        yield halt_mend(error.message, at[1] if at else "")
    elif going := _GOING.match(error.details or ""):
        yield from removal_mends(going[1])
    elif error.message in MENDS:
        yield MENDS[error.message]
    else:
        fits = (
            mend
            for kind, part, mend in _BY_KIND
            if isinstance(error, kind) and part in error.message
        )
        yield from list(fits)[:1]


def filled_in(given: Iterable[Mend], known: Mapping[str, str]) -> Iterator[Mend]:
    """Yield the same mends, their commands with what is known in place of its name.

    Args: known: name in capitals, such as `JOBID` → value
    """
    for what, command in given:
        words = (
            shlex.quote(veiled(known[word])) if word in known else word
            for word in command.split(" ")
        )
        yield what, " ".join(words)


def job_mends(job: Mapping[str, object]) -> Iterator[Mend]:
    """Yield what helps when a job has failed for what is outside it."""
    if job.get("status") != "failed":
        return
    if job.get("code") == Halted.status_hint:
        yield halt_mend(str(job.get("error")), str(job.get("channel") or ""))
    elif _is_elsewhere(job):
        again = f"waystation {job.get('verb')} {job.get('uuid') or 'UUID'} --channel CHANNEL"
        yield "an account finds its own jobs alone; if another of yours drew it:", again
    elif job.get("code") in (TransportError.status_hint, Unavailable.status_hint):
        yield _DOCTOR


def _is_elsewhere(job: Mapping[str, object]) -> bool:
    """Tell whether a job may have failed because another account has drawn what it names."""
    row = COMMANDS.get(str(job.get("verb")))
    refused = job.get("code") == InvalidRequest.status_hint
    return refused and row is not None and row.of_its_account


def removal_mends(channel: str) -> Iterator[Mend]:
    """Yield what can be done with an account that is being removed."""
    yield "the jobs that run:", "waystation jobs list"
    yield "to end them now:", f"waystation accounts remove {channel} --yes --force"
    yield "to keep the account, give its token again:", "waystation accounts add"


def halt_mend(said: str, channel: str, server: str = "") -> Mend:
    """Return what puts a halted account back to work.

    Args:
        said: the halt's text, or the sentence of a refusal for it
        channel: empty where it is not known; server: empty where it is not known, or there is none
    """
    if not said.startswith(_REJECTED):
        return "deal with it in Discord, then:", f"waystation accounts reset {channel or 'CHANNEL'}"
    add = "waystation accounts add"
    if channel and (server or _HALTED_AT.search(said)):
        add += f" --server {server or 'SERVER'} --channel {channel}"
    return "copy a new token from Discord, then:", add
