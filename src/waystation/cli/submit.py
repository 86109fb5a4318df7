"""One subcommand per row of COMMANDS: `waystation info`, `waystation imagine "a red fox"`, …"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waystation.cli.options import RESULT, Json, Limit, Save, Singles, channel_id, job_id
from waystation.cli.remote import ask
from waystation.cli.report import report
from waystation.cli.saving import Saved, folder_of, save
from waystation.cli.screen import opened
from waystation.cli.waiting import waiting
from waystation.errors import InvalidRequest, PreconditionFailed
from waystation.midjourney.commands import COMMANDS, MODES, AnswersAt, Command, Param, ParamKind
from waystation.midjourney.replies import ReplyKind
from waystation.queueing.rotation import HIGHEST_PRIORITY, LOWEST_PRIORITY

if TYPE_CHECKING:
    from waystation.client import Client, Job

__all__ = ["add_verbs"]

_Channel = Annotated[
    str | None,
    typer.Option(
        metavar="CHANNEL", help="Discord channel id of the account to use.", callback=channel_id
    ),
]
_MaxJobs = Annotated[
    int | None,
    typer.Option(min=1, max=15, metavar="NUMBER", help="Most jobs at once on the account."),
]

_CALLBACK = "Callback"
"""A panel of its own, as RESULT: one with all options has no room left for words at 80 columns."""

_ReplyUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="URL that is called with the result.", rich_help_panel=_CALLBACK
    ),
]
_ReplyRef = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Your own reference, stored with the job.",
        rich_help_panel=_CALLBACK,
    ),
]
_ReplyProgress = Annotated[
    bool | None,
    typer.Option(
        "--reply-progress/--no-reply-progress",
        help="Call the URL before the end, too, or at the end alone (an addition to v2).",
        rich_help_panel=_CALLBACK,
    ),
]
_Mode = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(MODES),
        help="Refused unless the account is in this mode already (an addition to v2).",
    ),
]
_QUEUED = "Queue"

_Queue = Annotated[
    bool | None,
    typer.Option(
        "--queue/--no-queue",
        help="Let the job wait where no account has room, or be refused (an addition to v2).",
        rich_help_panel=_QUEUED,
    ),
]
_Priority = Annotated[
    int | None,
    typer.Option(
        min=LOWEST_PRIORITY,
        max=HIGHEST_PRIORITY,
        metavar="NUMBER",
        help="In the queue a higher one goes first (an addition to v2).",
        rich_help_panel=_QUEUED,
    ),
]
_Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the result.", rich_help_panel=RESULT)
]

_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")

_ARGUMENTS: Mapping[ParamKind, tuple[type, str, str]] = {
    ParamKind.PICTURE: (str, "PICTURE", "File or URL of the picture"),
    ParamKind.PICTURES: (list[str], "PICTURE", "Files or URLs of {fewest} to {most} pictures"),
    ParamKind.TEXT: (str, "TEXT", "{help}"),
    ParamKind.CHOICE: (str, "CHOICE", "{help}"),
    ParamKind.PARENT: (str, "JOBID", "{help}"),
    ParamKind.MASK: (
        str,
        "FILE|BASE64",
        "For Vary (Region): PNG or WebP of the picture's size; white is redrawn",
    ),
}
"""How a verb's own field looks on the command line: type, name of the value, and help.

An argument, or an option if not required; files stand for what the API takes only in a form.
"""

_WIDEST_CHOICE = 16
"""Columns; longer names of values would be folded in 80."""

_SHARED: Mapping[str, tuple[str, object]] = {
    "channel": ("channel", _Channel),
    "max_jobs": ("maxJobs", _MaxJobs),
    "reply_url": ("replyUrl", _ReplyUrl),
    "reply_ref": ("replyRef", _ReplyRef),
    "reply_progress": ("replyProgress", _ReplyProgress),
    "mode": ("mode", _Mode),
    "queue": ("queue", _Queue),
    "priority": ("priority", _Priority),
}
"""Options that verbs have in common: name, v2 field and annotation."""


def add_verbs(app: typer.Typer) -> None:
    """Register a subcommand for each verb."""
    for command in COMMANDS.values():
        app.command(command.verb, help=_help(command), rich_help_panel="Jobs")(_subcommand(command))


def _help(command: Command) -> str:
    """Return the command's help; a verb that does not wait for the bot has a twin that does."""
    if command.answers_at is not AnswersAt.ASKED:
        return command.help
    return f"{command.help.rstrip('.')}; with --no-wait, end once the bot is asked."


def _subcommand(command: Command) -> Callable[..., None]:
    def run(**given: Any) -> None:
        _run(command, given)

    run.__signature__ = _signature(command)  # type: ignore[attr-defined]
    return run


