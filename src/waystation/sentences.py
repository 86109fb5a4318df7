"""ROWS: every error that a caller can read, one row each: status, text, when, what to do.

`<…>` in a text stands for the part that differs. Code raises an error, or ends a job, with a row:
`SENTENCE.text`, or `SENTENCE.said(field=…)`. docs/api.md and the OpenAPI document follow from the
rows. The bot's own titles are rows of `midjourney.refusals.ERRORS`.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "AGAIN",
    "GROUPS",
    "NOTHING_SENT",
    "OWNERS_HALT",
    "PERSON",
    "ROWS",
    "WAIT",
    "Does",
    "Sentence",
]

_FIELD = re.compile(r"<(\w+)>")


Does = str
"""One thing that a path does, and so one way in which it can refuse: a key of GROUPS."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One literal error.

    Args: does: at which acts of a path it is answered; status: None stands for the verb's own
    status of bad input (R5); text: the error, word for word; when: the occasion; do: the remedy
    """

    does: tuple[Does, ...]
    status: int | None
    text: str
    when: str
    do: str

    def said(self, **fields: object) -> str:
        """Return the text with its fields filled in. Raises: KeyError: a field has no value"""
        return _FIELD.sub(lambda found: str(fields[found[1]]), self.text)


NOTHING_SENT: Final = "Nothing was submitted to Midjourney; the job can be submitted again."
"""Details of a job that ended before it was asked."""

OWNERS_HALT: Final = "The account is halted until its owner has dealt with it."
"""Stands for the reason of a halt, which is its owner's to read (R32)."""

ROWS: list[Sentence] = []
"""Every row of this file, in its order."""


def _row(
    does: Does | tuple[Does, ...], status: int | None, text: str, when: str, do: str
) -> Sentence:
    row = Sentence((does,) if isinstance(does, str) else does, status, text, when, do)
    ROWS.append(row)
    return row


GROUPS: Mapping[Does, str] = {
    "answers": "Every path",
    "asks the store": "Paths that use the database",
    "authenticates": "Paths that need a token",
    "waits for the end": "Waiting for the end of a job",
    "needs a subscription": "Paths that need a subscription",
    "reads a body": "Paths with a body",
    "reads a number": "Fields with a number",
    "takes a reference": "replyUrl and other texts",
    "names a job": "Paths that name a job",
    "names a job in the query": "Paths that name a job in the query",
    "names a job in the path": "Paths that name a job in the path",
    "streams": "Streams of events",
    "searches": "Searching jobs",
    "reads media": "Reading a file of a job",
    "shares media": "Sharing a file of a job",
    "zips media": "Downloading files of many jobs",
    "cancels": "Cancelling",
    "asks the bot": "Answers of the bot",
    "changes an option": "Changing a setting of Midjourney",
    "submits": "Sending a job",
    "chooses an account": "Choosing an account",
    "takes a slot": "Jobs with a slot",
    "takes a lane": "Jobs without a slot",
    "needs text": "Fields that must have a text",
    "takes text": "Fields with a text",
    "takes a picture": "Fields with a picture",
    "takes pictures": "Fields with pictures",
    "uploads": "Uploading pictures",
    "looks at pictures": "Looking at pictures",
    "takes a prompt": "Prompts",
    "takes a mask": "Masks",
    "names a parent": "Jobs that act on another job",
    "presses": "Pressing a button",
    "reacts": "Asking for a seed",
    "lists accounts": "Listing accounts",
    "names a channel": "Paths that name a channel",
    "sets an account up": "Setting an account up",
    "changes": "Changing a record or an account",
    "resets": "Resetting an account",
    "removes an account": "Removing an account",
    "limits an account": "Limiting an account",
    "finds the channel": "Setting an account up in its direct messages",
    "is told the channel": "Setting an account up in a server",
    "lists deliveries": "Listing callbacks",
    "names a delivery": "Paths that name a callback",
    "redelivers": "Sending a callback again",
    "replays": "Sending missing callbacks again",
    "pings": "Testing a receiver",
    "enables": "Enabling a receiver",
    "makes a secret": "Making a signing secret",
    "is a probe": "The readiness probe",
}
"""Act of a path → the heading of its errors in docs/api.md."""

AGAIN = "Send the job again."
_CORRECT = "Correct the field."
WAIT = "Wait as `Retry-After` says, then ask again."
_DISCORD = "Ask again in a minute. `waystation doctor` looks at the connection."
PERSON = "A person opens Discord, does what it asks for, and then resets the account."
_LATER = "Look for the result in Discord. Send the job again if there is none."
_SHORTEN = "Shorten it; the table of the path has the limit."
_CHANNEL = "Name a channel that `GET /v2/account/midjourney` lists."
_PICTURE = "Send another picture."

# ── Every path ──

OWN_FAULT = _row(
    "answers",
    500,
    "Internal error",
    "Waystation has a fault.",
    "Look for the id of `errorDetails` in the log, and report it.",
)

# ── Paths that use the database ──

DATABASE_DOWN = _row(
    "asks the store",
    503,
    "The database refused or could not be used.",
    "The database is busy, full or broken.",
    "Ask again. `/readyz` tells whether it lasts.",
)

# ── Paths that need a token ──

