"""Screen: the one way a command writes: answers to stdout, everything else to stderr.

Rules: text from outside (a bot's message, a URL, an error of a server) is printed through `plain`,
never as markup (R49). With `--json` stdout holds exactly one JSON document per line.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

from waystation.cli.exits import Exit, exit_for_error
from waystation.cli.mends import filled_in, mends
from waystation.errors import (
    Busy,
    ButtonRepeated,
    ConfigurationError,
    InvalidRequest,
    TransportError,
    Unavailable,
    WaystationError,
)
from waystation.secret import veiled

__all__ = [
    "MARK",
    "Grid",
    "Screen",
    "escaped",
    "fields",
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

_GAP = 2
"""Columns between two cells, where none are asked for."""

_LEAST_ROOM = 20
"""Columns in which text is folded at least; a narrower terminal folds it once more."""

_JOINED = "\N{NO-BREAK SPACE}"
_WORD = re.compile(rf"[^\S{_JOINED}]*[\S{_JOINED}]+[^\S{_JOINED}]*")

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


def marked(sign: str, text: str, style: str = "") -> Grid:
    """Return foreign text behind a sign of MARK; what is folded stands below the text."""
    row = Grid(gap=1)
    row.add_row(MARK[sign], plain(text, style))
    return row


class Grid:
    """Columns as wide as they must be; only the last is folded, and only between words.

    Ids and URLs stay in one piece and no line ends in spaces, which rich's own tables promise not.
    Words with a no-break space between them stay together; it is shown as a space.

    Args: gap: columns between two cells
    """

    def __init__(self, *titles: str, gap: int = _GAP) -> None:
        self._gap = gap
        self._rows: list[Sequence[Text]] = []
        if titles:
            self.add_row(*(Text(title, "bold") for title in titles))

    def add_row(self, *cells: Text) -> None:
        """Add a row; every row has as many cells."""
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths()
        for *first, last in self._rows:
            head = Text(no_wrap=True)
            for cell, width in zip(first, widths, strict=False):
                head.append_text(cell).append(" " * (width + self._gap - cell.cell_len))
            room = max(options.max_width - head.cell_len, _LEAST_ROOM)
            for folded in _folded(last, room):
                folded.plain = folded.plain.replace(_JOINED, " ")
                line = Text.assemble(head, folded, no_wrap=True)
                line.rstrip()
                yield line
                head = Text(" " * head.cell_len)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widths = self._widths()
        whole = sum(widths) + self._gap * max(len(widths) - 1, 0)
        return Measurement(whole, whole).with_maximum(options.max_width)

    def _widths(self) -> list[int]:
        columns = zip(*self._rows, strict=True)
        return [max(_width_of(cell) for cell in column) for column in columns]


def _folded(text: Text, room: int) -> Iterator[Text]:
    for line in text.split(allow_blank=True):
        if text.no_wrap:
            yield line
            continue
        cuts, column = [], 0
        for word in _WORD.finditer(line.plain):
            width = cell_len(word[0].rstrip())
            if column and column + width > room:
                cuts.append(word.start())
                column = 0
            column += cell_len(word[0])
        yield from line.divide(cuts)


def _foldable(what: RenderableType) -> RenderableType:
    """Return what is printed for a text; one that must not be folded says so itself."""
    if not isinstance(what, Text) or what.no_wrap:
        return what
    alone = Grid()
    alone.add_row(what)
    return alone


def _width_of(text: Text) -> int:
    return max((line.cell_len for line in text.split(allow_blank=True)), default=0)


def fields(rows: Mapping[str, object]) -> Grid:
    """Return names and values side by side; both are foreign text, values may be made already."""
    found = Grid()
    for name, value in rows.items():
        shown = value if isinstance(value, Text) else plain(value, lines=True)
        found.add_row(plain(name, "cyan"), shown)
    return found


def link(url: str) -> Text:
    """Return a link, or a line to copy, that is not folded."""
    text = plain(url, "blue")
    text.no_wrap = True
    return text


class _Indented:
    def __init__(self, what: RenderableType, columns: int) -> None:
        self._what, self._columns = what, columns

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.update(width=max(options.max_width - self._columns, _LEAST_ROOM))
        for line in Segment.split_lines(console.render(_foldable(self._what), room)):
            if any(segment.text.strip() for segment in line):
                yield Segment(" " * self._columns)
                yield from line
            yield Segment.line()


def indented(what: RenderableType, columns: int = 2) -> RenderableType:
    """Return something moved to the right."""
    return _Indented(what, columns)


class Screen:
    """Where one command writes.

    `as_json` commands answer with `give` alone; others with `show`. Notes and progress go to
    stderr in both, so that stdout can be piped.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.jobid: str | None = None
        """The job that is waited for; it goes on when the wait ends early."""
        self.known: dict[str, str] = {}
        """Fills in the commands that help: `JOBID` or `EMAIL` → value."""
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
            _print(self.out, plain(item, lines=True) if isinstance(item, str) else item)

    def note(self, text: str, style: str = "dim") -> None:
        """Tell a person something that is not the answer."""
        if not self.as_json:
            _print(self.err, plain(text, style, lines=True))

    def fail(self, error: WaystationError) -> None:
        """Tell why the command ended: v2's error object, or a sentence on stderr."""
        waits = self.jobid is not None and isinstance(error, Unavailable | TransportError)
        if self.as_json:
            self.give(_error_object(error) | ({"jobid": self.jobid} if waits else {}))
            return
        _print(self.err, marked("error", veiled(error.message)))
        for line in veiled(error.details or "").splitlines():
            _print(self.err, plain(f"  {line}", "dim"))
        if waits:
            self._note_job()
        if not (waits and isinstance(error, Unavailable)):
            # a wait that was given a limit has no cause to look for
            self.advise(filled_in(mends(error), self.known))

    def advise(self, given: Iterable[tuple[str, str]]) -> None:
        """Tell a person what helps, and each command to copy."""
        if not self.as_json:
            for what, command in given:
                self._advise(f"  {what}", command, "dim")

    def stopped(self) -> None:
        """Tell that a person ended the command, and how a job that goes on is found again."""
        if self.as_json:
            self.give({"error": "stopped"} | ({"jobid": self.jobid} if self.jobid else {}))
            return
        self.note("\nstopped")
        if self.jobid:
            self._note_job()

    def _note_job(self) -> None:
        self._advise("the job goes on:", f"waystation jobs watch {self.jobid}", "")

    def _advise(self, what: str, command: str, style: str) -> None:
        _print(self.err, plain(what, style))
        if command:
            _print(self.err, link(f"  {command}"))


