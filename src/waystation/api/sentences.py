"""SENTENCES: every error that a path can answer with, word for word, by what the path does.

`<…>` stands for what differs. A row's status None means the verb's own status of bad input (R5).
What each path does is in `operations.py`; the document and docs/api.md are made from both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waystation.midjourney.refusals import CODES, ERRORS, Ending

__all__ = ["SENTENCES", "WHEN", "Does", "Sentence"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One literal error."""

    status: int | None
    text: str


Does = str
"""One thing that a path does, and so one way in which it can refuse: a key of SENTENCES."""

WHEN: Mapping[int, str] = {
    200: "done, or accepted",
    201: "made anew",
    204: "done; nothing to tell",
    400: "broken JSON, a field of the wrong type, a value that is not allowed",
    401: "no token, an unknown or a revoked one",
    402: "the subscription date of the user has passed",
    404: "unknown job or channel; somebody else's is an unknown one",
    408: "the body did not arrive in 30 s; the connection is closed",
    409: "this button was pressed already and works once; the answer names the earlier job",
    412: "describe: an input is missing, too long, of the wrong type or cannot be fetched",
    413: "more than 1 MiB of JSON or 11 MiB of form",
    415: "a body that does not begin as JSON, of a type that is neither JSON nor a form",
    422: "moderated",
    429: (
        "with `executingJobs`: your slots are full. Without: you are asked to wait, "
        "of too many large requests or requests with pictures at once, too"
    ),
    500: "a fault of Waystation; `errorDetails` has the request id to look for in the log",
    502: "the bot or Discord did not answer in time, or not as it should",
    503: "Waystation is stopping, or its database cannot be used",
    504: "Midjourney will run it, but its result is not tracked",
    596: "the account is halted until a person has dealt with it and reset it",
}
"""Status → what it means."""


def _rows(status: int | None, *texts: str) -> tuple[Sentence, ...]:
    return tuple(Sentence(status, text) for text in texts)


_TOO_LONG = "<field> is too long"
_NO_URL = "<field> is not a valid http or https URL"
_CHANNEL_UNKNOWN = "Configuration not found for provided channel"
_DISCORD = (
    "Discord refused too many requests of this installation; nothing is sent to it now",
    "Discord asked to wait <seconds> s",
    "no answer from Discord: <reason>",
    "no connection to Discord: <reason>",
    "no connection to the region editor",
    "Discord answered with HTTP status <status>",
)

_BOT = tuple(
    Sentence(CODES[row.ending], title)
    for row in ERRORS
    if row.ending is not Ending.STOPPED
    for title in row.titles
)
"""The bot's own titles; its description follows in `errorDetails`."""