UNAUTHORIZED = _row(
    "authenticates",
    401,
    "Unauthorized",
    "The token is missing, wrong or revoked.",
    "Send `Authorization: Bearer user:<id>-<secret>`.",
)
TOO_MANY_LOGINS = _row(
    "authenticates",
    429,
    "Too many failed logins from this address; wait a minute",
    "The address has sent too many wrong tokens.",
    "Correct the token, and wait a minute.",
)
TOO_MANY_AT_ONCE = _row(
    "authenticates",
    429,
    "<limit> requests of this user are under way; wait for their answers",
    "The user waits for too many answers at once.",
    "Wait for an answer, then ask again.",
)

# ── Waiting for the end of a job ──

TOO_MANY_WAITS = _row(
    "waits for the end",
    429,
    "<limit> requests of this user wait for the end of a job already",
    "The user waits for the end of too many jobs at once, with `Prefer: wait`.",
    "Wait for an answer, or ask without `Prefer`.",
)

# ── Paths that need a subscription ──

NO_SUBSCRIPTION = _row(
    "needs a subscription",
    402,
    "Account has no subscription or subscription expired",
    "The user's expiry date has passed.",
    "The operator runs `waystation users expire`.",
)

# ── Paths with a body ──

BROKEN_JSON = _row(
    "reads a body",
    400,
    "Request body is not valid JSON",
    "The JSON is broken.",
    "Correct the JSON.",
)
NO_OBJECT = _row(
    "reads a body",
    400,
    "Request body must be a JSON object",
    "The JSON is a list, a text or a number.",
    "Send an object with fields.",
)
BROKEN_FORM = _row(
    "reads a body",
    400,
    "Request body is not a valid form",
    "The form is broken.",
    "Correct the form.",
)
CHARSET = _row(
    "reads a body",
    400,
    "The form's charset is not supported; send it as utf-8",
    "The form names another charset.",
    "Send the form as UTF-8.",
)
NO_STRING = _row(
    "reads a body",
    None,
    "<field> must be a string",
    "The field is a number, a list or an object.",
    _CORRECT,
)
HAS_NUL = _row(
    "reads a body",
    None,
    "<field> must not contain a NUL character",
    "The text has a character with code 0.",
    "Remove the character.",
)
SLOW_BODY = _row(
    "reads a body",
    408,
    "Request body did not arrive in time",
    "The body took longer than it may.",
    "Send the request again over a faster connection.",
)
LARGE_BODY = _row(
    "reads a body",
    413,
    "The request body is too large.",
    "The body has more bytes than it may have.",
    "Send less: a URL instead of a file part.",
)
BODY_TYPE = _row(
    "reads a body",
    415,
    "Request body must be JSON or multipart/form-data, not <type>",
    "The body is of another type.",
    "Send JSON, or a form with the same fields.",
)
LARGE_BODIES = _row(
    "reads a body",
    429,
    "Too many large requests at once; try again",
    "The user's place for large bodies stayed full.",
    WAIT,
)

# ── Fields with a number ──

NO_NUMBER = _row(
    "reads a number",
    None,
    "<field> must be a whole number",
    "The field is no whole number.",
    _CORRECT,
)

# ── replyUrl and other texts ──

TOO_LONG = _row(
    ("takes a reference", "takes text", "takes a picture", "takes pictures"),
    None,
    "<field> is too long",
    "The text is too long.",
    _SHORTEN,
)
NO_REPLY_URL = _row(
    "takes a reference",
    None,
    "replyUrl is not a valid http or https URL",
    "`replyUrl` cannot be read as a URL.",
    _CORRECT,
)
REPLY_URL_CLOSED = _row(
    "takes a reference",
    None,
    "replyUrl cannot be called: <reason>",
    "`replyUrl` names a private address.",
    "Name a public address, or have the operator set `allow_networks`.",
)

# ── Paths that name a job ──

NO_JOBID = _row(
    "names a job in the query",
    400,
    "Query param jobid not provided",
    "`?jobid=` is missing or empty.",
    "Add the jobid.",
)
UNKNOWN_JOB = _row(
    ("names a job", "names a parent"),
    404,
    "Unable to locate job <jobid>",
    "The caller has no such job. Old jobs are deleted.",
    "Check the jobid.",
)

NO_PATH = _row(
    "names a job in the path",
    404,
    "Not found",
    "The path names no job: a jobid begins with `job:`.",
    "Check the path.",
)

# ── Streams of events ──

TOO_MANY_STREAMS = _row(
    "streams",
    429,
    "<limit> streams of this user are open already",
    "The user reads too many streams of events at once.",
    "Close a stream, then ask again.",
)

# ── Searching jobs ──

SHORT_TEXT = _row(
    "searches",
    400,
    "text must have at least <least> characters",
    "A text is looked for by three characters in a row.",
    "Look for a longer text, or leave it out.",
)
LONG_TEXT = _row(
    "searches",
    400,
    "text must have at most <most> characters",
    "The text is too long.",
    "Look for a part of it.",
)
NO_SUCH_VALUE = _row(
    "searches",
    400,
    "<field> has a value that is not known",
    "`status` or `verb` has another word than the table of the path lists.",
    "Correct the field.",
)
NUL_IN_QUERY = _row(
    ("searches", "names a job in the query", "lists deliveries", "reads media"),
    400,
    "The query contains a NUL character",
    "A value of the query has a character with code 0, `%00`.",
    "Remove the character.",
)
NO_TIME = _row(
    "searches",
    400,
    "<field> must be a time such as 2026-01-31T12:00:00Z",
    "The time cannot be read, or says no offset from UTC.",
    "Correct the field.",
)
NO_CURSOR = _row(
    "searches",
    400,
    "cursor does not belong to this search",
    "The cursor is broken, or the other fields are not those of the search that gave it.",
    "Send `next` of the page before, and the same fields.",
)