@contextmanager
def opened(as_json: bool) -> Iterator[Screen]:
    """Run a command's body; a WaystationError becomes a sentence and the exit code of its kind."""
    screen = Screen(as_json)
    try:
        yield screen
    except WaystationError as error:
        screen.fail(error)
        raise typer.Exit(exit_for_error(error)) from None
    except (KeyboardInterrupt, EOFError, typer.Abort):
        screen.stopped()
        raise typer.Exit(Exit.INTERRUPTED) from None


def _print(console: Console, what: RenderableType) -> None:
    # A line may be longer than the terminal: an id or URL stays in one piece.
    console.print(_foldable(what), overflow="ignore", crop=False)


def _width(stream: TextIO) -> int | None:
    """Return the columns to fill; None asks the terminal, a file or pipe has no edge."""
    return None if stream.isatty() else _NO_EDGE


def _error_object(error: WaystationError) -> dict[str, object]:
    body: dict[str, object] = {"error": veiled(error.message)}
    if error.details:
        body["errorDetails"] = veiled(error.details)
    if isinstance(error, Busy) and error.executing_jobs is not None:
        body["executingJobs"] = list(error.executing_jobs)
    if isinstance(error, ButtonRepeated):
        body |= {"button": error.button, "jobid": error.jobid}
    # A setting is the caller's own mistake here, as a request is to the API.
    code = InvalidRequest.status_hint if isinstance(error, ConfigurationError) else None
    return body | {"code": code or error.status_hint}
