"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["RESULT", "Channel", "Config", "Jobid", "Json", "Limit", "Save", "Singles"]

RESULT = "Result"
"""The panel of what is done with a job's result."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Channel = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="Discord channel id of the account.")
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings.", show_default=False),
]
Jobid = Annotated[str, typer.Argument(metavar="JOBID", help="The job's id.")]
Limit = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="Stop waiting after so many seconds; the job goes on.",
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