# ── Reading a file of a job ──

BAD_LINK = _row(
    "reads media",
    401,
    "The link's signature is not valid",
    "The link was changed, or its user has a new media key or no token any more.",
    "Ask for a new link.",
)
NO_MEDIA = _row(
    ("reads media", "shares media"),
    404,
    "Job <jobid> has no file <number>",
    "The job has fewer attachments; they are counted from 0. A job has none before it shows one.",
    "Read the job, and count its attachments.",
)
NO_GRID = _row(
    ("reads media", "shares media"),
    400,
    "The picture is no grid of four; leave tile out",
    "`tile` is a quarter of a grid, and the job shows none.",
    "Leave `tile` out.",
)
NO_CUT = _row(
    "reads media",
    400,
    "The file is no still picture; leave tile, size and format out",
    "The file is a clip or a GIF, which is answered as it came.",
    "Leave `tile`, `size` and `format` out.",
)
LINK_ENDED = _row(
    "reads media",
    410,
    "The link has ended",
    "The link was made for a time that is over.",
    "Ask for a new link.",
)
MEDIA_GONE = _row(
    "reads media",
    410,
    "The file is no longer at Discord",
    "The message or the file was deleted at Discord.",
    "Run the job again, if the file is still needed.",
)
MEDIA_RANGE = _row(
    "reads media",
    416,
    "The range is behind the end of the file",
    "`Range` begins behind the last byte. `Content-Range` has the length.",
    "Correct the range, or leave it out.",
)
TOO_MANY_MEDIA = _row(
    "reads media",
    429,
    "Too many files are being read; try again",
    "The places for files, of the user or of all users, stayed taken.",
    WAIT,
)
NOT_RENEWED = _row(
    "reads media",
    502,
    "Discord did not renew the link of the file",
    "Discord's link has ended, and the job's account is not connected or Discord refused.",
    _DISCORD,
)
MEDIA_UNREAD = _row(
    "reads media",
    502,
    "The file could not be read from Discord",
    "Discord cannot be reached, or answered with an error.",
    _DISCORD,
)
MEDIA_BAD = _row(
    "reads media",
    502,
    "This file cannot be shown",
    "The file is damaged, of a kind that is not passed on, or too large to be cut.",
    "Use the link in `attachments`.",
)
SHELF_BROKEN = _row(
    "reads media",
    502,
    "The copy of the file cannot be used",
    "The folder where copies of files lie is full, or cannot be read or written.",
    "Ask the operator to look at the log and at WAYSTATION_MEDIA.",
)
MEDIA_LATE = _row(
    "reads media",
    504,
    "Discord did not send the file in time",
    "Discord was asked for the file and was silent.",
    "Ask again.",
)

# ── Sharing a file of a job ──

DAYS_RANGE = _row(
    "shares media",
    400,
    "days must be a whole number from 1 to <most>",
    "The number of days is too small or too large.",
    _CORRECT,
)

# ── Downloading files of many jobs ──

ZIP_JOBS = _row(
    "zips media",
    400,
    "jobs must be a list of 1 to <most> jobids",
    "`jobs` is missing, is no list of texts, or has too few or too many of them.",
    "Send the ids of the jobs; ask again for further ones.",
)
NO_FILES = _row(
    "zips media",
    404,
    "None of these jobs has a file",
    "The jobs show no picture and no clip.",
    "Name jobs that have `attachments`.",
)
ONE_ZIP = _row(
    "zips media",
    429,
    "A ZIP file of this user is being read already; wait for its end",
    "A user reads one ZIP file at a time.",
    WAIT,
)

# ── Cancelling ──

NOT_CONNECTED_NOW = _row(
    "cancels",
    503,
    "The job's account is not connected at the moment; try again",
    "Nothing can be asked of Discord for this account now.",
    "Ask again in a few seconds.",
)

COMMANDS_AT_ONCE = _row(
    ("cancels", "resets", "removes an account"),
    429,
    "<limit> requests wait for this user's accounts already; wait for their answers",
    "Too many requests wait for the nodes that have the accounts of the user.",
    "Wait for an answer, then ask again.",
)
NO_PROCESS_NOW = _row(
    ("resets", "removes an account"),
    503,
    "No process acts for this account at the moment; try again",
    "No node has the account, or its node does not answer.",
    "Ask again in a few seconds. `waystation doctor` names the nodes.",
)

# ── Answers of the bot ──

UNKNOWN_BAD_INPUT = _row(
    "asks the bot",
    400,
    "<title>",
    "A title of the bot that begins with `Invalid`, and that Waystation does not know.",
    "Read `errorDetails`, and correct the request.",
)
REMOVED_BY_BOT = _row(
    "asks the bot",
    422,
    "Job was removed by the bot",
    "The bot deleted its message and showed no other.",
    "Change the prompt or the picture.",
)
UNKNOWN_TITLE = _row(
    "asks the bot", 502, "<title>", "A title of the bot that Waystation does not know.", AGAIN
)