SENTENCES: Mapping[Does, Sequence[Sentence]] = {
    "answers": _rows(500, "Internal error"),
    "asks the store": _rows(503, "The database refused or could not be used."),
    "authenticates": (
        *_rows(401, "Unauthorized"),
        *_rows(
            429,
            "Too many failed logins from this address; wait a minute",
            "<limit> requests of this user are under way; wait for their answers",
        ),
    ),
    "needs a subscription": _rows(402, "Account has no subscription or subscription expired"),
    "reads a body": (
        *_rows(
            400,
            "Request body is not valid JSON",
            "Request body must be a JSON object",
            "Request body is not a valid form",
            "The form's charset is not supported; send it as utf-8",
        ),
        *_rows(None, "<field> must be a string", "<field> must not contain a NUL character"),
        *_rows(408, "Request body did not arrive in time"),
        *_rows(413, "The request body is too large."),
        *_rows(415, "Request body must be JSON or multipart/form-data, not <type>"),
        *_rows(429, "Too many large requests at once; try again"),
    ),
    "reads a number": _rows(None, "<field> must be a whole number"),
    "takes a reference": _rows(
        None,
        _TOO_LONG,
        "replyUrl is not a valid http or https URL",
        "replyUrl cannot be called: <reason>",
    ),
    # ── jobs ──
    "names a job": (
        *_rows(400, "Query param jobid not provided"),
        *_rows(404, "Unable to locate job <jobid>"),
    ),
    "cancels": _rows(503, "The job's account is not connected at the moment; try again"),
    "asks the bot": (
        *_BOT,
        # titles that no row of ERRORS knows: 400 when they begin with "Invalid"
        *_rows(400, "<title>"),
        *_rows(422, "Job was removed by the bot"),
        *_rows(502, "<title>"),
    ),
    "changes an option": _rows(
        400,
        "<field> means nothing without <field>",
        "No such option",
        "Option cannot be turned off",
    ),
    "submits": (
        *_rows(429, "<limit> jobs were taken for this account within a minute; wait"),
        *_rows(
            502,
            "The account's connection to Discord was lost while the job waited",
            "The account's connection to Discord was not ready within <time>",
            "The job was not sent to Discord in the time of its request",
            "The job's turn did not come within <time>: an account sends one job after the other",
            "A job that looks the same did not show which result is its own within <time>",
            "The picture was not uploaded to Discord within <time>",
            "A fault of Waystation itself stopped the job; its log says which",
            "Waystation was stopped before the job was sent to Discord",
            "Waystation was restarted before the job was sent to Discord",
            "Waystation was restarted before the mask was sent",
            "The account was removed before the job was sent to Discord",
            "The account was stopped and set up anew before the job was sent to Discord",
            "Nobody could connect to the job's Discord account in time",
            "restored",
        ),
        *_rows(503, "Waystation is stopping or its store is down; try again shortly."),
        *_rows(
            596,
            "Your Discord account has received a pending moderation message from Midjourney. "
            "Please address this issue and POST account/midjourney/<channel>/reset "
            "before making any new API calls.",
            "Pending mod message",
            "The account was halted before the job was sent to Discord",
            "Discord rejected the token of your Discord account. Please POST "
            "account/midjourney<channel> with a new token before making any new API calls.",
        ),
        # what is pressed, or what a form belongs to, is gone
        *_rows(400, "Discord /interactions failed with HTTP status <status>"),
        *_rows(429, "Discord /interactions failed with HTTP status 429"),
        *_rows(
            502,
            "Midjourney bot did not reply within <time>",
            "Job did not finish within <time>",
            "Result could not be told apart",
            "reply lost",
            "Discord /interactions failed with HTTP status <status>",
            "The account was removed",
            "Discord's command index came too late",
            "no time was left to submit; nothing was sent",
            "not connected to Discord's gateway; nothing was sent",
            *_DISCORD,
        ),
        *_rows(
            596,
            "Discord asks for a human check (CAPTCHA)",
            "Discord /interactions failed with HTTP status <status>",
            "Discord rejected the account's token.",
            "Discord wants a person to look at the account.",
        ),
        # ── modes ──
        *_rows(None, "<field> must be one of <choices>", "<field> must be true or false"),
        *_rows(
            400,
            "mode <mode> cannot be asked for here, and the account is not in it",
        ),
    ),
    "chooses an account": _rows(
        400,
        "Configuration not found",
        _CHANNEL_UNKNOWN,
        "discord, server or channel value is missing",
    ),
    "takes a slot": (
        *_rows(None, "maxJobs <maxJobs> is not between 1 and <limit>"),
        *_rows(429, "Maximum of <maxJobs> jobs executing in parallel supported"),
    ),
    "takes a lane": _rows(429, "<limit> jobs without a slot wait on this account already"),
    "needs text": _rows(None, "<field> is missing", "<field> is empty"),
    "takes text": _rows(None, _TOO_LONG),
    "takes a picture": (
        *_rows(
            None,
            "<field> is missing",
            "<field> is empty",
            _TOO_LONG,
            _NO_URL,
            "<field> and <part> cannot be given together",
            "<part> is empty",
        ),
    ),
    "takes pictures": (
        *_rows(
            None,
            "<field> must be a list of URLs",
            "<field> is missing",
            "<field> must name <fewest> to <most> pictures",
            _TOO_LONG,
            "<field> holds what is no valid http or https URL",
            "<part> is empty",
        ),
    ),
    "uploads": (
        *_rows(400, "Discord refused the picture as too large"),
        *_rows(
            502,
            "Discord named no place for the upload",
            "the upload broke off: <reason>",
            "the upload was answered with HTTP status <status>",
        ),
    ),
    "looks at pictures": (
        *_rows(
            None,
            "GET <url> failed with <reason>",
            "<picture> unknown mime type",
            "<picture> is larger than <limit> bytes",
            "<picture> has more than <limit> pixels",
        ),
        *_rows(429, "Too many requests with pictures at once; try again"),
    ),
    "takes a prompt": _rows(400, "<field> asks for <count> results; a job has one"),
    "takes a mask": (
        *_rows(None, "<field> is not a PNG or WebP in base64"),
        *_rows(
            400,
            "mask is not supported for button <button>",
            "mask is required for button <button>",
            "mask must have the size of the picture",
            "<field> has nothing white: nothing would be painted anew",
        ),
    ),
    "names a parent": _rows(404, "Unable to locate job <jobid>", _CHANNEL_UNKNOWN),
    "presses": (
        *_rows(
            400,
            "Button not supported or not found in jobid buttons array",
            "prompt is required for button <button>",
        ),
        *_rows(409, "Button <button> already executed by job <jobid>"),
    ),
    "reacts": _rows(400, "jobid is not a completed job", "jobid has no seed"),
    # ── accounts ──
    "lists accounts": _rows(404, "Configuration not found"),
    "names a channel": (
        *_rows(400, "The path contains a control character"),
        *_rows(404, _CHANNEL_UNKNOWN),
    ),
    "sets an account up": (
        *_rows(
            400,
            "Required param discord is missing or empty",
            "Required param discord is not valid Discord token",
            "Required param maxJobs <maxJobs> can't be more that <limit>",
            "Required param maxJobs <maxJobs> can't be less than 1",
            "Discord rejected the token; log in to Discord and copy it anew",
            "Channel <channel> configuration has same discord value",
            "Channel <channel> has running jobs of another Discord user; wait for them",
            "Maximum of <limit> accounts supported; DELETE one that is not needed",
        ),
        *_rows(
            429,
            "Discord has rejected too many tokens from this user; wait an hour",
            "Discord was asked about <limit> tokens of this user within an hour; wait",
        ),
        *_rows(502, *_DISCORD),
    ),
    "resets": _rows(
        429,
        "The account was reset <limit> times within an hour; look why it is halted again, and wait",
    ),
    "finds the channel": _rows(400, "Midjourney bot not configured"),
    "is told the channel": _rows(
        400,
        "The path contains a control character",
        "Required param <field> is missing or empty",
        "Required param <field> (<value>) is not valid Discord <field> id",
        "Required param channel (<channel>) not matching to "
        "/midjourney/channel (/midjourney/<channel>)",
        "Required param maxJobs is missing or empty",
        "Required param channel (<channel>) is not valid Discord channel id",
        "Required param server (<server>) is not valid Discord server id",
        "Channel <channel> configuration has same server value",
    ),
    # ── probes ──
    "is a probe": _rows(503, "Not ready"),
}
