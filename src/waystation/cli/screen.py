"""Screen: the one way a command writes: answers to stdout, everything else to stderr.

Rules: text from outside (a bot's message, a URL, an error of a server) is printed through `plain`,
never as markup (R49). With `--json` stdout holds exactly one JSON document per line.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from waystation.cli.exits import Exit, exit_for_error
from waystation.errors import Busy, WaystationError

__all__ = [
    "MARK",
    "Screen",
    "escaped",
    "fields",
    "grid",
    "indented",
    "link",
    "marked",
    "opened",
    "plain",
]

MARK: Mapping[str, Text] = {
    "ok": Text("✓", "bold green"),
    "warning": Text("!", "bold yellow"),
    "error": Text("✗", "bold red"),
}
"""The signs in front of a finding."""

_NO_EDGE = 2_000
"""Columns where nobody looks: wide enough that no line of a bot is folded."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")
"""Parts of emoji and of scripts; they cannot reorder or hide text."""


def escaped(text: str, keep: str = "") -> str:
    """Return text with control, bidirectional and other invisible characters as `\\x1b` (R49).

    Args: keep: characters to leave, such as a line feed where lines are wanted
    """
    return "".join(
        character
        if character in keep
        or character in _JOINERS
        or unicodedata.category(character) not in _INVISIBLE
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def plain(value: object, style: str = "", *, lines: bool = False) -> Text:
    """Return foreign text as it may be printed: no markup, nothing that steers a terminal.

    Args: lines: keep line feeds
    """
    return Text(escaped(str(value), "\n" if lines else ""), style)


def marked(sign: str, text: str, style: str = "") -> Text:
    """Return foreign text behind a sign of MARK. (`+` would spread the sign's style over it.)"""
    return Text.assemble(MARK[sign], " ", plain(text, style))


def grid(*titles: str) -> Table:
    """Return an empty table with headings, in the house style."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def fields(rows: Mapping[str, object]) -> Table:
    """Return names and values side by side; values are foreign text or renderables."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        shown = value if isinstance(value, Text | Table) else plain(value, lines=True)
        table.add_row(name, shown)
    return table


def link(url: str) -> Text:
    """Return a link, or a line to copy, that `Screen.show` does not fold."""
    text = plain(url, "blue")
    text.no_wrap = True
    return text


def indented(what: RenderableType, columns: int = 2) -> Padding:
    """Return something moved to the right, no wider than it must be."""
    return Padding(what, (0, 0, 0, columns), expand=False)


class Screen:
    """Where one command writes.

    `as_json` commands answer with `give` alone; others with `show`. Notes and progress go to
    stderr in both, so that stdout can be piped.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, width=_width(sys.stdout))
        self.err = Console(stderr=True, highlight=False, width=_width(sys.stderr))

    def answer(self, value: object, *shown: RenderableType) -> None:
        """Give the value as JSON, or show the renderables, as the caller asked."""
        if self.as_json:
            self.give(value)
        else:
            self.show(*shown)

    def give(self, value: object) -> None:
        """Print one JSON document on a line of its own."""
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()

    def show(self, *shown: RenderableType) -> None:
        """Print for a person; bare strings are foreign text, and links stay in one piece."""
        for item in shown:
            text = plain(item, lines=True) if isinstance(item, str) else item
            self.out.print(text, soft_wrap=isinstance(text, Text) and text.no_wrap is True)

    def note(self, text: str, style: str = "dim") -> None:
        """Tell a person something that is not the answer."""
        if not self.as_json:
            self.err.print(plain(text, style, lines=True))

    def fail(self, error: WaystationError) -> None:
        """Tell why the command ended: v2's error object, or a sentence on stderr."""
        if self.as_json:
            self.give(_error_object(error))
            return
        self.err.print(marked("error", error.message))
        for line in _explained(error):
            self.err.print(plain(f"  {line}", "dim"))


@contextmanager
def opened(as_json: bool) -> Iterator[Screen]:
    """Run a command's body; a WaystationError becomes a sentence and the exit code of its kind."""
    screen = Screen(as_json)
    try:
        yield screen
    except WaystationError as error:
        screen.fail(error)
        raise typer.Exit(exit_for_error(error)) from None
    except KeyboardInterrupt:
        screen.note("\nstopped")
        raise typer.Exit(Exit.INTERRUPTED) from None


def _width(stream: TextIO) -> int | None:
    """Return the columns to fill; None asks the terminal, a file or pipe has no edge."""
    return None if stream.isatty() else _NO_EDGE


def _error_object(error: WaystationError) -> dict[str, object]:
    body: dict[str, object] = {"error": error.message}
    if error.details:
        body["errorDetails"] = error.details
    if isinstance(error, Busy) and error.executing_jobs is not None:
        body["executingJobs"] = list(error.executing_jobs)
    return body | {"code": error.status_hint}


def _explained(error: WaystationError) -> Sequence[str]:
    lines = error.details.split("\n") if error.details else []
    if isinstance(error, Busy):
        lines += [f"running: {jobid}" for jobid in error.executing_jobs or ()]
        lines.append(f"try again in {error.retry_after_s} s")
    return lines