# ── Changing a setting of Midjourney ──

WITHOUT_OTHER = _row(
    "changes an option",
    400,
    "<field> requires <other>",
    "Of two fields that belong together one is missing.",
    "Send both fields, or neither.",
)
NO_OPTION = _row(
    "changes an option",
    400,
    "No such option",
    "The account's settings have no such label.",
    "Name a label that `settings` lists.",
)
ONE_OF_SEVERAL = _row(
    "changes an option",
    400,
    "Option cannot be turned off",
    "The option is one choice of several.",
    "Choose another option of its menu.",
)

# ── Sending a job ──

TAKEN_A_MINUTE = _row(
    "submits",
    429,
    "<limit> jobs were taken for this account within a minute; wait",
    "The account has taken all jobs that it can send soon.",
    WAIT,
)
CONNECTION_LOST = _row(
    "submits",
    502,
    "The account's connection to Discord was lost while the job waited",
    "The connection broke, and nothing was sent.",
    AGAIN,
)
CONNECTION_NOT_READY = _row(
    "submits",
    502,
    "The account's connection to Discord was not ready within <time>",
    "The account was not connected, and nothing was sent.",
    _DISCORD,
)
NOT_SENT = _row(
    "submits",
    502,
    "The job was not sent to Discord in the time of its request",
    "The POST ended before the job was sent.",
    AGAIN,
)
NO_TURN = _row(
    "submits",
    502,
    "Not sent within <time>: an account sends one job after the other",
    "Other jobs of the account were ahead of it.",
    "Send fewer jobs at once.",
)
LOOK_ALIKE_WAITS = _row(
    "submits",
    502,
    "Not sent within <time>: an identical job has not shown which result is its own",
    "Two equal jobs would be mistaken for each other.",
    "Send the job again when the other one has ended.",
)
UPLOAD_SLOW = _row(
    "submits",
    502,
    "The picture was not uploaded to Discord within <time>",
    "The upload was too slow.",
    AGAIN,
)
JOB_FAULT = _row(
    "submits",
    502,
    "A fault of Waystation itself stopped the job; its log says which",
    "Waystation has a fault.",
    "Report the lines of the log.",
)
KEY_FORM = _row(
    "submits",
    400,
    "Idempotency-Key must have 1 to 255 visible ASCII characters",
    "The header is empty, too long, has other characters, or is there twice.",
    "Send a UUID.",
)
KEY_OF_OTHER_REQUEST = _row(
    "submits",
    400,
    "This Idempotency-Key was used for another request",
    "The key stands for the fields and files of its first request, for 24 hours.",
    "Send a new key with each new request.",
)
KEY_IN_USE = _row(
    "submits",
    409,
    "The first request with this Idempotency-Key has not been answered yet",
    "The same request was repeated before its answer.",
    WAIT,
)
DOWN_AT_TURN = _row(
    "submits",
    502,
    "Waystation was down when the job's turn came",
    "The service was down for longer than `WAYSTATION_SEND_WITHIN_S`, and nothing was sent.",
    AGAIN,
)
NOT_SENT_IN_TIME = _row(
    "submits",
    502,
    "Not sent within <time>: <why>",
    "A job of the queue has waited as long as it may, and nothing was sent.",
    AGAIN,
)
QUEUE_FULL = _row(
    "submits",
    429,
    "At most <limit> of your jobs may wait, and <waiting> wait already",
    "The queue takes no more of the user's jobs.",
    WAIT,
)
CANCELLED_WAITING = _row(
    "submits",
    429,
    "<limit> or more of your waiting jobs were cancelled within an hour; wait",
    "No account has room, and the queue takes no more of a user who cancels so often.",
    WAIT,
)
PRIORITY_RANGE = _row(
    "submits",
    None,
    "priority must be <least> to <most>",
    "The field has another number.",
    _CORRECT,
)
PRIORITY_TOO_HIGH = _row(
    "submits",
    400,
    "priority must be 1 to <most>",
    "The operator lets the user's jobs have no higher priority.",
    _CORRECT,
)
INPUTS_GONE = _row(
    "submits",
    502,
    "The database does not have what the job needs to be sent",
    "Rows of the database were deleted by hand.",
    AGAIN,
)
REMOVED_BEFORE = _row(
    "submits",
    502,
    "The account was removed before the job was sent to Discord",
    "The account was deleted.",
    "Send the job to another account.",
)
SET_UP_ANEW = _row(
    "submits",
    502,
    "The account was halted and reset before the job was sent to Discord",
    "The account was halted and reset meanwhile.",
    AGAIN,
)
NOBODY_CONNECTED = _row(
    "submits",
    502,
    "Waystation could not connect to the job's Discord account in time",
    "No process could use the account.",
    _DISCORD,
)
RESTORED = _row(
    "submits",
    502,
    "restored",
    "The database was restored from a backup before the job ended, or upgraded from an early "
    "schema after the job was sent.",
    _LATER,
)
STOPPING = _row(
    "submits",
    503,
    "Waystation is stopping or its store is down; try again shortly.",
    "The service stops, or its database cannot be used.",
    WAIT,
)
MODERATION_PENDING = _row(
    "submits",
    596,
    "Your Discord account has received a pending moderation message from Midjourney. "
    "Please address this issue and POST account/midjourney/<channel>/reset "
    "before making any new API calls.",
    "The account is halted.",
    PERSON,
)
MOD_MESSAGE = _row(
    "submits", 596, "Pending mod message", "The bot wants a person. The account is halted.", PERSON
)
HALTED_BEFORE = _row(
    "submits",
    596,
    "The account was halted before the job was sent to Discord",
    "The account was halted while the job waited.",
    PERSON,
)
TOKEN_REJECTED = _row(
    "submits",
    596,
    "Discord rejected the token of your Discord account. Please POST "
    "account/midjourney<channel> with a new token before making any new API calls.",
    "The account is halted, because its token has ended.",
    "Set the account up with a new token.",
)
PRESS_GONE = _row(
    "submits",
    400,
    "Discord /interactions failed with HTTP status <status>",
    "The message or the form that the job acts on is gone.",
    "Start from a newer job.",
)
RATE_LIMITED = _row(
    "submits",
    429,
    "Discord /interactions failed with HTTP status 429",
    "Discord asks the account to wait.",
    WAIT,
)
NO_REPLY = _row(
    "submits", 502, "Midjourney bot did not reply within <time>", "The bot showed nothing.", _LATER
)
TOOK_TOO_LONG = _row(
    "submits", 502, "Job did not finish within <time>", "The bot did not end the job.", _LATER
)
NOT_TOLD_APART = _row(
    "submits",
    502,
    "Result could not be told apart",
    "Waystation cannot tell to which of the jobs that look alike a picture belongs.",
    "Look for the result in Discord. Send equal jobs one after the other.",
)
REPLY_LOST = _row(
    "submits",
    502,
    "reply lost",
    "Discord was disconnected when the bot answered, and this answer cannot be read back.",
    AGAIN,
)
INTERACTION_FAILED = _row(
    "submits",
    502,
    "Discord /interactions failed with HTTP status <status>",
    "Discord refused the request.",
    "Correct the request if `errorDetails` names a fault in it; else send it again later.",
)
ACCOUNT_REMOVED = _row(
    "submits",
    502,
    "The account was removed",
    "The account was deleted while the job ran.",
    "Send the job to another account.",
)
INDEX_LATE = _row(
    "submits",
    502,
    "Discord's command index did not arrive in time; nothing was sent",
    "Discord was slow; nothing was sent.",
    AGAIN,
)
NO_TIME_LEFT = _row(
    "submits", 502, "No time was left to submit; nothing was sent", "Discord was slow.", AGAIN
)
BREAKER_OPEN = _row(
    ("submits", "sets an account up"),
    502,
    "Discord refused too many requests of this installation; nothing is sent to it now",
    "Too many refusals of Discord in ten minutes.",
    "Wait ten minutes. The operator looks in the log for the cause.",
)
DISCORD_ASKED_TO_WAIT = _row(
    ("submits", "sets an account up"),
    502,
    "Discord asked to wait <seconds> s",
    "Discord asks to wait longer than a request may take.",
    "Ask again after this time.",
)
NO_ANSWER = _row(
    ("submits", "sets an account up"),
    502,
    "no answer from Discord: <reason>",
    "Discord did not answer.",
    _DISCORD,
)
NO_CONNECTION = _row(
    ("submits", "sets an account up"),
    502,
    "no connection to Discord: <reason>",
    "Discord cannot be reached.",
    _DISCORD,
)
NO_REGION_EDITOR = _row(
    ("submits", "sets an account up"),
    502,
    "no connection to the region editor",
    "The host for masks cannot be reached.",
    "The operator looks at `activity_url`.",
)
DISCORD_STATUS = _row(
    ("submits", "sets an account up"),
    502,
    "Discord answered with HTTP status <status>",
    "Discord answered otherwise than it should.",
    "Read `errorDetails`, and ask again.",
)
CAPTCHA = _row(
    "submits",
    596,
    "Discord asks for a human check (CAPTCHA)",
    "Discord wants to see a person. The account is halted.",
    PERSON,
)
INTERACTION_HALTS = _row(
    "submits",
    596,
    "Discord /interactions failed with HTTP status <status>",
    "Discord refused the account. It is halted.",
    PERSON,
)
DISCORD_REJECTED_TOKEN = _row(
    "submits",
    596,
    "Discord rejected the account's token.",
    "The token has ended. The account is halted.",
    "Set the account up with a new token.",
)
PERSON_WANTED = _row(
    "submits",
    596,
    "Discord wants a person to look at the account.",
    "Discord has limited the account. It is halted.",
    PERSON,
)
NO_CHOICE = _row(
    ("submits", "lists deliveries", "reads media", "shares media"),
    None,
    "<field> must be one of <choices>",
    "The field has another value.",
    _CORRECT,
)
NO_BOOLEAN = _row(
    "submits", None, "<field> must be true or false", "The field has another value.", _CORRECT
)
MODE_IMPOSSIBLE = _row(
    "submits",
    400,
    "mode <mode> cannot be set here, and the account is in another mode",
    "This job cannot set a mode.",
    "`POST /v2/jobs/<mode>` first, or leave `mode` out.",
)

