"""Receivers: when one that takes no callbacks is told of by mail, and when it is disabled.

How it works: the time counts from the first failure after which nothing was taken. Three mails tell
of it: after a fifth, three fifths and all of the patience, and no two of them closer than a fifth.
With the third the receiver is disabled: nothing is sent to it but pings. Whatever it takes resets
all of this. A receiver that few callbacks go to is not disabled by two failures days apart, since
each mail needs a failure of its own.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

__all__ = ["MAILS", "Receiver", "after_failure", "gone", "mail_of", "receiver_of"]

MAILS: Final = (1, 3, 5)
"""After so many fifths of the patience; with the last one the receiver is disabled."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver of a user's callbacks that has failed since it took one last."""

    user_id: int
    place: str
    """Scheme, host and port of its URLs; or the one URL that has answered 410."""
    failing_since: datetime
    failed_at: datetime
    reason: str
    """Why the last attempt was not taken."""
    is_gone: bool = False
    """True for a URL that has answered 410."""
    told: int = 0
    """Mails of it."""
    told_at: datetime | None = None
    disabled_at: datetime | None = None


def receiver_of(url: str) -> str:
    """Return scheme, host and port: what fails together, and nothing secret of the URL (R46)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "unreadable"
    return f"{parts.scheme}://{parts.hostname or ''}{f':{port}' if port else ''}"


def after_failure(
    before: Receiver | None,
    user_id: int,
    place: str,
    reason: str,
    at: datetime,
    patience: timedelta,
) -> Receiver:
    """Return how a receiver stands after one more failure. Where `told` grows, a mail is due.

    Args: before: None where it has failed for the first time since it took one; patience: zero
    means that it is never disabled and that nobody is told
    """
    if before is None:
        return Receiver(user_id, place, at, at, reason)
    now = replace(before, failed_at=at, reason=reason)
    if before.disabled_at is not None or not patience:
        return now
    fifth = patience / MAILS[-1]
    is_due = at - before.failing_since >= MAILS[before.told] * fifth
    if not is_due or (before.told_at is not None and at - before.told_at < fifth):
        return now
    told = before.told + 1
    return replace(now, told=told, told_at=at, disabled_at=at if told == len(MAILS) else None)


def gone(user_id: int, url: str, at: datetime) -> Receiver:
    """Return how a URL stands that has answered 410 (R41)."""
    reason = "it has answered 410 Gone"
    return Receiver(user_id, url, at, at, reason, is_gone=True, disabled_at=at)


def mail_of(receiver: Receiver) -> tuple[str, str]:
    """Return subject and body of the mail that is due."""
    hours = (receiver.failed_at - receiver.failing_since) // timedelta(hours=1)
    disabled = receiver.disabled_at is not None
    body = (_FAILS + (_DISABLED if disabled else _WARNS)).format(
        place=receiver.place, hours=hours, reason=receiver.reason
    )
    return (_SUBJECT_DISABLED if disabled else _SUBJECT), body


_SUBJECT = "Waystation: a receiver of your callbacks fails"
_SUBJECT_DISABLED = "Waystation: a receiver of your callbacks is disabled"

_FAILS = """\
{place} has taken no callback for {hours} hours. The last attempt ended so:

{reason}

"""

_WARNS = """\
Please look whether it runs and answers a POST with a status of 2xx. If it goes on failing, it will
be disabled: nothing is sent to it then. One callback that it takes ends this.
"""

_DISABLED = """\
The receiver is disabled now: callbacks to it are kept and not sent. When it works again, test it:

    waystation callbacks ping --url {place}/…

or POST /v2/deliveries/ping. A ping that it takes enables it. To have all sent that it has missed:

    waystation callbacks replay --since 2027-01-31

or POST /v2/deliveries/replay.
"""
