"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from waystation.cli.screen import escaped

__all__ = [
    "RESULT",
    "Channel",
    "Config",
    "Jobid",
    "Json",
    "Limit",
    "Save",
    "Singles",
    "channel_id",
    "job_id",
]

RESULT = "Result"
"""The panel of what is done with a job's result."""


def job_id(text: str) -> str:
    """Return what may be a job's id. Raises: BadParameter."""
    if not text.strip() or not text.isprintable():
        raise typer.BadParameter(
            f"{escaped(repr(text))} is no job's id; `waystation jobs list` prints those that run"
        )
    return text


def channel_id(text: str | None) -> str | None:
    """Return what may be the id of a channel or server, None as it is. Raises: BadParameter."""
    if text is not None and not (text.isascii() and text.isdigit()):
        raise typer.BadParameter(
            f"{escaped(repr(text))} is no Discord id, which has digits only; "
            "`waystation accounts list` prints those of your channels"
        )
    return text


Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Channel = Annotated[
    str,
    typer.Argument(
        metavar="CHANNEL", help="Discord channel id of the account.", callback=channel_id
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings.", show_default=False),
]
Jobid = Annotated[str, typer.Argument(metavar="JOBID", help="The job's id.", callback=job_id)]
Limit = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.1,
        help="Stop waiting for the result after so many seconds from the bot's first answer; "
        "the job goes on.",
        rich_help_panel=RESULT,
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        "-o",
        metavar="DIR",
        file_okay=False,
        help="Save the job's pictures in this directory.",
        rich_help_panel=RESULT,
    ),
]
Singles = Annotated[
    bool,
    typer.Option(
        "--singles",
        help="With --save: each picture or clip of a grid too.",
        rich_help_panel=RESULT,
    ),
]