# ── Choosing an account ──

NO_ACCOUNT = _row(
    "chooses an account",
    400,
    "Configuration not found",
    "The caller has no Discord account.",
    "Set an account up.",
)
NO_SUCH_CHANNEL = _row(
    "chooses an account",
    400,
    "Configuration not found for provided channel",
    "The caller has no account in this channel.",
    _CHANNEL,
)
NAME_AN_ACCOUNT = _row(
    "chooses an account",
    400,
    "discord, server or channel value is missing",
    "The caller has several accounts, or `discord` or `server` came without `channel`.",
    _CHANNEL,
)

# ── Jobs with a slot ──

MAX_JOBS_RANGE = _row(
    "takes a slot",
    None,
    "maxJobs <maxJobs> is not between 1 and <limit>",
    "The number is too small or too large.",
    _CORRECT,
)
SLOTS_FULL = _row(
    "takes a slot",
    429,
    "Maximum of <maxJobs> jobs executing in parallel supported",
    "The account's slots are full.",
    "Wait until a job of `executingJobs` has ended.",
)

JOBS_A_DAY = _row(
    "takes a slot",
    429,
    "Maximum of <limit> jobs a day reached",
    "The user's jobs of a day (UTC), as an admin has limited them, are used up.",
    WAIT,
)
ACCOUNT_JOBS_A_DAY = _row(
    "takes a slot",
    429,
    "Maximum of <limit> jobs a day reached on this account",
    "The account's jobs of a day (UTC) are used up, and no other account has room.",
    WAIT,
)

