"""SENTENCES: every error that a path can answer with, by what the path does.

The rows are those of `waystation.sentences`, and the bot's own titles. What each path does is in
`operations.py`; the document and docs/api.md are made from both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waystation.midjourney.refusals import CODES, ERRORS, Ending
from waystation.sentences import AGAIN, GROUPS, PERSON, ROWS, WAIT, Does, Sentence

__all__ = ["SENTENCES", "WHEN"]

WHEN: Mapping[int, str] = {
    200: "done, or accepted",
    201: "made anew",
    204: "done; nothing to tell",
    206: "the part of the file that was asked for",
    304: "the file is the one that the caller has",
    400: "broken JSON, a field of the wrong type, a value that is not allowed",
    401: "no token, an unknown or a revoked one",
    402: "the subscription date of the user has passed",
    404: "unknown job or channel; somebody else's is an unknown one",
    408: "the body did not arrive in 30 s; the connection is closed",
    409: (
        "this button was pressed already and works once; the answer names the earlier job. Or the "
        "first request with this Idempotency-Key is not answered yet. Of a callback: its receiver "
        "is disabled"
    ),
    410: "the link has ended, or the file is no longer at Discord",
    412: "describe: an input is missing, too long, of the wrong type or cannot be fetched",
    413: "more than 1 MiB of JSON or 11 MiB of form",
    415: "a body that does not begin as JSON, of a type that is neither JSON nor a form",
    416: "the range is behind the end of the file",
    422: "moderated",
    429: (
        "the slots of the account are full, or a limit is reached, as that of large requests or of "
        "requests with pictures at once: wait and ask again. `executingJobs` names your jobs in "
        "these slots, and is left out where you have none there"
    ),
    500: "a fault of Waystation; `errorDetails` has the request id to look for in the log",
    502: "the bot or Discord did not answer in time, or not as it should",
    503: "Waystation is stopping, or its database cannot be used",
    504: "Midjourney will run it, but its result is not tracked",
    596: "the account is halted until a person has dealt with it and reset it",
}
"""Status → what it means."""


_REMEDIES: Mapping[Ending, tuple[str, str]] = {
    Ending.MODERATED: (
        "Midjourney refused the prompt or the picture by its content rules.",
        "Change the prompt or the picture.",
    ),
    Ending.BAD_INPUT: (
        "The bot cannot use the prompt, a parameter or a picture.",
        "Read `errorDetails`, and correct the request.",
    ),
    Ending.TRANSIENT: ("The bot failed.", AGAIN),
    Ending.BUSY: (
        "The bot takes no more jobs now.",
        WAIT,
    ),
    Ending.QUEUED: (
        "Midjourney will run the job later. Waystation does not wait for it, unless "
        "`WAYSTATION_TRACK_QUEUED_JOBS` is set.",
        "Look for the result in Discord.",
    ),
    Ending.HALT: (
        "The bot wants a person. The account is halted.",
        PERSON,
    ),
}
"""When the bot ends a job so, and what to do."""

_BOT = tuple(
    Sentence(("asks the bot",), CODES[row.ending], title, *_REMEDIES[row.ending])
    for row in ERRORS
    if row.ending in _REMEDIES
    for title in row.titles
)
"""The bot's own titles; its description follows in `errorDetails`."""

SENTENCES: Mapping[Does, Sequence[Sentence]] = {
    does: tuple(row for row in (*_BOT, *ROWS) if does in row.does) for does in GROUPS
}
"""Act of a path → the errors that it can answer with."""
