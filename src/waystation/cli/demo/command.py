"""waystation demo: the command."""

from __future__ import annotations

import asyncio
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from waystation.cli.exits import Exit
from waystation.cli.options import Json
from waystation.cli.saving import folder_at
from waystation.cli.screen import opened
from waystation.errors import PreconditionFailed

__all__ = ["demo"]

_Image = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Your picture instead of the sample.",
    ),
]
_Save = Annotated[
    Path | None,
    typer.Option("--save", "-o", metavar="DIR", file_okay=False, help="Leave the pictures here."),
]
_Keep = Annotated[
    bool, typer.Option("--keep", help="Leave service and simulator running until Ctrl-C.")
]


_Nodes = Annotated[
    int,
    typer.Option(
        "--nodes",
        metavar="NUMBER",
        min=1,
        max=5,
        help="Processes of the service on one PostgreSQL database.",
    ),
]
_Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="An empty PostgreSQL database instead of a file that is thrown away; it keeps its "
        "tables, so drop it afterwards.",
    ),
]


def demo(
    image: _Image = None,
    folder: _Save = None,
    keep: _Keep = False,
    nodes: _Nodes = 1,
    database: _Database = None,
    as_json: Json = False,
) -> None:
    """Show the whole path on a simulator: no Discord account, nothing to set up.

    Starts simulator and service, adds a user and two accounts, runs info,
    describes a picture by file and by URL, receives a callback, imagines,
    upscales and varies, trips a moderation and a halt, reads the e-mail
    out, resets, kills the service while three jobs run and three wait,
    and sees all of them finish after the next start. With --nodes 2 it
    also kills one node in the middle of a job, which the other finishes.
    """
    from waystation.cli.demo.play import play

    sample = files("waystation.samples").joinpath("lighthouse.webp")
    with opened(as_json) as screen, as_file(sample) as shipped:
        if nodes > 1 and not (database or "").startswith(("postgresql:", "postgres:")):
            raise PreconditionFailed(
                f"--nodes {nodes} needs --database with the URL of an empty PostgreSQL database"
            )
        if image is not None:
            _look_at(image)
        if folder is not None:
            folder_at(folder)
        try:
            ok = asyncio.run(
                play(
                    screen,
                    image or shipped,
                    folder=folder,
                    keep=keep,
                    nodes=nodes,
                    database=database,
                )
            )
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        raise typer.Exit(Exit.OK if ok else Exit.FAILED)


def _look_at(image: Path) -> None:
    """Refuse what the bot would refuse, before anything is started. Raises: PreconditionFailed."""
    from waystation.outbound.pictures import KINDS, recognise, sound

    try:
        data = image.read_bytes()
    except OSError as error:
        raise PreconditionFailed(f"{image} cannot be read: {error.strerror}") from error
    found = recognise(data)
    if found is None or not sound(data, found[0]):
        kinds = ", ".join(kind.name for kind in KINDS)
        raise PreconditionFailed(f"{image} is not a picture; these are: {kinds}")