# ── Jobs without a slot ──

LANE_FULL = _row(
    "takes a lane",
    429,
    "At most <limit> jobs without a slot may wait on this account; wait",
    "More cannot be sent in time.",
    WAIT,
)

# ── Fields that must have a text ──

MISSING = _row(
    ("needs text", "enables", "takes a picture", "takes pictures"),
    None,
    "<field> is missing",
    "The field is not there.",
    "Add the field.",
)
EMPTY = _row(
    ("needs text", "takes a picture"),
    None,
    "<field> is empty",
    "The text has no character but spaces.",
    "Fill the field.",
)

# ── Fields with a picture ──

NO_URL = _row(
    "takes a picture",
    None,
    "<field> is not a valid http or https URL",
    "The text is no URL.",
    _CORRECT,
)
NOT_BOTH = _row(
    "takes a picture",
    None,
    "<field> and <part> cannot be given together",
    "The picture was sent twice: as a URL and as a file.",
    "Send one of the two.",
)
EMPTY_PART = _row(
    ("takes a picture", "takes pictures"),
    None,
    "<part> is empty",
    "The file has no bytes.",
    _PICTURE,
)

# ── Fields with pictures ──

NO_URL_LIST = _row(
    "takes pictures",
    None,
    "<field> must be a list of URLs",
    "The field is no list of texts.",
    _CORRECT,
)
PICTURE_COUNT = _row(
    "takes pictures",
    None,
    "<field> must name <fewest> to <most> pictures",
    "URLs and files together are too few or too many.",
    "Send as many as the error names.",
)
HOLDS_NO_URL = _row(
    "takes pictures",
    None,
    "<field> contains an invalid URL; use http or https",
    "One of the texts is no URL.",
    _CORRECT,
)

# ── Uploading pictures ──

UPLOAD_TOO_LARGE = _row(
    "uploads",
    400,
    "Discord refused the picture as too large",
    "The file is too large for this account's Discord plan.",
    "Send a smaller picture.",
)
NO_UPLOAD_PLACE = _row(
    "uploads",
    502,
    "Discord named no place for the upload",
    "Discord answered without a place.",
    AGAIN,
)
UPLOAD_BROKE = _row(
    "uploads", 502, "the upload broke off: <reason>", "The connection broke.", AGAIN
)
UPLOAD_STATUS = _row(
    "uploads",
    502,
    "the upload was answered with HTTP status <status>",
    "Discord's store for files refused it.",
    AGAIN,
)

# ── Looking at pictures ──

GET_FAILED = _row(
    "looks at pictures",
    None,
    "GET <url> failed with <reason>",
    "The picture's host did not answer with the picture.",
    "Open the URL in a browser.",
)
MIME_TYPE = _row(
    "looks at pictures",
    None,
    "<picture> unknown mime type",
    "The file is no picture that can be used.",
    _PICTURE,
)
PICTURE_BYTES = _row(
    "looks at pictures",
    None,
    "<picture> is larger than <limit> bytes",
    "The file is too large.",
    "Send a smaller picture.",
)
PICTURE_PIXELS = _row(
    "looks at pictures",
    None,
    "<picture> has more than <limit> pixels",
    "The picture is too large.",
    "Send a smaller picture.",
)
PICTURES_AT_ONCE = _row(
    "looks at pictures",
    429,
    "Too many requests with pictures at once; try again",
    "The user's places for pictures stayed full.",
    WAIT,
)
INPUTS_TOO_LARGE = _row(
    "looks at pictures",
    None,
    "The pictures of a job have more than <limit> MiB together",
    "All pictures of the request together are too large.",
    "Send smaller pictures.",
)
INPUTS_FULL = _row(
    "looks at pictures",
    429,
    "<limit> MiB of your pictures may wait to be sent, and this job's would be more; wait",
    "Pictures of the user's other jobs wait to be sent.",
    WAIT,
)

# ── Prompts ──

