"""waystation media: links to files of your jobs that need no token."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from waystation.cli.group import CommandGroup
from waystation.cli.loading import load_settings
from waystation.cli.options import Jobid, Json
from waystation.cli.remote import ask, service_url
from waystation.cli.screen import fields, opened
from waystation.media.files import FORMATS, SIZES, TILES
from waystation.media.links import LONGEST_SHARE, SHARE

__all__ = ["app"]

_SIZES: Final = ", ".join(map(str, SIZES))
_FORMATS: Final = ", ".join(kind.name for kind in FORMATS)

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Share files of your jobs by links that need no token, and end the links.",
)


@app.command()
def share(
    jobid: Jobid,
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", min=0, help="The attachment, counted from 0.")
    ] = 0,
    days: Annotated[
        int,
        typer.Option(
            metavar="DAYS", min=1, max=LONGEST_SHARE.days, help="Days until the link ends."
        ),
    ] = SHARE.days,
    tile: Annotated[
        int | None,
        typer.Option(
            metavar="TILE", min=TILES[0], max=TILES[-1], help="A quarter of a grid, 1 to 4."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help=f"Longest side of the picture: {_SIZES}."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help=f"Format of the picture: {_FORMATS}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a link to a file of a job and print it."""
    with opened(as_json) as screen:
        told = ask(
            lambda client: client.share_media(
                jobid, number, days=days, tile=tile, size=size, format=format
            )
        )
        url = told.get("url") or service_url(load_settings()) + told["path"]
        told = {"url": url, "expires": told["expires"]}
        screen.answer(told, fields({"link": told["url"], "ends": told["expires"]}))


@app.command()
def rotate(as_json: Json = False) -> None:
    """End each link that was made before, by a new key."""
    with opened(as_json) as screen:
        ask(lambda client: client.rotate_media_key())
        screen.answer({"rotated": True}, "The links that were made before work no more.")
