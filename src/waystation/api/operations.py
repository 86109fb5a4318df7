"""OPERATIONS: what each method of each path takes and answers, one row per method.

The rows of `/v2/jobs/{verb}` come from COMMANDS; a verb needs no edit here. `openapi.py` makes the
document of these rows; a test holds them to the route table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from waystation.api.accounts import AccountForm, NewAccountForm, UserForm
from waystation.api.delivery_operations import DELIVERY_OPERATIONS
from waystation.api.fields.pictures import MAX_PICTURE_URL
from waystation.api.fields.values import MAX_REFERENCE
from waystation.api.media.operations import MEDIA_OPERATIONS
from waystation.api.operation import GUARDED, KNOWN, NO_BODY, OPEN, Field, Operation, Schema, text
from waystation.api.probes import HealthForm, ReadinessForm
from waystation.api.search_operations import SEARCH_OPERATIONS
from waystation.contract import CancelForm, JobForm
from waystation.midjourney.commands import (
    COMMANDS,
    MAX_JOBS,
    MODES,
    Command,
    Param,
    ParamKind,
)
from waystation.queueing.rotation import HIGHEST_PRIORITY, LOWEST_PRIORITY
from waystation.sentences import Does

__all__ = ["OPERATIONS", "SHARED"]

# ── what jobs take ──

_CHANNEL = Field(
    "channel",
    text(64),
    "Account to use. Left out: the only one; on verbs that take a slot one with room, at random",
)
_REPLY_URL = Field(
    "replyUrl",
    text(MAX_REFERENCE, format="uri"),
    "http or https URL that receives the final job; default: the caller's own",
)
_REPLY_REF = Field("replyRef", text(MAX_REFERENCE), "Comes back with the job")
_MAX_JOBS = Field(
    "maxJobs",
    {"type": "integer", "minimum": 1, "maximum": MAX_JOBS},
    "The limit for this job, instead of the account's own; a text of digits counts as a number",
)
_REPLY_PROGRESS = Field(
    "replyProgress",
    {"type": "boolean"},
    "True: `replyUrl` receives progress, too, not the end alone; the default is true for seed_async"
    " and false for other verbs (an addition to v2)",
)
_MODE = Field(
    "mode",
    {"type": "string", "enum": list(MODES)},
    "Refused unless the account is in this mode already (an addition to v2)",
)
_ERA_A = (
    Field("discord", {"type": "string"}, "Sent by older clients; ignored beside `channel`"),
    Field("server", {"type": "string"}, "Sent by older clients; ignored beside `channel`"),
)
_QUEUE = Field(
    "queue",
    {"type": "boolean"},
    "True: where no account has room the job waits, and the answer is 201; false: it is refused"
    " with 429; left out: as an admin has set it for the user, else false (an addition to v2)",
)
_PRIORITY = Field(
    "priority",
    {"type": "integer", "minimum": LOWEST_PRIORITY, "maximum": HIGHEST_PRIORITY},
    "In the queue a higher one goes first; 3 unless sent, and 3 is the highest unless an admin has"
    " set another (an addition to v2)",
)
SHARED: Sequence[Field] = (
    *(_CHANNEL, _MAX_JOBS, _REPLY_URL, _REPLY_REF, _REPLY_PROGRESS, _MODE, _QUEUE, _PRIORITY),
    *_ERA_A,
)
"""The fields that verbs have in common."""

_JOBID = Field("jobid", {"type": "string", "minLength": 1}, "The job that is meant", True)

_KEY = Field(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "Makes the request safe to repeat: requests with the same key make one job (an addition to v2)",
)
_PREFER = Field(
    "Prefer",
    {"type": "string", "pattern": "^wait=[0-9]{1,2}$"},
    "`wait=N`: answer when the job has ended, or after N seconds, at most 60 (an addition to v2)",
)

_LAST_EVENT = Field(
    "Last-Event-ID",
    {"type": "string", "pattern": "^[0-9]{1,9}$"},
    "The `id` of the last event that was read; the stream goes on after it",
)

_LAST_OF_ALL = Field(
    "Last-Event-ID",
    {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9]{1,18}$"},
    "The `id` of the last event that was read; the stream goes on after it",
)

_EXAMPLES: Mapping[str, object] = {
    "prompt": "a red fox in the snow --ar 3:2",
    "describeUrl": "https://example.org/fox.png",
    "blendUrls": ["https://example.org/fox.png", "https://example.org/snow.png"],
    "button": "U1",
    "uuid": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "suffix": "--v 7",
}


def _fields(param: Param) -> Iterator[Field]:
    def row(schema: Schema, either: str = "") -> Field:
        example = _EXAMPLES.get(param.name)
        return Field(param.name, schema, param.help, param.required, example=example, either=either)

    least = {"minLength": 1} if param.required else {}
    match param.kind:
        case ParamKind.PICTURE:
            part = param.file_part
            url = text(MAX_PICTURE_URL, format="uri", **least)
            yield row(url, "" if part is None else f"`{part}`")
            if part is not None:
                help = f"The picture itself, instead of `{param.name}`"
                yield _part(part, help, f"`{param.name}`")
        case ParamKind.PICTURES:
            url = text(MAX_PICTURE_URL, format="uri")
            bounds = {"minItems": param.fewest, "maxItems": param.most}
            parts = f"parts `{param.file_part}1` to `{param.file_part}{param.most}`, or both"
            yield row({"type": "array", "items": url, **bounds}, parts)
            for number in range(1, param.most + 1):
                yield _part(f"{param.file_part}{number}", "A picture itself, after those of URLs")
        case ParamKind.TEXT | ParamKind.PARENT:
            yield row(text(param.longest, **least))
        case ParamKind.CHOICE:
            yield row({"type": "string", "enum": list(param.choices)})
        case ParamKind.MASK:
            yield row({"type": "string", "contentEncoding": "base64"})


def _part(name: str, help: str, either: str = "") -> Field:
    schema = {"type": "string", "format": "binary"}
    return Field(name, schema, help, part=True, either=either)


def _does(command: Command) -> Iterator[Does]:
    yield from (*GUARDED, "reads a body", "reads a number", "takes a reference")
    if command.reaction is None:
        yield "asks the bot"
    if any(param.name == "option" for param in command.params):
        yield "changes an option"
    yield "submits"
    yield "waits for the end"
    kinds = {param.kind for param in command.params}
    if ParamKind.PARENT in kinds:
        yield "names a parent"
        yield "presses" if command.reaction is None else "reacts"
    else:
        yield "chooses an account"
    if command.takes_slot:
        yield "takes a slot"
    else:
        yield "takes a lane"
    for param in command.params:
        match param.kind:
            case ParamKind.PICTURE:
                yield from ("takes a picture", "looks at pictures", "uploads")
            case ParamKind.PICTURES:
                yield from ("takes pictures", "looks at pictures", "uploads")
            case ParamKind.MASK:
                yield from ("takes a mask", "looks at pictures")
            case ParamKind.CHOICE:
                pass
            case ParamKind.TEXT | ParamKind.PARENT:
                yield "takes text"
        if param.draws:
            yield "takes a prompt"
        if param.required and param.kind in (ParamKind.TEXT, ParamKind.PARENT):
            yield "needs text"


def _job(command: Command) -> Operation:
    own = [one for param in command.params for one in _fields(param)]
    names_parent = any(param.kind is ParamKind.PARENT for param in command.params)
    left_out = {
        *(("channel", "server") if names_parent else ()),
        *(() if command.takes_slot else ("maxJobs",)),
        *(param.name for param in command.params),
    }
    shared = [one for one in SHARED if one.name not in left_out]
    slot = "takes a slot" if command.takes_slot else "takes no slot"
    return Operation(
        name=command.verb,
        summary=command.help,
        answers={200: JobForm, 201: JobForm},
        does=tuple(dict.fromkeys(_does(command))),
        body=(*own, *shared),
        headers=(_PREFER, _KEY),
        bad_input_status=command.bad_input_status,
        about=f"Answers when {command.answers_at}; {slot}.",
        makes_job=True,
    )


# ── the rest ──

_TOKEN = Field("discord", text(512, minLength=1), "The Discord token", True)

_CHANGING = (*GUARDED, "reads a body", "changes")

_FIXED: Mapping[str, Operation] = {
    "GET /v2/jobs": Operation(
        "listJobs",
        "List the jobids of your jobs that have not ended, waiting ones included; with `jobid`, "
        "answer that job.",
        {200: (list[str], JobForm)},
        (*GUARDED, "names a job", "names a job in the query", "waits for the end"),
        headers=(_PREFER,),
        query=(Field("jobid", {"type": "string", "minLength": 1}, "One job instead of the list"),),
    ),
    "GET /v2/jobs/": Operation(
        "readJob",
        "Read one job. A known one is always 200; `code` inside is the job's own.",
        {200: JobForm},
        (*GUARDED, "names a job", "names a job in the query", "waits for the end"),
        headers=(_PREFER,),
        query=(_JOBID,),
        about="A callback to `replyUrl` carries exactly this body.",
    ),
    "GET /v2/jobs/cancel": Operation(
        "cancelJob",
        "Cancel a job; a final one keeps its status.",
        {200: CancelForm},
        (*GUARDED, "names a job", "names a job in the query", "cancels"),
        query=(_JOBID,),
    ),
    "GET /v2/jobs/{jobid}": Operation(
        "readJobByPath",
        "Read one job, as `GET /v2/jobs/` does (an addition to v2).",
        {200: JobForm},
        (*GUARDED, "names a job", "names a job in the path", "waits for the end"),
        headers=(_PREFER,),
    ),
    "GET /v2/jobs/{jobid}/events": Operation(
        "streamJob",
        "Read the events of a job as they come, as server-sent events (an addition to v2).",
        {200: "text/event-stream", 204: None},
        (*GUARDED, "names a job", "names a job in the path", "streams"),
        headers=(_LAST_EVENT,),
        about="204 when the job has ended and every event of it was sent.",
    ),
    "GET /v2/events": Operation(
        "streamJobs",
        "Read the events of all your jobs as they come, as server-sent events (an addition to v2).",
        {200: "text/event-stream"},
        (*GUARDED, "streams"),
        headers=(_LAST_OF_ALL,),
        about="It has no end; `reset` says that it begins here: list your jobs.",
    ),
    "DELETE /v2/jobs/{jobid}": Operation(
        "cancelJobByPath",
        "Cancel a job, as `GET /v2/jobs/cancel` does (an addition to v2).",
        {200: CancelForm},
        (*GUARDED, "names a job", "names a job in the path", "cancels"),
    ),
    "GET /v2/account": Operation("readUser", "Read your own record.", {200: UserForm}, KNOWN),
    "POST /v2/account": Operation(
        "changeUser",
        "Change your own record; what is left out stays, the empty text clears.",
        NO_BODY,
        (*_CHANGING, "takes a reference"),
        body=(
            Field("name", text(MAX_REFERENCE), "Your name"),
            Field(
                "user",
                text(MAX_REFERENCE),
                "Read as `name` when there is none, as v2's own example has it",
            ),
            Field(
                "replyUrl",
                text(MAX_REFERENCE),
                "http or https URL that receives final jobs by default",
            ),
        ),
    ),
    "GET /v2/account/midjourney": Operation(
        "listAccounts",
        "List your Discord accounts, keyed by channel.",
        {200: dict[str, AccountForm]},
        (*GUARDED, "lists accounts"),
    ),
    "POST /v2/account/midjourney": Operation(
        "addAccount",
        "Set a Discord account up in its direct messages with the bot.",
        {200: NewAccountForm, 201: NewAccountForm},
        (*_CHANGING, "reads a number", "sets an account up", "finds the channel"),
        body=(_TOKEN, Field("maxJobs", _MAX_JOBS.schema, "Its slots; default 3")),
        about=(
            "200 when it was there already. The same token keeps the connection; a new one "
            "connects anew, and lifts the halt that a rejected one made."
        ),
    ),
    "GET /v2/account/midjourney/{channel}": Operation(
        "readAccount",
        "Read one Discord account.",
        {200: AccountForm},
        (*GUARDED, "names a channel"),
    ),
    "POST /v2/account/midjourney/{channel}": Operation(
        "putAccount",
        "Set a Discord account up in a server's channel.",
        NO_BODY,
        (*_CHANGING, "reads a number", "sets an account up", "is told the channel"),
        body=(
            _TOKEN,
            Field("server", text(20, pattern="^[0-9]+$"), "The server of the channel", True),
            Field("channel", text(20, pattern="^[0-9]+$"), "The channel of the path", True),
            Field("maxJobs", _MAX_JOBS.schema, "Its slots", True),
        ),
    ),
    "DELETE /v2/account/midjourney/{channel}": Operation(
        "removeAccount",
        "Remove a Discord account; its running jobs may end first.",
        NO_BODY,
        (*GUARDED, "names a channel", "removes an account"),
        query=(Field("force", {"type": "string", "enum": ["true"]}, "Fail them now (*addition*)"),),
        about=(
            "Until they have ended, the channel answers 404 and says in `errorDetails` that it is "
            "being removed. Setting it up again takes the removal back. An account that is added "
            "again later is the same one, halt included."
        ),
    ),
    "POST /v2/account/midjourney/{channel}/reset": Operation(
        "resetAccount",
        "End a halt, after a person has dealt with it in Discord.",
        NO_BODY,
        (*GUARDED, "names a channel", "resets", "changes"),
    ),
    "POST /v2/account/midjourney/{channel}/limit": Operation(
        "limitAccount",
        "Limit the jobs that an account takes in a day and at once (an addition to v2).",
        NO_BODY,
        (*_CHANGING, "names a channel", "reads a number", "limits an account"),
        body=(
            Field(
                "jobsADay",
                {"type": "integer", "minimum": 0},
                "Jobs with a slot in a day (UTC), counted from the moment of the limit; 0: any "
                "number; needed unless maxJobs is sent",
            ),
            Field(
                "maxJobs",
                {"type": "integer", "minimum": 1, "maximum": MAX_JOBS},
                "Jobs with a slot at once; the token need not be sent again",
            ),
        ),
        about="Where no other account has room, a job is answered with 429 until the day is over.",
    ),
    **DELIVERY_OPERATIONS,
    "GET /healthz": Operation("health", "Tell that the process answers.", {200: HealthForm}, OPEN),
    "GET /readyz": Operation(
        "readiness",
        "Tell whether database and key can be used.",
        {200: ReadinessForm, 503: ReadinessForm},
        (*OPEN, "is a probe"),
    ),
    "GET /metrics": Operation(
        "metrics",
        "Totals for Prometheus, when they are switched on.",
        {200: "text/plain"},
        (*OPEN, "asks the store"),
    ),
    "GET /openapi.json": Operation("openapi", "This document.", {200: dict[str, Any]}, OPEN),
}

OPERATIONS: Mapping[str, Operation] = {
    **{f"POST /v2/jobs/{verb}": _job(command) for verb, command in COMMANDS.items()},
    **_FIXED,
    **SEARCH_OPERATIONS,
    **MEDIA_OPERATIONS,
}
"""`METHOD template` → row."""