SEVERAL_RESULTS = _row(
    "takes a prompt",
    400,
    "<field> asks for <count> results; a job has one",
    "A list in braces or `--repeat` asks for several.",
    "Send a job for each of them.",
)

HALF_OF_SEVERAL = _row(
    "takes a prompt",
    400,
    "<field> asks for several results together with another text; a job has one",
    "`--repeat` without its number ends a prompt, or `}` without its `{` stands in a suffix.",
    "Take it out, or write `\\}`.",
)

# ── Masks ──

NO_MASK_FILE = _row(
    "takes a mask",
    None,
    "<field> is not a PNG or WebP in base64",
    "The mask cannot be read.",
    _CORRECT,
)
MASK_NOT_TAKEN = _row(
    "takes a mask",
    400,
    "mask is not supported for button <button>",
    "This button takes no mask.",
    "Leave `mask` out.",
)
MASK_NEEDED = _row(
    "takes a mask",
    400,
    "mask is required for button <button>",
    "This button needs a mask.",
    "Add `mask`.",
)
MASK_SIZE = _row(
    "takes a mask",
    400,
    "mask must have the size of the picture",
    "Width or height of the mask differs from the picture's.",
    "Draw the mask in the picture's size.",
)
MASK_BLACK = _row(
    "takes a mask",
    400,
    "<field> has no white pixels; white marks what to redraw",
    "The mask has no white spot.",
    "Paint white what is to be drawn again.",
)

# ── Jobs that act on another job ──

CHANNEL_NOT_FOUND = _row(
    ("names a parent", "names a channel"),
    404,
    "Configuration not found for provided channel",
    "The caller has no account in this channel.",
    _CHANNEL,
)

# ── Pressing a button ──

NO_BUTTON = _row(
    "presses",
    400,
    "Button not supported or not found in jobid buttons array",
    "The job does not show this button.",
    "Name a label that the job lists in `buttons`.",
)
PROMPT_NEEDED = _row(
    "presses",
    400,
    "prompt is required for button <button>",
    "This button needs a prompt.",
    "Add `prompt`.",
)
PRESSED_BEFORE = _row(
    "presses",
    409,
    "Button <button> already executed by job <jobid>",
    "The button works once, and was pressed before.",
    "Read the job that the error names.",
)

NO_MASK = _row(
    "presses",
    502,
    "The bot asked for a mask, and the job has none",
    "The button opened the region editor, which Waystation did not expect of it.",
    "Press the button in Discord, and report it.",
)

# ── Asking for a seed ──

NOT_COMPLETED = _row(
    "reacts",
    400,
    "jobid is not a completed job",
    "The job runs, or has ended without a result.",
    "Wait until the job has completed.",
)
NO_SEED = _row(
    "reacts",
    400,
    "jobid has no seed",
    "The job has no picture of its own.",
    "Name a job with a picture.",
)

# ── Listing accounts ──

NO_ACCOUNTS = _row(
    "lists accounts",
    404,
    "Configuration not found",
    "The caller has no Discord account.",
    "Set an account up.",
)

# ── Paths that name a channel ──

CONTROL_CHARACTER = _row(
    ("names a channel", "is told the channel", "names a job in the path", "names a delivery"),
    400,
    "The path contains a control character",
    "The path has a character that cannot be printed.",
    "Correct the path.",
)

# ── Setting an account up ──

NO_DISCORD = _row(
    "sets an account up",
    400,
    "Required param discord is missing or empty",
    "The token is missing.",
    "Add `discord`.",
)
NO_DISCORD_TOKEN = _row(
    "sets an account up",
    400,
    "Required param discord is not valid Discord token",
    "The text does not look like a token.",
    "Copy the token from Discord again.",
)
MAX_JOBS_HIGH = _row(
    ("sets an account up", "limits an account"),
    400,
    "Required param maxJobs <maxJobs> can't be more that <limit>",
    "The number is too large.",
    _CORRECT,
)
MAX_JOBS_LOW = _row(
    ("sets an account up", "limits an account"),
    400,
    "Required param maxJobs <maxJobs> can't be less than 1",
    "The number is too small.",
    _CORRECT,
)
TOKEN_UNKNOWN = _row(
    "sets an account up",
    400,
    "Discord rejected the token; log in to Discord and copy it anew",
    "Discord does not know the token.",
    "Copy the token from Discord again.",
)
SAME_DISCORD = _row(
    "sets an account up",
    400,
    "Channel <channel> configuration has same discord value",
    "The same Discord user is set up already, in the channel that the error names.",
    "Use that channel, or delete its account first.",
)
ANOTHERS_JOBS = _row(
    "sets an account up",
    400,
    "Channel <channel> has running jobs of another Discord user; wait for them",
    "A new token of another user would take over running jobs.",
    "Wait until they have ended.",
)
TOO_MANY_ACCOUNTS = _row(
    "sets an account up",
    400,
    "Maximum of <limit> accounts supported; DELETE one that is not needed",
    "The caller has as many accounts as allowed.",
    "Delete an account.",
)
REJECTED_TOKENS = _row(
    "sets an account up",
    429,
    "Discord has rejected too many tokens from this user; wait an hour",
    "Many wrong tokens look like an attack to Discord.",
    WAIT,
)
TOKENS_AN_HOUR = _row(
    "sets an account up",
    429,
    "Discord was asked about <limit> tokens of this user within an hour; wait",
    "Many tokens look like an attack to Discord.",
    WAIT,
)