def _signature(command: Command) -> Signature:
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    own = [_parameter(param) for param in command.params]
    left_out = {parameter.name for parameter in own}
    if any(param.kind is ParamKind.PARENT for param in command.params):
        # the account is that of the parent
        left_out.add("channel")
    if not command.takes_slot:
        left_out.add("max_jobs")
    shared = [
        Parameter(name, keyword, annotation=annotation, default=None)
        for name, (_, annotation) in _SHARED.items()
        if name not in left_out
    ]
    waits = [Parameter("timeout_s", keyword, annotation=Limit, default=None)]
    if command.answers_at is not AnswersAt.FINAL:
        waits.insert(0, Parameter("wait", keyword, annotation=_Wait, default=True))
    if ReplyKind.PICTURE in command.finished_by:
        waits.append(Parameter("folder", keyword, annotation=Save, default=None))
        waits.append(Parameter("singles", keyword, annotation=Singles, default=False))
    as_json = Parameter("as_json", keyword, annotation=Json, default=False)
    return Signature([*own, *shared, *waits, as_json])


def _parameter(param: Param) -> Parameter:
    kind, metavar, help = _ARGUMENTS[param.kind]
    if param.required and param.kind is ParamKind.TEXT:
        metavar = param.name.upper()
    choices = "|".join(param.choices)
    metavar = choices if 0 < len(choices) <= _WIDEST_CHOICE else metavar
    help = help.format(help=param.help, fewest=param.fewest, most=param.most)
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    argument: object
    if param.required:
        check = job_id if param.kind is ParamKind.PARENT else None
        argument = typer.Argument(metavar=metavar, help=help, callback=check)
        return Parameter(_given_name(param), keyword, annotation=Annotated[kind, argument])
    argument = typer.Option(metavar=metavar, help=help)
    annotation = Annotated[kind | None, argument]  # type: ignore[valid-type]
    return Parameter(_given_name(param), keyword, annotation=annotation, default=None)


def _given_name(param: Param) -> str:
    """Return how the command line spells a field: `blendDimensions` as `blend_dimensions`."""
    return re.sub("([A-Z])", r"_\1", param.name).lower()


def _run(command: Command, given: Mapping[str, Any]) -> None:
    from waystation.client import ANSWER_S

    wait, folder = given.get("wait", True), given.get("folder")
    with opened(given["as_json"]) as screen:
        screen.known |= _known(command, given)
        fields, files = _request(command, given)
        if folder is not None and not wait:
            raise InvalidRequest("--save needs the result; leave --no-wait out")
        to = folder_of(folder, given.get("singles", False))

        async def call(client: Client) -> tuple[Job, Saved | None]:
            bot = f"the bot, at most {ANSWER_S:g} s"
            async with waiting(screen, command.verb, client, bot) as show:
                job = await client.submit(command.verb, fields, files)
                screen.jobid = jobid = job["jobid"]
                show(job)
                if wait:
                    job = await client.wait(jobid, timeout_s=given["timeout_s"], on_progress=show)
            return job, await save(client, job, to, singles=given.get("singles", False))

        raise typer.Exit(report(screen, *ask(call, says=True)))


def _known(command: Command, given: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what a command to copy can be filled in with."""
    parents = [param for param in command.params if param.kind is ParamKind.PARENT]
    return {"JOBID": given[_given_name(parents[0])]} if parents else {}


def _request(
    command: Command, given: Mapping[str, Any]
) -> tuple[dict[str, object], dict[str, Path | bytes]]:
    fields: dict[str, object] = {
        field: given[name]
        for name, (field, _) in _SHARED.items()
        if given.get(name) not in (None, "")
    }
    files: dict[str, Path | bytes] = {}
    for param in command.params:
        value = given.get(_given_name(param))
        if value is None:
            continue
        match param.kind:
            case ParamKind.PICTURE:
                fields |= _urls(param, [value], files)
            case ParamKind.PICTURES:
                fields |= _urls(param, value, files)
            case ParamKind.MASK:
                fields[param.name] = _mask(value)
            case _:
                fields[param.name] = value
    return fields, files


def _urls(param: Param, values: Sequence[str], files: dict[str, Path | bytes]) -> dict[str, object]:
    """Return the field of those pictures that are URLs; put the others among the file parts."""
    urls: list[str] = []
    for number, value in enumerate(values, start=1):
        if value.startswith(("http://", "https://")):
            urls.append(value)
        elif (file := _file(value)) is not None:
            numbered = f"{param.file_part}{number}"
            name = numbered if param.kind is ParamKind.PICTURES else param.file_part
            files[str(name)] = file
        else:
            raise PreconditionFailed(f"{_named(value)} is neither a file nor an http(s) URL")
    if not urls:
        return {}
    return {param.name: urls[0] if param.kind is ParamKind.PICTURE else urls}


def _mask(value: str) -> str:
    """Return the base64 of a file's bytes, or what is base64 already."""
    file = _file(value)
    if file is not None:
        try:
            return base64.b64encode(file.read_bytes()).decode()
        except OSError as error:
            raise PreconditionFailed(f"{value} cannot be read: {error.strerror}") from error
    if value.startswith("data:") or _BASE64.fullmatch(value):
        return value
    raise PreconditionFailed(f"{_named(value)} is neither a file nor base64")


def _named(value: str) -> str:
    return value or "the empty text"


def _file(value: str) -> Path | None:
    try:
        return Path(value) if Path(value).is_file() else None
    except (OSError, ValueError):
        # longer than a name may be
        return None
