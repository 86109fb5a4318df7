"""waystation serve: run the service until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from waystation.cli.options import Config, Json
from waystation.cli.screen import Screen, link, opened

__all__ = ["serve"]

_Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address to listen on; WAYSTATION_HOST, else 127.0.0.1."),
]
_Port = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER", min=0, max=65535, help="Port; 0 takes a free one. WAYSTATION_PORT."
    ),
]


def serve(
    host: _Host = None, port: _Port = None, config: Config = None, as_json: Json = False
) -> None:
    """Run the service. SIGTERM and Ctrl-C stop it; the next start goes on with its jobs."""
    with opened(as_json) as screen:
        given = {"host": host, "port": port}
        _run({name: value for name, value in given.items() if value is not None}, config, screen)


def _run(flags: dict[str, object], config: Config, screen: Screen) -> None:
    import uvloop

    from waystation import app, logs, settings

    def ready(url: str) -> None:
        screen.answer({"url": url}, Text("Waystation listens on ") + link(url))

    found = settings.load(config, flags)
    logs.configure(found.log_level, found.log_format, for_good=True)
    uvloop.run(app.serve(found, ready=ready))
