"""One subcommand per row of COMMANDS: `waystation info`, `waystation describe <path or URL>`, …"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waystation.cli.exits import exit_for_job
from waystation.cli.job_view import job_view
from waystation.cli.options import Json, Limit
from waystation.cli.remote import ask
from waystation.cli.screen import opened
from waystation.cli.waiting import waiting
from waystation.errors import PreconditionFailed
from waystation.midjourney.commands import COMMANDS, AnswersAt, Command, Param, ParamKind

if TYPE_CHECKING:
    from waystation.client import Client, Job

__all__ = ["add_verbs"]

_Channel = Annotated[str | None, typer.Option(help="Discord channel id of the account to use.")]
_MaxJobs = Annotated[
    int | None, typer.Option(min=1, max=15, help="Most jobs at once on the account.")
]
_ReplyUrl = Annotated[str | None, typer.Option(help="URL that is called with the result.")]
_ReplyRef = Annotated[str | None, typer.Option(help="Your own reference, stored with the job.")]
_NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the result.")]

_ARGUMENTS: Mapping[ParamKind, tuple[type, str]] = {
    ParamKind.PICTURE: (str, "PICTURE"),
    ParamKind.PICTURES: (list[str], "PICTURE..."),
    ParamKind.TEXT: (str, "TEXT"),
    ParamKind.CHOICE: (str, "CHOICE"),
    ParamKind.PARENT: (str, "JOBID"),
    ParamKind.MASK: (str, "BASE64"),
}
"""How a verb's own field looks on the command line: an argument, or an option if not required."""

_SHARED: Mapping[str, tuple[str, object]] = {
    "channel": ("channel", _Channel),
    "max_jobs": ("maxJobs", _MaxJobs),
    "reply_url": ("replyUrl", _ReplyUrl),
    "reply_ref": ("replyRef", _ReplyRef),
}
"""Options of every verb: name, v2 field and annotation."""


def add_verbs(app: typer.Typer) -> None:
    """Register a subcommand for each verb."""
    for command in COMMANDS.values():
        app.command(command.verb, help=command.help, rich_help_panel="Jobs")(_subcommand(command))


def _subcommand(command: Command) -> Callable[..., None]:
    def run(**given: Any) -> None:
        _run(command, given)

    run.__signature__ = _signature(command)  # type: ignore[attr-defined]
    return run


def _signature(command: Command) -> Signature:
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    own = [_parameter(param) for param in command.params]
    shared = [
        Parameter(name, keyword, annotation=annotation, default=None)
        for name, (_, annotation) in _SHARED.items()
        if command.takes_slot or name != "max_jobs"
    ]
    waits = [Parameter("timeout_s", keyword, annotation=Limit, default=None)]
    if command.answers_at is AnswersAt.STARTED:
        waits.insert(0, Parameter("no_wait", keyword, annotation=_NoWait, default=False))
    as_json = Parameter("as_json", keyword, annotation=Json, default=False)
    return Signature([*own, *shared, *waits, as_json])


def _parameter(param: Param) -> Parameter:
    kind, metavar = _ARGUMENTS[param.kind]
    keyword = Parameter.POSITIONAL_OR_KEYWORD
    argument: object
    if param.required:
        argument = typer.Argument(metavar=metavar, help=param.help)
        return Parameter(_given_name(param), keyword, annotation=Annotated[kind, argument])
    argument = typer.Option(metavar=metavar, help=param.help)
    annotation = Annotated[kind | None, argument]  # type: ignore[valid-type]
    return Parameter(_given_name(param), keyword, annotation=annotation, default=None)


def _given_name(param: Param) -> str:
    """Return how the command line spells a field: `blendDimensions` as `blend_dimensions`."""
    return re.sub("([A-Z])", r"_\1", param.name).lower()


def _run(command: Command, given: Mapping[str, Any]) -> None:
    with opened(given["as_json"]) as screen:
        fields, files = _request(command, given)

        async def call(client: Client) -> Job:
            job = await client.submit(command.verb, fields, files)
            screen.jobid = job["jobid"]
            show(job)
            if given.get("no_wait"):
                return job
            return await client.wait(job["jobid"], timeout_s=given["timeout_s"], on_progress=show)

        with waiting(screen, command.verb) as show:
            job = ask(call)
        screen.answer(job, *job_view(job))
        raise typer.Exit(exit_for_job(job.get("status"), job.get("code")))


def _request(
    command: Command, given: Mapping[str, Any]
) -> tuple[dict[str, object], dict[str, Path | bytes]]:
    fields: dict[str, object] = {
        field: given.get(name) for name, (field, _) in _SHARED.items() if given.get(name)
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
            case _:
                fields[param.name] = value
    return fields, files


def _urls(param: Param, values: Sequence[str], files: dict[str, Path | bytes]) -> dict[str, object]:
    """Return the field of those pictures that are URLs; put the others among the file parts."""
    urls: list[str] = []
    for number, value in enumerate(values, start=1):
        if value.startswith(("http://", "https://")):
            urls.append(value)
        elif Path(value).is_file():
            numbered = f"{param.file_part}{number}"
            name = numbered if param.kind is ParamKind.PICTURES else param.file_part
            files[str(name)] = Path(value)
        else:
            raise PreconditionFailed(f"{value} is neither a file nor an http(s) URL")
    if not urls:
        return {}
    if param.kind is ParamKind.PICTURE:
        return {param.name: urls[0]}
    # a form knows texts only
    return {param.name: " ".join(urls) if files else urls}