# ── Changing a record or an account ──

CHANGES_A_DAY = _row(
    "changes",
    429,
    "This user has made <limit> changes within 24 hours; wait, or remove an account",
    "The changes of users and accounts are kept for 400 days, and a user makes so many. "
    "A change that is repeated within an hour counts once.",
    WAIT,
)

# ── Resetting an account ──

RESETS_AN_HOUR = _row(
    "resets",
    429,
    "The account was reset <limit> times within an hour; look why it is halted again, and wait",
    "The account halts again after each reset.",
    "Find the cause in Discord.",
)

# ── Limiting an account ──

NO_JOBS_A_DAY = _row(
    "limits an account",
    400,
    "jobsADay must be a whole number from 0",
    "The number is below 0, or missing where `maxJobs` is missing, too.",
    "Send a number; 0 ends the limit.",
)

# ── Setting an account up in its direct messages ──

NO_BOT = _row(
    "finds the channel",
    400,
    "Midjourney bot not configured",
    "The account has no direct messages with the bot.",
    "Write to the bot in Discord once, or set the account up in a server's channel.",
)

# ── Setting an account up in a server ──

PARAM_MISSING = _row(
    "is told the channel",
    400,
    "Required param <field> is missing or empty",
    "The field is not there.",
    "Add the field.",
)
NO_DISCORD_ID = _row(
    "is told the channel",
    400,
    "Required param <field> (<value>) is not valid Discord <what> id",
    "The text is no id of Discord.",
    "Copy the id from Discord.",
)
OTHER_CHANNEL = _row(
    "is told the channel",
    400,
    "Required param channel (<channel>) not matching to /midjourney/channel (/midjourney/<path>)",
    "Body and path name two channels.",
    "Name the same channel twice.",
)
NO_MAX_JOBS = _row(
    "is told the channel",
    400,
    "Required param maxJobs is missing or empty",
    "The number is missing.",
    "Add `maxJobs`.",
)
NO_DISCORD_CHANNEL = _row(
    "is told the channel",
    400,
    "Required param channel (<channel>) is not valid Discord channel id",
    "The account cannot read this channel.",
    "Name a channel that the account sees in Discord.",
)
NO_DISCORD_SERVER = _row(
    "is told the channel",
    400,
    "Required param server (<server>) is not valid Discord server id",
    "The channel is not in this server.",
    "Copy both ids from Discord.",
)
SAME_SERVER = _row(
    "is told the channel",
    400,
    "Channel <channel> configuration has same server value",
    "The caller has an account in another channel of this server.",
    "Use that channel, or delete its account first.",
)

# ── Listing callbacks ──

NO_LIMIT = _row(
    "lists deliveries",
    400,
    "limit must be a whole number from 1 to <most>",
    "The number is too small or too large.",
    _CORRECT,
)
NO_PLACE = _row(
    "lists deliveries",
    400,
    "before is no place of this list",
    "`before` is another text than `next` of an answer.",
    "Send `next` of the page before.",
)

# ── Paths that name a callback ──

UNKNOWN_DELIVERY = _row(
    "names a delivery",
    404,
    "Unable to locate delivery <id>",
    "The caller has no such callback. It is deleted with its job.",
    "Name one that `GET /v2/deliveries` lists.",
)

# ── Sending a callback again ──

NO_END = _row(
    "redelivers",
    400,
    "Only the end of a job can be delivered again",
    "The callback tells progress, or is a ping.",
    "Read the job.",
)
RECEIVER_DISABLED = _row(
    "redelivers",
    409,
    "The receiver is disabled; a ping that it takes enables it",
    "It has failed for days, or its URL has answered 410.",
    "`POST /v2/deliveries/ping`, or `/enable`, then ask again.",
)
REDELIVERIES_AN_HOUR = _row(
    "redelivers",
    429,
    "<limit> callbacks of this user were sent again within an hour; wait",
    "The limit of an hour is used up.",
    "Wait, or send all that is missing again at once.",
)

# ── Sending missing callbacks again ──

NO_MOMENT = _row(
    "replays",
    400,
    "<field> must be a moment such as 2027-01-31T12:00:00Z",
    "The field is missing, or is no moment of ISO 8601.",
    _CORRECT,
)
REPLAYS_AN_HOUR = _row(
    "replays",
    429,
    "<limit> replays of this user were asked for within an hour; wait",
    "The limit of an hour is used up.",
    WAIT,
)

# ── Testing a receiver ──

NO_URL_TO_PING = _row(
    "pings",
    400,
    "replyUrl is missing, and the user has no default one",
    "There is no URL to send the test to.",
    "Add `replyUrl`.",
)
PINGS_AN_HOUR = _row(
    "pings",
    429,
    "<limit> pings of this user were asked for within an hour; wait",
    "The limit of an hour is used up.",
    WAIT,
)

# ── Making a signing secret ──

SECRETS_AT_ONCE = _row(
    "makes a secret",
    429,
    "<limit> signing secrets of this user sign at once; wait",
    "The secret was replaced too many times within a day.",
    "Use the newest secret. One that was replaced signs for 24 hours.",
)

# ── The readiness probe ──

NOT_READY = _row(
    "is a probe", 503, "Not ready", "The database or the key cannot be used.", "Read `problems`."
)
