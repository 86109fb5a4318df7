"""Program: the command line as a whole, joined from one file per command group.

Rules: what a command needs beyond typer and rich is imported inside it, so that `--help` and
completion stay quick.
"""

from __future__ import annotations

import codecs
import locale
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from waystation.cli import accounts, callbacks, jobs, media, serve
from waystation.cli.demo.command import demo
from waystation.cli.doctor.command import doctor
from waystation.cli.exits import EXITS
from waystation.cli.group import CommandGroup
from waystation.cli.host import audit, backup, export, keys, migrate, restored, sharing, users
from waystation.cli.submit import add_verbs

__all__ = ["app", "main"]


_LEGIBLE = "waystation.legible"
_IN_ASCII: Mapping[str, str] = {
    "✓": "+",
    "✗": "x",
    "…": "...",
    "·": "|",
    "→": "->",
    "–": "-",
    "—": "-",
}
"""Our own signs, for terminals without them."""


def _exit_lines() -> Iterator[str]:
    for code, meaning in EXITS.items():
        yield f"[cyan]{code.value:>3}[/]  {meaning}"


app = typer.Typer(
    cls=CommandGroup,
    name="waystation",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\n".join(["[bold]Exit codes[/]", *_exit_lines()]),
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"waystation {version('waystation')}")
        raise typer.Exit


@app.callback()
def waystation(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A self-hosted REST gateway to the Midjourney bot on Discord.

    The commands under Jobs speak to a running service: WAYSTATION_URL says
    where it is, WAYSTATION_TOKEN who you are. users, audit, doctor, backup,
    export, make-key, migrate, restore, restored and rotate-key work on this
    host's files. migrate, restore and restored want the service stopped; the
    others do not.
    """


app.command(rich_help_panel="Service")(serve.serve)
app.command(rich_help_panel="Service")(demo)
app.command(rich_help_panel="Service")(doctor)
app.command(rich_help_panel="Service")(migrate.migrate)
app.command(rich_help_panel="Service")(backup.backup)
app.command(rich_help_panel="Service")(backup.restore)
app.command(rich_help_panel="Service")(restored.restored)
app.command(rich_help_panel="Service")(export.export)
app.command(rich_help_panel="Service")(keys.make_key)
app.command(rich_help_panel="Service")(keys.rotate_key)
sharing.add_to(users.app)
app.add_typer(users.app, name="users", rich_help_panel="Service")
app.command(rich_help_panel="Service")(audit.audit)
add_verbs(app)
app.add_typer(jobs.app, name="jobs", rich_help_panel="Jobs")
app.add_typer(accounts.app, name="accounts", rich_help_panel="Jobs")
app.add_typer(callbacks.app, name="callbacks", rich_help_panel="Jobs")
app.add_typer(media.app, name="media", rich_help_panel="Jobs")


def main() -> None:
    """Run the command line. Source of the exit codes: `exits.EXITS`."""
    codecs.register_error(_LEGIBLE, _legible)
    # Python writes UTF-8 even where the locale asks for ASCII.
    encoding = "ascii" if locale.setlocale(locale.LC_CTYPE) in ("C", "POSIX") else None
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding=encoding, errors=_LEGIBLE)  # type: ignore[union-attr]
    app()


def _legible(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what a terminal cannot show: our signs in ASCII, a bot's emoji spelled out."""
    if isinstance(error, UnicodeEncodeError):
        sign = _IN_ASCII.get(error.object[error.start])
        if sign is not None:
            return sign, error.start + 1
    return codecs.backslashreplace_errors(error)
